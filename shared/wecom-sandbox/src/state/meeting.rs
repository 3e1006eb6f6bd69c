//! How customers come to members: through a contact way and its queue, through a scripted channel, or by themselves.

use super::{Corp, Entry, Relation, Standing, Welcome};
use crate::company::Customer;

/// The share of a channel's customers who come through a contact way of the API instead, once there is one.
const SHARE_OF_WAYS: f64 = 0.5;
/// WeCom's `add_way` of a scanned code.
const SCANNED: u32 = 1;
/// `add_way` by phone number, business card, group chat, WeChat contact and friend's card: without any code.
const UNSCANNED: &[u32] = &[2, 3, 4, 6, 201];
/// The one of them where a member hands the customer on.
const SHARED: u32 = 201;
const BUSINESS_CARD: u32 = 3;

/// What leads a customer to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Through {
    /// Whatever the script and the contact ways offer.
    Anything,
    /// The contact way with this `config_id`.
    Way(String),
    /// The newest contact way with this `state`, or else the scripted channel.
    State(String),
}

/// Whom a customer meets, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) user_id: String,
    pub(crate) state: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) add_way: u32,
}

impl Corp {
    /// Leads a customer to a member; `None` when no such way exists, or nobody is at its end.
    pub(crate) fn lead(&mut self, customer: &Customer, through: &Through) -> Option<Met> {
        match through {
            Through::Way(config_id) => self.hand_out(config_id),
            Through::State(state) => {
                let way = self.ways.by_state(state).map(|way| way.config_id.clone());
                match way {
                    Some(config_id) => self.hand_out(&config_id),
                    None => self.through_channel(state),
                }
            }
            Through::Anything => self.anyhow(customer),
        }
    }

    fn anyhow(&mut self, customer: &Customer) -> Option<Met> {
        let channel = self.company.channel_of(customer).cloned();
        if let Some(channel) = &channel {
            let own = self.ways.by_state(&channel.state).map(|way| way.config_id.clone());
            let way = own.or_else(|| {
                let wanted = self.ways.count() > 0 && self.chance.chance(SHARE_OF_WAYS);
                wanted.then(|| Some(self.ways.any(&mut self.chance)?.config_id.clone())).flatten()
            });
            if let Some(met) = way.and_then(|config_id| self.hand_out(&config_id)) {
                return Some(met);
            }
        }
        let user_id = match self.book.find(&customer.user_id) {
            Some(member) => member.user_id.clone(),
            None => self.anybody()?,
        };
        let add_way = match channel {
            Some(_) => SCANNED,
            None => *self.chance.pick(UNSCANNED),
        };
        let (state, channel) = channel.map(|channel| (channel.state, channel.name)).unzip();
        Some(Met { user_id, state, channel, add_way })
    }

    /// Takes the next member of a contact way's queue: each in turn, whatever the owner of the way would like.
    fn hand_out(&mut self, config_id: &str) -> Option<Met> {
        let way = self.ways.find(config_id)?;
        let members = way.members(&self.book);
        let turn = way.handed % members.len().max(1) as u64;
        let user_id = members.get(usize::try_from(turn).ok()?)?.clone();
        let (state, remark, handed) = (way.text("state"), way.text("remark"), way.handed + 1);
        let channel = [remark, state].into_iter().find(|text| !text.is_empty()).map(str::to_owned);
        let state = (!state.is_empty()).then(|| state.to_owned());
        self.put(Entry::Handed { config_id: config_id.to_owned(), handed });
        Some(Met { user_id, state, channel, add_way: SCANNED })
    }

    fn through_channel(&mut self, state: &str) -> Option<Met> {
        let channel = self.company.channels.iter().find(|channel| channel.state == state)?.clone();
        let here: Vec<&String> =
            channel.staff.iter().filter(|user_id| self.book.find(user_id).is_some()).collect();
        let user_id = match here.as_slice() {
            [] => self.anybody()?,
            here => (*self.chance.pick(here)).clone(),
        };
        Some(Met { user_id, state: Some(channel.state), channel: Some(channel.name), add_way: SCANNED })
    }

    fn anybody(&mut self) -> Option<String> {
        let members: Vec<&str> = self.book.members().map(|member| member.user_id.as_str()).collect();
        (!members.is_empty()).then(|| (*self.chance.pick(&members)).to_owned())
    }

