//! What `scrm demo` counts, from outside: what the simulated WeCom had acknowledged, against leads read over HTTP.

use std::collections::{HashMap, HashSet};

use scrm_wecom_sandbox::{Answer, CallbackRecord};
use serde::{Deserialize, Serialize};

/// A lead as the HTTP API shows it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SeenLead {
    pub(crate) id: String,
    /// `None` while nobody has the person as contact.
    pub(crate) external_user_id: Option<String>,
    /// `None` while the lead is in the pool.
    pub(crate) owner: Option<SeenOwner>,
    pub(crate) channel: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) reason: SeenReason,
    /// Milliseconds since the epoch.
    #[serde(deserialize_with = "millis")]
    pub(crate) received_at: i64,
    /// Milliseconds since the epoch.
    #[serde(deserialize_with = "optional_millis")]
    pub(crate) assigned_at: Option<i64>,
    pub(crate) name: Option<String>,
    pub(crate) welcome: SeenWelcome,
    /// Milliseconds since the epoch.
    #[serde(deserialize_with = "optional_millis")]
    pub(crate) followed_up_at: Option<i64>,
}

impl SeenLead {
    /// Reports whether a customer arrived in the simulated company: who submits a form did not.
    pub(crate) fn is_contact(&self) -> bool {
        self.external_user_id.is_some() && self.owner.is_some()
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SeenWelcome {
    pub(crate) state: String,
    /// Milliseconds since the epoch.
    #[serde(deserialize_with = "optional_millis")]
    pub(crate) at: Option<i64>,
    pub(crate) problem: Option<String>,
}

impl SeenWelcome {
    /// Reports whether nothing more will happen; before it is begun there is `none` yet.
    pub(crate) fn is_final(&self) -> bool {
        !["none", "wanted", "calling"].contains(&self.state.as_str())
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.state == "sent"
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SeenOwner {
    pub(crate) user_id: String,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SeenReason {
    pub(crate) text: String,
}

fn millis<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    optional_millis(deserializer)?.ok_or_else(|| serde::de::Error::custom("a time is missing"))
}

fn optional_millis<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    use serde::de::Error as _;
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let moment = text.parse::<scrm_kernel::Timestamp>().map_err(D::Error::custom)?;
    Ok(Some(moment.timestamp_millis()))
}

/// The last line of `scrm demo --once`.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) callbacks_acknowledged: u64,
    pub(crate) leads_assigned: usize,
    pub(crate) welcomes_sent: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) first_lead_ms: Option<u64>,
    pub(crate) assign_ms: Spread,
    pub(crate) welcome_ms: Spread,
}

/// Median and 99th percentile in milliseconds; null when nothing was measured.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Spread {
    pub(crate) p50: Option<i64>,
    pub(crate) p99: Option<i64>,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        let at = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100);
            values.get(rank.saturating_sub(1)).copied()
        };
        Self { p50: at(50), p99: at(99) }
    }
}

/// The leads seen so far in this run, by id.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Those of contacts, which are counted.
    leads: HashMap<String, SeenLead>,
    others: HashMap<String, SeenLead>,
}

impl Tally {
    /// Notes a lead; returns what it was when it was last seen.
    pub(crate) fn note(&mut self, lead: &SeenLead) -> Option<SeenLead> {
        let known = if lead.is_contact() { &mut self.leads } else { &mut self.others };
        let before = known.insert(lead.id.clone(), lead.clone());
        // The person of a form may become a contact.
        before.or_else(|| if lead.is_contact() { self.others.remove(&lead.id) } else { None })
    }

    /// Counts the leads whose welcome message is still on its way.
    pub(crate) fn ungreeted(&self) -> usize {
        self.leads.values().filter(|lead| !lead.welcome.is_final()).count()
    }

    /// Returns how many leads were seen.
    pub(crate) fn leads(&self) -> usize {
        self.leads.len()
    }

