//! Knowing the staff: what the directory tells of them, and who has which id.

use scrm_db::Txn;
use scrm_kernel::{CorpId, WecomUserId};
use sea_orm::DbErr;

use super::{App, Error};
use crate::domain::routing::Group;
use crate::domain::staff::{Known, Told};
use crate::store;

impl App {
    /// Notes what the directory told of a member.
    pub(crate) async fn note_staff_in(&self, txn: &Txn, corp: CorpId, told: &Told) -> Result<(), DbErr> {
        store::staff::note(txn, corp, told).await
    }
}

/// Returns a member to whom something is to be given, unless it is known that they cannot work.
pub(super) async fn unless_away(txn: &Txn, corp: CorpId, user: WecomUserId) -> Result<WecomUserId, Error> {
    let known = store::staff::known(txn, corp, [user.folded()]).await?;
    match known.get(&user.folded()) {
        Some(Known { state, .. }) if state.is_away() => Err(Error::MemberAway { user, state: *state }),
        _ => Ok(user),
    }
}

/// Returns a group without those of whom it is known that they cannot work.
pub(super) async fn without_away(txn: &Txn, corp: CorpId, mut group: Group) -> Result<Group, DbErr> {
    let everybody = group.members.iter().map(|member| &member.user).chain(&group.backup);
    let known = store::staff::known(txn, corp, everybody.map(WecomUserId::folded)).await?;
    group.set_aside(|user| known.get(&user.folded()).is_some_and(|member| member.state.is_away()));
    Ok(group)
}
