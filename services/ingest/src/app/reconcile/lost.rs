//! Events of relations whose callbacks got lost.

use aws_lc_rs::digest::{SHA256, digest};
use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::{CorpId, MessageId, Timestamp};
use scrm_proto::wecom::v1::{ContactAdded, ContactRemoved, RemovedBy};
use sea_orm::DbErr;

use crate::domain::relation::Pair;
use crate::store::relation::Listed;

/// Tells that a relation began. Nobody can be greeted any more: WeCom's code for that came with the callback.
pub(super) async fn tell_lost(
    txn: &Txn,
    corp: CorpId,
    listed: &Listed,
    state: Option<&str>,
) -> Result<(), DbErr> {
    let event = ContactAdded {
        corp_id: corp.to_string(),
        app: String::new(),
        user_id: listed.pair.user.as_str().to_owned(),
        external_user_id: listed.pair.customer.as_str().to_owned(),
        state: state.unwrap_or_default().to_owned(),
        welcome_code: String::new(),
        half: false,
    };
    let id = id_of(corp, &listed.pair, listed.began_at);
    outbox::put_as(txn, id, corp, &Cause::here(listed.began_at), &event).await
}

/// Returns the id of the event that a relation began: the same however often it is found.
fn id_of(corp: CorpId, pair: &Pair, began_at: Timestamp) -> MessageId {
    let (user, customer) = (pair.user.folded(), pair.customer.as_str());
    let told = format!("found\n{corp}\n{user}\n{customer}\n{}", began_at.timestamp());
    MessageId::of_hash(digest(&SHA256, told.as_bytes()).as_ref())
}

/// Tells that a relation was over at `moment`; who ended it, nobody knows.
pub(super) async fn tell_ended(txn: &Txn, corp: CorpId, pair: &Pair, moment: Timestamp) -> Result<(), DbErr> {
    let event = ContactRemoved {
        corp_id: corp.to_string(),
        app: String::new(),
        user_id: pair.user.as_str().to_owned(),
        external_user_id: pair.customer.as_str().to_owned(),
        by: RemovedBy::Unspecified.into(),
    };
    outbox::put(txn, corp, &Cause::here(moment), &event).await.map(drop)
}
