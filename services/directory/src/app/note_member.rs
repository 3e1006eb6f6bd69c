//! What is heard of members finds its place in the roster, and everybody is told of what that changes.

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::{CorpId, StaffId, WecomUserId};
use scrm_proto::directory::v1::{StaffChanged, StaffState};
use sea_orm::DbErr;

use super::App;
use super::keep_calendars::ensure_one;
use crate::domain::roster::Roster;
use crate::domain::staff::{Fact, Member, Reading, State};
use crate::domain::tenure::Rename;
use crate::store;

impl App {
    /// Notes what was read of a member.
    pub(crate) async fn note_member_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        user: &WecomUserId,
        reading: Reading,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        change(txn, corp, &[user], cause, |roster, mint| roster.read(user, reading, mint)).await
    }

    /// Notes that WeCom knows no such member.
    pub(crate) async fn lose_member_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        user: &WecomUserId,
        fact: Fact,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        change(txn, corp, &[user], cause, |roster, _| roster.gone(user, fact)).await
    }

    /// Notes that a member has another id than before.
    pub(crate) async fn rename_member_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        rename: &Rename,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        let users = [&rename.former, &rename.user];
        change(txn, corp, &users, cause, |roster, mint| roster.renamed(rename, mint)).await
    }
}

/// Changes the part of a roster that is about some ids, and tells of everybody who is not as before.
async fn change(
    txn: &Txn,
    corp: CorpId,
    users: &[&WecomUserId],
    cause: &Cause,
    deed: impl FnOnce(&mut Roster, &mut dyn FnMut() -> StaffId) + Send,
) -> Result<(), DbErr> {
    store::roster::lock(txn, corp).await?;
    ensure_one(txn, corp).await?;
    let before = store::roster::about(txn, corp, users).await?;
    let mut after = before.clone();
    deed(&mut after, &mut || StaffId::mint(txn.now()));
    let changed = after.changed_since(&before);
    store::roster::save(txn, corp, &before, &after).await?;
    for member in &changed {
        outbox::put(txn, corp, cause, &event_of(corp, member)).await?;
        tracing::info!(staff.id = %member.id, staff.version = member.version, "Member {} changed", member.id);
    }
    Ok(())
}

fn event_of(corp: CorpId, member: &Member) -> StaffChanged {
    let profile = &member.profile;
    let id_of = |user: &WecomUserId| user.as_str().to_owned();
    StaffChanged {
        corp_id: corp.to_string(),
        staff_id: member.id.to_string(),
        version: member.version,
        user_id: member.user.as_ref().map(id_of).unwrap_or_default(),
        former_user_ids: member.former.iter().map(id_of).collect(),
        name: profile.name.clone(),
        alias: profile.alias.clone(),
        position: profile.position.clone(),
        department_ids: profile.places.iter().map(|place| place.department).collect(),
        state: state_of(member.state).into(),
        same_as_staff_id: member.same_as.map(|id| id.to_string()).unwrap_or_default(),
    }
}

const fn state_of(state: State) -> StaffState {
    match state {
        State::Active => StaffState::Active,
        State::Invited => StaffState::Invited,
        State::Disabled => StaffState::Disabled,
        State::Left => StaffState::Left,
    }
}
