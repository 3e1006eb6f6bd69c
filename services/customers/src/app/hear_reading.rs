//! A customer was read from WeCom.

use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, WecomUserId};
use sea_orm::DbErr;

use super::App;
use super::open_record::{close, open};
use crate::domain::happening::{Event, Happening};
use crate::domain::record::{Listing, Reading, Record};
use crate::domain::standing::Fact;
use crate::domain::tagging::Tagging;
use crate::store;

impl App {
    /// Takes in who the customer is, who has them as contact, and with which tags.
    pub(crate) async fn hear_reading_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        person: &ExternalUserId,
        reading: &Reading,
    ) -> Result<(), DbErr> {
        let before = open(txn, corp, person).await?;
        let mut record = before.clone();
        let fields = record.read(reading);
        if !fields.is_empty() {
            let event = Event::ProfileChanged(fields);
            let happening = Happening { at: reading.fact.occurred_at, member: None, event };
            store::timeline::add(txn, corp, record.customer.id, &happening).await?;
        }
        let relations = before.relations.iter().map(|relation| relation.id);
        let mut taggings = store::mark::of_relations(txn, corp, relations).await?;
        for listing in &present(txn, &before, &reading.listings).await? {
            let known = before.relations.iter().find(|relation| relation.user == listing.user);
            let tagging = known.and_then(|relation| taggings.remove(&relation.id)).unwrap_or_default();
            take_in(txn, &mut record, reading.fact, listing, tagging).await?;
        }
        close(txn, &before, record).await?;
        Ok(())
    }

    /// Takes in that nobody had the customer as contact.
    pub(crate) async fn hear_gone_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        person: &ExternalUserId,
        fact: Fact,
    ) -> Result<(), DbErr> {
        let before = open(txn, corp, person).await?;
        let mut record = before.clone();
        record.gone(fact);
        close(txn, &before, record).await?;
        Ok(())
    }
}

/// Returns what a reading lists, with the ids by which the members are known now.
async fn present(txn: &Txn, record: &Record, listings: &[Listing]) -> Result<Vec<Listing>, DbErr> {
    let is_known = |user: &WecomUserId| record.relations.iter().any(|relation| relation.user == *user);
    let unknown = listings.iter().map(|listing| &listing.user).filter(|user| !is_known(user));
    let present =
        store::staff::present_ids(txn, record.customer.corp, unknown.map(WecomUserId::folded)).await?;
    let listing = |listing: &Listing| Listing {
        user: present.get(&listing.user.folded()).unwrap_or(&listing.user).clone(),
        ..listing.clone()
    };
    Ok(listings.iter().map(listing).collect())
}

/// Takes in what a reading lists of one member, who has the tags `before`.
async fn take_in(
    txn: &Txn,
    record: &mut Record,
    fact: Fact,
    listing: &Listing,
    before: Tagging,
) -> Result<(), DbErr> {
    let (corp, customer) = (record.customer.corp, record.customer.id);
    if let Some(met_at) = listing.met_at {
        let happening = Happening::with(listing.user.clone(), met_at, Event::Added);
        store::timeline::note(txn, corp, customer, &happening).await?;
    }
    let known = record.relations.iter().find(|relation| relation.user == listing.user);
    // What a relation had before anybody looked did not happen now.
    let is_first = known.is_none_or(|relation| relation.standing.listed.is_none());
    let Some(relation) = record.list(fact, listing, txn.now()) else { return Ok(()) };
    let mut after = before.clone();
    let changes = after.read(&listing.tags, fact.occurred_at);
    if after.on() != before.on() {
        relation.version += 1;
    }
    store::mark::save(txn, corp, relation.id, &before, &after).await?;
    for (tag, is_on) in changes.into_iter().filter(|_| !is_first) {
        let event = if is_on { Event::Tagged(tag) } else { Event::Untagged(tag) };
        let happening = Happening::with(relation.user.clone(), fact.occurred_at, event);
        store::timeline::add(txn, corp, customer, &happening).await?;
    }
    Ok(())
}
