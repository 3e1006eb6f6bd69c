//! A member and a customer became contacts, or parted.

use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, WecomUserId};
use sea_orm::DbErr;

use super::App;
use super::open_record::{close, make_each, open, present_id, unheard_of};
use crate::domain::happening::{Event, Happening};
use crate::domain::record::Record;
use crate::domain::standing::{Fact, RemovedBy};
use crate::store;

/// That a customer became a member's contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Added {
    /// The customer.
    pub(crate) person: ExternalUserId,
    /// The member.
    pub(crate) member: WecomUserId,
    /// When.
    pub(crate) fact: Fact,
}

impl Added {
    /// Returns it as an entry of the timeline, of the member as they are known now.
    fn happening(&self, present: &WecomUserId) -> Happening {
        Happening::with(present.clone(), self.fact.occurred_at, Event::Added)
    }

    /// Returns a record that it was noted in.
    fn noted_in(&self, record: &Record, present: &WecomUserId, txn: &Txn) -> Record {
        let mut record = record.clone();
        record.relation(present, txn.now()).standing.note_added(self.fact);
        record
    }
}

impl App {
    /// Notes that they became contacts.
    pub(crate) async fn hear_added_in(&self, txn: &Txn, corp: CorpId, added: &Added) -> Result<(), DbErr> {
        // Most are new, and written once.
        if self.hear_new_in(txn, corp, std::slice::from_ref(added)).await?.contains(&true) {
            return Ok(());
        }
        let before = open(txn, corp, &added.person).await?;
        let present = present_id(txn, &before, &added.member).await?;
        store::timeline::note(txn, corp, before.customer.id, &added.happening(&present)).await?;
        close(txn, &before, added.noted_in(&before, &present, txn)).await?;
        Ok(())
    }

    /// Notes those who became contacts of whom nobody had heard before, each of another customer, and says of each
    /// whether it is such a one; of the others nothing is noted.
    pub(crate) async fn hear_new_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        added: &[Added],
    ) -> Result<Vec<bool>, DbErr> {
        let members = added.iter().map(|one| one.member.folded());
        let present = store::staff::present_ids(txn, corp, members).await?;
        let present_of = |one: &Added| present.get(&one.member.folded()).unwrap_or(&one.member).clone();
        let new: Vec<Record> = added.iter().map(|one| unheard_of(txn, corp, &one.person)).collect();
        let changes = added.iter().zip(&new);
        let changes = changes.map(|(one, new)| (new, one.noted_in(new, &present_of(one), txn)));
        let are_new = make_each(txn, corp, changes.collect()).await?;
        let made = added.iter().zip(&new).zip(&are_new).filter(|(_, is_new)| **is_new);
        let happened = made.map(|((one, new), _)| (new.customer.id, one.happening(&present_of(one))));
        store::timeline::add_all(txn, corp, &happened.collect::<Vec<_>>()).await?;
        Ok(are_new)
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
