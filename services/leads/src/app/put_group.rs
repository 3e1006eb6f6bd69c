//! Routing groups: who may get the leads of a source.

use std::collections::HashMap;

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, Day, FieldError, Timestamp, WecomUserId};

use super::{App, Error};
use crate::domain::routing::{Group, Member, Strategy};
use crate::store;

/// Characters of a group's name at most.
const MOST_NAME: usize = 60;
/// Members of a group at most.
const MOST_MEMBERS: usize = 200;
/// Weights.
const WEIGHT: std::ops::RangeInclusive<i64> = 1..=1000;
/// Caps.
const CAP: std::ops::RangeInclusive<i64> = 0..=100_000;

/// What an administrator says of a group, as typed in.
#[derive(Debug, Clone)]
pub struct GroupForm {
    /// Its name.
    pub name: String,
    /// Such as `round_robin`.
    pub strategy: String,
    /// Who gets what no member can take.
    pub backup: Option<String>,
    /// In the order that settles ties.
    pub members: Vec<MemberForm>,
    /// The version that was changed, if the caller cares.
    pub version: Option<i64>,
}

/// What an administrator says of a member.
#[derive(Debug, Clone)]
pub struct MemberForm {
    /// WeCom's id.
    pub user_id: String,
    /// For the strategy `weighted`.
    pub weight: i64,
    /// Leads on one day at most.
    pub daily_cap: Option<i64>,
    /// Open leads at most.
    pub open_cap: Option<i64>,
    /// May get leads at all.
    pub is_active: bool,
}

/// A group, and what the rules gave its members today by their case-folded ids.
pub type GroupToday = (Group, HashMap<String, i64>);

impl App {
    /// Adds a group or changes it; what waits for it is given out at once.
    pub async fn put_group(&self, actor: &Actor, form: &GroupForm) -> Result<GroupToday, Error> {
        let corp = actor.allow(Action::ManageRouting)?;
        let wanted = check(form)?;
        let txn = self.db.begin().await?;
        let now = txn.now();
        store::routing::ensure(&txn, corp, &wanted.name, now).await?;
        let before = store::routing::lock(&txn, corp, &wanted.name).await?;
        let before = before.ok_or_else(|| Error::GroupNotFound(wanted.name.clone()))?;
        if form.version.is_some_and(|version| version != before.version) {
            return Err(Error::GroupChanged(before.version));
        }
        let group = Group { version: before.version + 1, updated_at: now, ..wanted }.following(&before);
        store::routing::save(&txn, corp, &group).await?;
        txn.commit().await?;
        tracing::info!(group.version, "Routing group is set");

        if let Err(error) = self.drain_group(corp, &group.name).await {
            tracing::warn!(error = %error, "Cannot give out what waits for a group; the job tries again");
        }
        self.group_of(corp, &group.name).await
    }

    /// Returns one group.
    pub async fn group(&self, actor: &Actor, name: &str) -> Result<GroupToday, Error> {
        let corp = actor.allow(Action::ReadRouting)?;
        self.group_of(corp, name).await
    }

    async fn group_of(&self, corp: CorpId, name: &str) -> Result<GroupToday, Error> {
        let group = store::routing::find(self.db.reader(), corp, name).await?;
        let group = group.ok_or_else(|| Error::GroupNotFound(name.to_owned()))?;
        Ok((group, self.today(corp).await?))
    }

    /// Returns all groups by name.
    pub async fn groups(&self, actor: &Actor) -> Result<(Vec<Group>, HashMap<String, i64>), Error> {
        let corp = actor.allow(Action::ReadRouting)?;
        Ok((store::routing::all(self.db.reader(), corp).await?, self.today(corp).await?))
    }

    async fn today(&self, corp: CorpId) -> Result<HashMap<String, i64>, Error> {
        let today = Day::of(self.db.clock().now());
        Ok(store::staff_day::of_day(self.db.reader(), corp, today).await?)
    }
}

/// Checks every field, so that one answer names all that are wrong.
fn check(form: &GroupForm) -> Result<Group, Error> {
    let mut wrong = Vec::new();
    let name = form.name.trim();
    let is_plain = !name.contains(|character: char| character.is_control() || character == '/');
    if !(1..=MOST_NAME).contains(&name.chars().count()) || !is_plain {
        let message = format!("must be 1 to {MOST_NAME} characters without control characters or slashes");
        wrong.push(FieldError::new("name", message));
    }
    let strategy = Strategy::parse(&form.strategy);
    if strategy.is_none() {
        wrong.push(FieldError::new("strategy", "must be round_robin, weighted or least_loaded"));
    }
    let backup = form.backup.as_deref().map(WecomUserId::parse).transpose();
    let backup =
        backup.map_err(|error| wrong.push(FieldError::new("backup", error.to_string()))).ok().flatten();
    if form.members.len() > MOST_MEMBERS {
        wrong.push(FieldError::new("members", format!("must not be more than {MOST_MEMBERS}")));
    }
    let mut members: Vec<Member> = Vec::new();
    for (index, member) in form.members.iter().take(MOST_MEMBERS).enumerate() {
        let Some(member) = checked_member(member, index, &mut wrong) else { continue };
        if members.iter().any(|known| known.user == member.user) {
            wrong.push(FieldError::new(format!("members[{index}].user_id"), "is named twice"));
        }
        members.push(member);
    }
    if backup.as_ref().is_some_and(|backup| members.iter().any(|member| member.user == *backup)) {
        wrong.push(FieldError::new("backup", "must not be a member: nobody's caps would hold"));
    }
    match strategy {
        Some(strategy) if wrong.is_empty() => Ok(Group {
            name: name.to_owned(),
            strategy,
            backup,
            members,
            version: 0,
            updated_at: Timestamp::default(),
        }),
        _ => Err(Error::InvalidFields(wrong)),
    }
}

fn checked_member(form: &MemberForm, index: usize, wrong: &mut Vec<FieldError>) -> Option<Member> {
    let mut note = |field: &str, message: String| {
        wrong.push(FieldError::new(format!("members[{index}].{field}"), message));
    };
    let user = WecomUserId::parse(&form.user_id).map_err(|error| note("user_id", error.to_string())).ok();
    if !WEIGHT.contains(&form.weight) {
        note("weight", format!("must be between {} and {}", WEIGHT.start(), WEIGHT.end()));
    }
    for (field, cap) in [("daily_cap", form.daily_cap), ("open_cap", form.open_cap)] {
        if cap.is_some_and(|cap| !CAP.contains(&cap)) {
            note(field, format!("must be between {} and {}, or null", CAP.start(), CAP.end()));
        }
    }
    Some(Member {
        user: user?,
        weight: form.weight,
        daily_cap: form.daily_cap,
        open_cap: form.open_cap,
        is_active: form.is_active,
        assigned: 0,
        turns: 0,
    })
}