    /// Returns the customers whose arrival was acknowledged and who have no lead.
    pub(crate) fn lost<'a>(&self, callbacks: &'a [CallbackRecord]) -> HashSet<&'a str> {
        let with_lead: HashSet<&str> =
            self.leads.values().filter_map(|lead| lead.external_user_id.as_deref()).collect();
        let arrived = callbacks.iter().filter(|record| is_acknowledged_arrival(record));
        arrived
            .filter_map(|record| record.external_user_id.as_deref())
            .filter(|customer| !with_lead.contains(customer))
            .collect()
    }

    /// Sums up.
    pub(crate) fn report(
        &self,
        callbacks: &[CallbackRecord],
        callbacks_acknowledged: u64,
        welcomes_sent: usize,
        first_lead_ms: Option<u64>,
    ) -> Report {
        let customers: HashSet<&str> =
            self.leads.values().filter_map(|lead| lead.external_user_id.as_deref()).collect();
        let waits =
            self.leads.values().filter_map(|lead| Some(lead.assigned_at? - lead.received_at)).collect();
        let greeted = self.leads.values().filter(|lead| lead.welcome.is_sent());
        let greetings = greeted.filter_map(|lead| Some(lead.welcome.at? - lead.received_at)).collect();
        Report {
            callbacks_acknowledged,
            leads_assigned: self.leads.len(),
            welcomes_sent,
            lost: self.lost(callbacks).len(),
            doubled: self.leads.len() - customers.len(),
            first_lead_ms,
            assign_ms: Spread::of(waits),
            welcome_ms: Spread::of(greetings),
        }
    }
}

fn is_acknowledged_arrival(record: &CallbackRecord) -> bool {
    let arrival = ["add_external_contact", "add_half_external_contact"];
    record.status == Answer::Http(200)
        && record.change_type.as_deref().is_some_and(|change| arrival.contains(&change))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callback(customer: &str, change: &str, status: Answer) -> CallbackRecord {
        CallbackRecord {
            id: 1,
            time: scrm_kernel::time::from_millis(1),
            app: "demo".to_owned(),
            event: "change_external_contact".to_owned(),
            change_type: Some(change.to_owned()),
            external_user_id: Some(customer.to_owned()),
            customer: None,
            attempt: 1,
            status,
            ms: 1,
        }
    }

    fn lead(id: &str, customer: &str) -> SeenLead {
        SeenLead {
            id: id.to_owned(),
            external_user_id: Some(customer.to_owned()),
            owner: Some(SeenOwner { user_id: "li".to_owned(), name: None }),
            channel: None,
            source: None,
            reason: SeenReason { text: String::new() },
            received_at: 10,
            assigned_at: Some(13),
            name: None,
            welcome: SeenWelcome { state: "sent".to_owned(), at: Some(60), problem: None },
            followed_up_at: None,
        }
    }

    #[test]
    fn an_acknowledged_arrival_without_a_lead_is_lost_and_a_second_lead_is_doubled() {
        let callbacks = [
            callback("wm-has-two", "add_external_contact", Answer::Http(200)),
            callback("wm-has-none", "add_half_external_contact", Answer::Http(200)),
            callback("wm-refused", "add_external_contact", Answer::Http(503)),
            callback("wm-edited", "edit_external_contact", Answer::Http(200)),
        ];
        let mut tally = Tally::default();
        assert!(tally.note(&lead("1", "wm-has-two")).is_none());
        assert!(tally.note(&lead("1", "wm-has-two")).is_some());
        assert!(tally.note(&lead("2", "wm-has-two")).is_none());
        let form = SeenLead { external_user_id: None, owner: None, ..lead("3", "") };
        assert!(tally.note(&form).is_none() && tally.note(&form).is_some());
        let report = tally.report(&callbacks, 3, 0, Some(5));
        assert_eq!((report.leads_assigned, report.lost, report.doubled), (2, 1, 1));
        assert_eq!(report.assign_ms, Spread { p50: Some(3), p99: Some(3) });
        assert_eq!(report.welcome_ms, Spread { p50: Some(50), p99: Some(50) });
        assert_eq!(tally.ungreeted(), 0);
        assert_eq!(tally.lost(&callbacks), HashSet::from(["wm-has-none"]));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        assert_eq!(Spread::of(Vec::new()), Spread::default());
        assert_eq!(Spread::of(vec![7]), Spread { p50: Some(7), p99: Some(7) });
        let hundred = (1..=100).rev().collect();
        assert_eq!(Spread::of(hundred), Spread { p50: Some(50), p99: Some(99) });
    }
}
