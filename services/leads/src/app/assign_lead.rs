//! Finding an owner by the rules of a group, and telling of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::{CorpId, Day, WecomUserId};
use scrm_proto::leads::v1::LeadAssigned;
use sea_orm::DbErr;

use super::know_staff::without_away;
use crate::domain::lead::Lead;
use crate::domain::reason::Reason;
use crate::domain::routing::{Choice, Group, Load, Strategy};
use crate::store;

/// Whom the rules found, and why.
pub(super) struct Found {
    pub(super) owner: Option<WecomUserId>,
    pub(super) reason: Reason,
}

/// Finds who gets one more lead of a group that is locked, and counts it.
pub(super) async fn next_of(
    txn: &Txn,
    corp: CorpId,
    group: Option<Group>,
    name: &str,
) -> Result<Found, DbErr> {
    let mut sharing = Sharing::begin(txn, corp, group, name).await?;
    let found = sharing.next();
    sharing.end(txn, corp).await?;
    Ok(found)
}

/// The sharing out of leads, one after the other, among the members of a group that is locked.
pub(super) struct Sharing {
    name: String,
    /// None when there is no group of that name.
    group: Option<Group>,
    /// What the members have to do by now.
    loads: Vec<Load>,
    day: Day,
    /// The members whose turns have changed.
    changed: BTreeSet<usize>,
    /// How many leads people got.
    given: BTreeMap<String, i64>,
}

impl Sharing {
    /// Begins it with what the members got before.
    pub(super) async fn begin(
        txn: &Txn,
        corp: CorpId,
        group: Option<Group>,
        name: &str,
    ) -> Result<Self, DbErr> {
        let (day, mut loads) = (Day::of(txn.now()), Vec::new());
        let group = match group {
            Some(group) => {
                let group = without_away(txn, corp, group).await?;
                loads = loads_of(txn, corp, day, &group).await?;
                Some(group)
            }
            None => None,
        };
        let (changed, given) = (BTreeSet::new(), BTreeMap::new());
        Ok(Self { name: name.to_owned(), group, loads, day, changed, given })
    }

    /// Finds who gets the next lead.
    pub(super) fn next(&mut self) -> Found {
        let Some(group) = &mut self.group else {
            return Found { owner: None, reason: Reason::no_such_group(&self.name) };
        };
        let (user, reason) = match group.choose(&self.loads) {
            Choice::Nobody(reason) => return Found { owner: None, reason },
            Choice::Backup(user, reason) => (user, reason),
            Choice::Member(chosen, reason) => {
                self.changed.extend(group.count(chosen, &self.loads));
                (group.members[chosen].user.clone(), reason)
            }
        };
        for (member, load) in group.members.iter().zip(&mut self.loads) {
            if member.user == user {
                load.today += 1;
                load.open += 1;
            }
        }
        *self.given.entry(user.folded()).or_default() += 1;
        Found { owner: Some(user), reason }
    }

    /// Writes what the members got.
    pub(super) async fn end(self, txn: &Txn, corp: CorpId) -> Result<(), DbErr> {
        let Some(group) = &self.group else { return Ok(()) };
        for index in self.changed {
            store::routing::count(txn, corp, &group.name, &group.members[index]).await?;
        }
        for (user, leads) in &self.given {
            store::staff_day::count(txn, corp, self.day, user, *leads).await?;
        }
        Ok(())
    }
}

/// Returns what the members have to do already. Their days, and the backup's, are locked from here on.
async fn loads_of(txn: &Txn, corp: CorpId, day: Day, group: &Group) -> Result<Vec<Load>, DbErr> {
    let active = group.members.iter().filter(|member| member.is_active);
    let mut people: Vec<String> = active.clone().map(|member| member.user.folded()).collect();
    people.extend(group.backup.as_ref().map(WecomUserId::folded));
    if people.is_empty() {
        return Ok(vec![Load::default(); group.members.len()]);
    }
    let today = store::staff_day::lock(txn, corp, day, &people).await?;
    // Counted only where it decides.
    let is_open_wanted =
        group.strategy == Strategy::LeastLoaded || active.clone().any(|member| member.open_cap.is_some());
    let open = if is_open_wanted { store::lead::open_of(txn, corp, &people).await? } else { HashMap::new() };
    let load = |person: &str| Load {
        today: today.get(person).copied().unwrap_or_default(),
        open: open.get(person).copied().unwrap_or_default(),
    };
    Ok(group.members.iter().map(|member| load(&member.user.folded())).collect())
}

/// Tells the rest of the system who owns a lead; says nothing of one that nobody owns.
pub(super) async fn tell(txn: &Txn, lead: &Lead, cause: &Cause) -> Result<(), DbErr> {
    let Some(owner) = lead.owner() else { return Ok(()) };
    let event = LeadAssigned {
        corp_id: lead.corp.to_string(),
        lead_id: lead.id.to_string(),
        external_user_id: lead.person.as_ref().map(|person| person.as_str().to_owned()).unwrap_or_default(),
        owner_user_id: owner.as_str().to_owned(),
        reason: lead.reason.code.as_str().to_owned(),
        channel: lead.channel.clone().unwrap_or_default(),
    };
    outbox::put(txn, lead.corp, cause, &event).await?;
    Ok(())
}
