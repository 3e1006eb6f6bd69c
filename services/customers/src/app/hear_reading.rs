//! Customers were read from WeCom.

use std::collections::{BTreeMap, BTreeSet};

use scrm_db::Txn;
use scrm_kernel::{CorpId, CustomerId, ExternalUserId, RelationId, WecomUserId};
use sea_orm::DbErr;

use super::App;
use super::open_record::{Change, close, close_all, open, open_known};
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
        take_in(txn, corp, &[(before, reading)]).await
    }

    /// Takes in readings of those customers who are known, each of another one, and says of each whether it is such a
    /// one; of the others nothing is taken in.
    pub(crate) async fn hear_readings_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        readings: &[(ExternalUserId, Reading)],
    ) -> Result<Vec<bool>, DbErr> {
        let known = open_known(txn, corp, readings.iter().map(|(person, _)| person)).await?;
        let of_person = |record: Record| {
            let reading = readings.iter().find(|(person, _)| *person == record.customer.person);
            reading.map(|(_, reading)| (record, reading))
        };
        let read: Vec<(Record, &Reading)> = known.into_iter().filter_map(of_person).collect();
        take_in(txn, corp, &read).await?;
        let is_known =
            |person: &ExternalUserId| read.iter().any(|(record, _)| record.customer.person == *person);
        Ok(readings.iter().map(|(person, _)| is_known(person)).collect())
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

/// Takes in readings of customers whose records are open, each of another one.
async fn take_in(txn: &Txn, corp: CorpId, readings: &[(Record, &Reading)]) -> Result<(), DbErr> {
    let relations = readings.iter().flat_map(|(record, _)| &record.relations).map(|relation| relation.id);
    let mut taggings = store::mark::of_relations(txn, corp, relations).await?;
    let present = present_ids(txn, corp, readings).await?;
    let mut learned = Learned::default();
    let mut changes: Vec<Change<'_>> = Vec::new();
    for (before, reading) in readings {
        let mut record = before.clone();
        let (customer, at) = (record.customer.id, reading.fact.occurred_at);
        let fields = record.read(reading);
        if !fields.is_empty() {
            let event = Event::ProfileChanged(fields);
            learned.noticed.push((customer, Happening { at, member: None, event }));
        }
        let relation_with = |user: &WecomUserId| before.relations.iter().find(|one| one.user == *user);
        let mut members = BTreeSet::new();
        for listing in &reading.listings {
            let present = present.get(&listing.user.folded());
            let present = present.filter(|_| relation_with(&listing.user).is_none()).unwrap_or(&listing.user);
            // Somebody may be listed by two ids while WeCom gives them another one.
            if members.insert(present.folded()) {
                let tagging = relation_with(present).and_then(|relation| taggings.remove(&relation.id));
                let listing = Listing { user: present.clone(), ..listing.clone() };
                learned.take_in(txn, &mut record, reading.fact, &listing, tagging.unwrap_or_default());
            }
        }
        changes.push((before, record));
    }
    store::timeline::note_all(txn, corp, &learned.told).await?;
    store::timeline::add_all(txn, corp, &learned.noticed).await?;
    close_all(txn, corp, changes).await?;
    let marks = learned.marks.iter().map(|(relation, before, after)| (*relation, before, after));
    store::mark::save_all(txn, corp, marks).await
}

/// Returns the ids by which the members are known now, by those that are listed of whom the records do not know.
async fn present_ids(
    txn: &Txn,
    corp: CorpId,
    readings: &[(Record, &Reading)],
) -> Result<BTreeMap<String, WecomUserId>, DbErr> {
    let mut unknown = Vec::new();
    for (record, reading) in readings {
        let is_known = |user: &WecomUserId| record.relations.iter().any(|relation| relation.user == *user);
        let listed = reading.listings.iter().map(|listing| &listing.user);
        unknown.extend(listed.filter(|user| !is_known(user)).map(WecomUserId::folded));
    }
    store::staff::present_ids(txn, corp, unknown).await
}

/// What readings say beside what stands in the records.
#[derive(Default)]
struct Learned {
    /// What others may have told of too.
    told: Vec<(CustomerId, Happening)>,
    /// What nobody else tells.
    noticed: Vec<(CustomerId, Happening)>,
    /// The tags of relations, before and after.
    marks: Vec<(RelationId, Tagging, Tagging)>,
}

impl Learned {
    /// Takes in what a reading lists of one member, who has the tags `before`.
    fn take_in(&mut self, txn: &Txn, record: &mut Record, fact: Fact, listing: &Listing, before: Tagging) {
        let customer = record.customer.id;
        if let Some(met_at) = listing.met_at {
            self.told.push((customer, Happening::with(listing.user.clone(), met_at, Event::Added)));
        }
        let known = record.relations.iter().find(|relation| relation.user == listing.user);
        // What a relation had before anybody looked did not happen now.
        let is_first = known.is_none_or(|relation| relation.standing.listed.is_none());
        let Some(relation) = record.list(fact, listing, txn.now()) else { return };
        let mut after = before.clone();
        let changes = after.read(&listing.tags, fact.occurred_at);
        if after.on() != before.on() {
            relation.version += 1;
        }
        for (tag, is_on) in changes.into_iter().filter(|_| !is_first) {
            let event = if is_on { Event::Tagged(tag) } else { Event::Untagged(tag) };
            let happening = Happening::with(relation.user.clone(), fact.occurred_at, event);
            self.noticed.push((customer, happening));
        }
        self.marks.push((relation.id, before, after));
    }
}
