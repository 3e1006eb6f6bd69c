//! A member and a customer became contacts, or parted.

use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, WecomUserId};
use sea_orm::DbErr;

use super::App;
use super::open_record::{close, make, open, present_id, unheard_of};
use crate::domain::happening::{Event, Happening};
use crate::domain::record::Record;
use crate::domain::standing::{Fact, RemovedBy};
use crate::store;

impl App {
    /// Notes that they became contacts.
    pub(crate) async fn hear_added_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        person: &ExternalUserId,
        member: &WecomUserId,
        fact: Fact,
    ) -> Result<(), DbErr> {
        let happening =
            |member: &WecomUserId| Happening::with(member.clone(), fact.occurred_at, Event::Added);
        let added = |mut record: Record, member: &WecomUserId| {
            record.relation(member, txn.now()).standing.note_added(fact);
            record
        };
        // Most are new, and written once.
        let new = unheard_of(txn, corp, person);
        let present = present_id(txn, &new, member).await?;
        if make(txn, &new, added(new.clone(), &present)).await? {
            return store::timeline::add(txn, corp, new.customer.id, &happening(&present)).await;
        }
        let before = open(txn, corp, person).await?;
        let present = present_id(txn, &before, member).await?;
        store::timeline::note(txn, corp, before.customer.id, &happening(&present)).await?;
        close(txn, &before, added(before.clone(), &present)).await?;
        Ok(())
    }

    /// Notes that they parted.
    pub(crate) async fn hear_removed_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        person: &ExternalUserId,
        member: &WecomUserId,
        (fact, by): (Fact, RemovedBy),
    ) -> Result<(), DbErr> {
        let before = open(txn, corp, person).await?;
        let member = &present_id(txn, &before, member).await?;
        let mut record = before.clone();
        record.relation(member, txn.now()).standing.note_removed(fact, by);
        let happening = Happening::with(member.clone(), fact.occurred_at, Event::Removed(by));
        store::timeline::note(txn, corp, record.customer.id, &happening).await?;
        close(txn, &before, record).await?;
        Ok(())
    }
}
