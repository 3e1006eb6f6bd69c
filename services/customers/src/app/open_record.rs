//! A customer's record: taken out, changed, put back. While it is out the customer is locked.

use std::collections::HashMap;

use scrm_db::Txn;
use scrm_kernel::{CorpId, CustomerId, ExternalUserId, WecomUserId};
use sea_orm::DbErr;

use crate::domain::customer::Customer;
use crate::domain::record::{Record, Relation};
use crate::store;

/// A record before and after a change.
pub(super) type Change<'a> = (&'a Record, Record);

/// Returns the record of a customer of whom nobody has heard; nothing is written.
pub(super) fn unheard_of(txn: &Txn, corp: CorpId, person: &ExternalUserId) -> Record {
    let now = txn.now();
    let customer = Customer::unheard_of(CustomerId::mint(now), corp, person.clone(), now);
    Record { customer, relations: Vec::new() }
}

/// Puts in the records of customers of whom nobody had heard before, each of another one, and says of each whether it
/// is such a one; of the others nothing is written.
pub(super) async fn make_each(txn: &Txn, corp: CorpId, changes: Vec<Change<'_>>) -> Result<Vec<bool>, DbErr> {
    let made = settled(txn, changes);
    let customers: Vec<&Customer> = made.iter().map(|(_, after)| &after.customer).collect();
    let are_new = store::customer::add_each(txn, &customers).await?;
    let new = made.iter().zip(&are_new).filter(|(_, is_new)| **is_new).map(|(change, _)| change);
    save_relations(txn, corp, new).await?;
    Ok(are_new)
}

/// Takes out the records of those customers who are known.
pub(super) async fn open_known(
    txn: &Txn,
    corp: CorpId,
    people: impl IntoIterator<Item = &ExternalUserId>,
) -> Result<Vec<Record>, DbErr> {
    let customers = store::customer::lock_people(txn, corp, people).await?;
    if customers.is_empty() {
        return Ok(Vec::new());
    }
    let ids = customers.iter().map(|customer| customer.id);
    let mut relations: HashMap<CustomerId, Vec<Relation>> = HashMap::new();
    for relation in store::relation::of_customers(txn, corp, ids).await? {
        relations.entry(relation.customer).or_default().push(relation);
    }
    let record = |customer: Customer| {
        let relations = relations.remove(&customer.id).unwrap_or_default();
        Record { customer, relations }
    };
    Ok(customers.into_iter().map(record).collect())
}

/// Takes out the record of a customer, who is made if unheard of.
pub(super) async fn open(txn: &Txn, corp: CorpId, person: &ExternalUserId) -> Result<Record, DbErr> {
    if let Some(known) = open_known(txn, corp, [person]).await?.pop() {
        return Ok(known);
    }
    let new = unheard_of(txn, corp, person);
    if store::customer::add_each(txn, &[&new.customer]).await?.contains(&true) {
        return Ok(new);
    }
    // Another process has just made them.
    let known = open_known(txn, corp, [person]).await?.pop();
    known.ok_or_else(|| DbErr::RecordNotFound("a customer who was there just now".to_owned()))
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
    let mut closed = close_all(txn, before.customer.corp, vec![(before, after)]).await?;
    closed.pop().ok_or_else(|| DbErr::RecordNotFound("a record that was put back just now".to_owned()))
}

/// Does the same with the records of several customers, and returns them in their order.
pub(super) async fn close_all(
    txn: &Txn,
    corp: CorpId,
    changes: Vec<Change<'_>>,
) -> Result<Vec<Record>, DbErr> {
    let changes = settled(txn, changes);
    let others = changes.iter().filter(|(before, after)| after.customer != before.customer);
    let customers: Vec<&Customer> = others.map(|(_, after)| &after.customer).collect();
    store::customer::save_all(txn, &customers).await?;
    save_relations(txn, corp, &changes).await?;
    Ok(changes.into_iter().map(|(_, after)| after).collect())
}

fn settled<'a>(txn: &Txn, changes: Vec<Change<'a>>) -> Vec<Change<'a>> {
    changes.into_iter().map(|(before, after)| (before, after.settled(before, txn.now()))).collect()
}

async fn save_relations<'a>(
    txn: &Txn,
    corp: CorpId,
    changes: impl IntoIterator<Item = &'a Change<'a>>,
) -> Result<(), DbErr> {
    let mut relations = Vec::new();
    for (before, after) in changes {
        relations.extend(after.relations.iter().filter(|relation| !before.relations.contains(relation)));
    }
    store::relation::save_all(txn, corp, &relations).await
}
