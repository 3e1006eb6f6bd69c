//! A member and a customer became contacts, or parted.

use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, WecomUserId};
use sea_orm::DbErr;

use super::App;
use super::open_record::{close, open, present_id};
use crate::domain::happening::{Event, Happening};
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
        let before = open(txn, corp, person).await?;
        let member = &present_id(txn, &before, member).await?;
        let mut record = before.clone();
        record.relation(member, txn.now()).standing.note_added(fact);
        let happening = Happening::with(member.clone(), fact.occurred_at, Event::Added);
        store::timeline::note(txn, corp, record.customer.id, &happening).await?;
        close(txn, &before, record).await?;
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
