//! A customer's record: taken out, changed, put back. While it is out the customer is locked.

use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, WecomUserId};
use sea_orm::DbErr;

use crate::domain::record::Record;
use crate::store;

/// Takes out the record of a customer, who is made if unheard of.
pub(super) async fn open(txn: &Txn, corp: CorpId, person: &ExternalUserId) -> Result<Record, DbErr> {
    let (customer, is_new) = store::customer::lock_or_make(txn, corp, person).await?;
    if is_new {
        return Ok(Record { customer, relations: Vec::new() });
    }
    let relations = store::relation::of_customers(txn, corp, [customer.id]).await?;
    Ok(Record { customer, relations })
}

/// Returns the id by which a member of whom something is told is known now; a record without them may know them by it.
pub(super) async fn present_id(
    txn: &Txn,
    record: &Record,
    member: &WecomUserId,
) -> Result<WecomUserId, DbErr> {
    if record.relations.iter().any(|relation| relation.user == *member) {
        return Ok(member.clone());
    }
    store::staff::present_id(txn, record.customer.corp, member).await
}

/// Works out what follows, and writes what is otherwise than before; returns the record as it is now.
pub(super) async fn close(txn: &Txn, before: &Record, after: Record) -> Result<Record, DbErr> {
    let after = after.settled(before, txn.now());
    if after.customer != before.customer {
        store::customer::save(txn, &after.customer).await?;
    }
    for relation in after.relations.iter().filter(|relation| !before.relations.contains(relation)) {
        store::relation::save(txn, after.customer.corp, relation).await?;
    }
    Ok(after)
}
