//! The count from outside: leads as anybody reads them over HTTP, calls as WeCom received them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use crate::company::Company;
use crate::installation::Installation;

/// Where a welcome message is sent.
const WELCOME: &str = "externalcontact/send_welcome_msg";

/// Somebody who reads leads.
pub struct Outside {
    http: Client,
    url: String,
    token: String,
}

/// What there is, against what there should be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Customers and forms that were acknowledged and have no lead.
    pub lost: BTreeSet<String>,
    /// Customers and forms with more than one lead, and welcome codes that worked twice.
    pub doubled: BTreeSet<String>,
    /// Leads without an owner, and leads whose welcome message has not come to an end.
    pub unfinished: BTreeSet<String>,
    /// Leads that say something else of their welcome message than WeCom does.
    pub untrue: BTreeSet<String>,
}

impl Outside {
    /// Returns somebody who reads the leads of an installation.
    pub fn of(installation: &Installation) -> Self {
        let patience = Duration::from_secs(10);
        let http =
            Client::builder().no_proxy().timeout(patience).build().expect("a plain client can be made");
        Self {
            http,
            url: format!("{}/api/v1/leads/leads", installation.url_of("leads")),
            token: installation.token(),
        }
    }

    /// Compares; `None` while the service does not answer.
    pub async fn count(&self, company: &Company) -> Option<Outcome> {
        let mut outcome = Outcome::default();
        let sent = Self::greeted(company, &mut outcome);
        let mut found = BTreeMap::<String, usize>::new();
        for lead in self.leads().await? {
            let customer = lead["external_user_id"].as_str();
            let subject = customer.or(lead["name"].as_str()).unwrap_or_default().to_owned();
            let state = lead["welcome"]["state"].as_str().unwrap_or_default();
            let is_greeted =
                customer.is_some_and(|customer| sent.contains(&customer.replace("wm-", "code-")));
            if lead["owner"].is_null()
                || (customer.is_some() && ["none", "wanted", "calling"].contains(&state))
            {
                outcome.unfinished.insert(subject.clone());
            } else if (state == "sent") != is_greeted && state != "unknown" {
                outcome.untrue.insert(format!("{subject}: {state}"));
            }
            *found.entry(subject).or_default() += 1;
        }
        let acknowledged = company.acknowledged();
        let expected = acknowledged.iter().chain(company.accepted());
        outcome.lost = expected.filter(|subject| !found.contains_key(*subject)).cloned().collect();
        outcome.doubled.extend(found.into_iter().filter(|(_, leads)| *leads > 1).map(|(subject, _)| subject));
        Some(outcome)
    }

    /// Returns the welcome codes that worked, and notes those that worked twice.
    fn greeted(company: &Company, outcome: &mut Outcome) -> BTreeSet<String> {
        let mut sent = BTreeSet::new();
        for (body, answer) in company.wecom.calls(WELCOME) {
            let code = body["welcome_code"].as_str().unwrap_or_default().to_owned();
            if answer["errcode"] == 0 && !sent.insert(code.clone()) {
                outcome.doubled.insert(code);
            }
        }
        sent
    }

    async fn leads(&self) -> Option<Vec<Value>> {
        let (mut leads, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut url = format!("{}?limit=200", self.url);
            if let Some(cursor) = &cursor {
                url.push_str("&cursor=");
                url.push_str(cursor);
            }
            let answer = self.http.get(url).bearer_auth(&self.token).send().await.ok()?;
            let page: Value = answer.error_for_status().ok()?.json().await.ok()?;
            leads.extend(page["items"].as_array()?.iter().cloned());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Some(leads);
            }
        }
    }
}