    /// Makes a customer and a member friends at `now`, in milliseconds since 1970.
    ///
    /// Who already is a friend stays one from when it began. Says whether the two are friends only now.
    pub(crate) fn befriend(&mut self, external_user_id: &str, met: &Met, now: i64) -> bool {
        let known = self.relations.find(&met.user_id, external_user_id);
        if known.is_some_and(|relation| relation.standing == Standing::Friends) {
            return false;
        }
        let oper_user_id = match met.add_way {
            SHARED | BUSINESS_CARD => met.user_id.clone(),
            _ => external_user_id.to_owned(),
        };
        // A customer who left and comes back is known by the old remark and tags.
        let known = known.cloned();
        let kept = known.unwrap_or_else(|| Relation {
            user_id: met.user_id.clone(),
            external_user_id: external_user_id.to_owned(),
            standing: Standing::Friends,
            created_at: 0,
            add_way: 0,
            state: None,
            oper_user_id: String::new(),
            remark: String::new(),
            description: String::new(),
            remark_company: String::new(),
            remark_mobiles: Vec::new(),
            agreed: false,
            tags: Vec::new(),
        });
        self.put(Entry::Relation(Relation {
            standing: Standing::Friends,
            created_at: now.div_euclid(1000),
            add_way: met.add_way,
            state: met.state.clone(),
            oper_user_id,
            ..kept
        }));
        true
    }

    /// Makes a welcome code good from `now` on, in milliseconds since 1970; one that is known stays as it is.
    pub(crate) fn allow_welcome(&mut self, code: &str, user_id: &str, external_user_id: &str, now: i64) {
        if code.is_empty() || self.welcomes.is_known(code) {
            return;
        }
        self.put(Entry::Welcome(Welcome {
            code: code.to_owned(),
            user_id: user_id.to_owned(),
            external_user_id: external_user_id.to_owned(),
            at: now,
            done: false,
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::company::Company;
    use crate::settings::Settings;
    use crate::state::Way;

    fn opened(folder: &Path) -> Corp {
        Corp::open(folder, Arc::new(Company::scripted(7))).unwrap()
    }

    fn way(config_id: &str, state: &str, member: &str) -> Entry {
        let fields = json!({"state": state, "user": [member]});
        let fields = fields.as_object().unwrap().clone();
        let config_id = config_id.to_owned();
        Entry::Way(Way { config_id, created_at: 0, fields, handed: 0, deleted: false })
    }

    #[test]
    fn whoever_comes_by_himself_uses_the_ways_of_the_api_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut corp = opened(folder.path());
        let staff: Vec<String> = corp.company.staff.iter().map(|staff| staff.user_id.clone()).collect();
        let busiest = corp.company.channels[0].state.clone();
        corp.put(way("a", &busiest, &staff[0]));
        corp.put(way("b", "ours", &staff[1]));
        let (mut ours, mut scripted) = (0, 0);
        for number in 1..=400 {
            let customer = corp.company.customer(number);
            let channel = corp.company.channel_of(&customer).map(|channel| channel.state.clone());
            let met = corp.lead(&customer, &Through::Anything).unwrap();
            match channel {
                None => assert_eq!((met.user_id, met.state), (customer.user_id, None)),
                Some(channel) if channel == busiest => {
                    assert_eq!((&met.user_id, met.state), (&staff[0], Some(busiest.clone())));
                }
                Some(channel) if met.state.as_ref() == Some(&channel) => scripted += 1,
                Some(_) => ours += 1,
            }
        }
        assert!(ours > 50 && scripted > 50, "{ours} came through the API's ways, {scripted} did not");
    }

    #[test]
    fn a_long_journal_is_written_anew_and_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut corp = opened(folder.path());
        let met =
            Met { user_id: corp.company.staff[0].user_id.clone(), state: None, channel: None, add_way: 2 };
        corp.befriend("wmA", &met, 1000);
        corp.edit(&met.user_id, "wmA");
        corp.put(way("a", "s", &met.user_id));
        for delay in 0..11_000 {
            corp.put(Entry::Settings(Settings { transfer_delay_s: delay, ..Settings::default() }));
        }
        let path = folder.path().join(format!("{}.jsonl", corp.company.corp_id));
        let long = std::fs::metadata(&path).unwrap().len();
        let relation = corp.relations.find(&met.user_id, "wmA").cloned();
        drop(corp);
        for _ in 0..2 {
            let corp = opened(folder.path());
            assert!(std::fs::metadata(&path).unwrap().len() < long / 10);
            assert_eq!(corp.relations.find(&met.user_id, "wmA").cloned(), relation);
            assert_eq!((corp.settings.transfer_delay_s, corp.ways.count()), (10_999, 1));
        }
    }
}
