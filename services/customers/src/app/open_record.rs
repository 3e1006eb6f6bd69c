//! A customer's record: taken out, changed, put back. While it is out the customer is locked.

use scrm_db::Txn;
use scrm_kernel::{CorpId, CustomerId, ExternalUserId, WecomUserId};
use sea_orm::DbErr;

use crate::domain::customer::Customer;
use crate::domain::record::Record;
use crate::store;

/// Returns the record of a customer of whom nobody has heard; nothing is written.
pub(super) fn unheard_of(txn: &Txn, corp: CorpId, person: &ExternalUserId) -> Record {
    let now = txn.now();
    let customer = Customer::unheard_of(CustomerId::mint(now), corp, person.clone(), now);
    Record { customer, relations: Vec::new() }
}

/// Puts in the record of a customer of whom nobody had heard before; `false`, and nothing is written, if somebody had.
pub(super) async fn make(txn: &Txn, before: &Record, after: Record) -> Result<bool, DbErr> {
    let after = after.settled(before, txn.now());
    if !store::customer::add(txn, &after.customer).await? {
        return Ok(false);
    }
    save_relations(txn, before, &after).await?;
    Ok(true)
}

/// Takes out the record of a customer, who is made if unheard of.
pub(super) async fn open(txn: &Txn, corp: CorpId, person: &ExternalUserId) -> Result<Record, DbErr> {
    let mut known = store::customer::lock_person(txn, corp, person).await?;
    if known.is_none() {
        let new = unheard_of(txn, corp, person);
        if store::customer::add(txn, &new.customer).await? {
            return Ok(new);
        }
        // Another process has just made them.
        known = store::customer::lock_person(txn, corp, person).await?;
    }
    let known = known.ok_or_else(|| DbErr::RecordNotFound("a customer who was there just now".to_owned()))?;
    let relations = store::relation::of_customers(txn, corp, [known.id]).await?;
    Ok(Record { customer: known, relations })
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
    save_relations(txn, before, &after).await?;
    Ok(after)
}

async fn save_relations(txn: &Txn, before: &Record, after: &Record) -> Result<(), DbErr> {
    for relation in after.relations.iter().filter(|relation| !before.relations.contains(relation)) {
        store::relation::save(txn, after.customer.corp, relation).await?;
    }
    Ok(())
}
