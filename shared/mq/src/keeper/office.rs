//! Where people look at dead letters and decide about them.

use std::sync::Arc;

use scrm_db::Db;
use scrm_kernel::{CorpId, DeadLetterId, KeyRing, Page, PageRequest};
use sea_orm::{Condition, DbErr};
use tokio::sync::Notify;

use super::letter::{DeadLetter, Filter, Refusal, State};
use super::store::{self, Decision};

/// The dead letters of a service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Office {
    db: Db,
    keys: KeyRing,
    /// Wakes what puts letters back.
    decided: Arc<Notify>,
}

/// Which letters are redriven together.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// Those with these ids.
    Ids(Vec<DeadLetterId>),
    /// The oldest of this queue.
    Queue(String),
}

impl Office {
    pub(super) fn new(db: Db, keys: KeyRing) -> Self {
        Self { db, keys, decided: Arc::default() }
    }

    /// Lists letters, newest first; `before` is the last one of the page before.
    pub async fn list(
        &self,
        corp: CorpId,
        filter: &Filter,
        page: &PageRequest,
        before: Option<i64>,
    ) -> Result<Page<DeadLetter>, DbErr> {
        store::list(self.db.reader(), corp, filter, page, before).await
    }

    /// Returns a letter.
    pub async fn read(&self, corp: CorpId, id: DeadLetterId) -> Result<DeadLetter, Refusal> {
        store::find(self.db.reader(), corp, id).await?.ok_or(Refusal::NotFound(id))
    }

    /// Returns the body of a letter, opened; that of a message without an envelope may be anybody's, and is not shown.
    pub async fn body(&self, corp: CorpId, id: DeadLetterId) -> Result<Option<Vec<u8>>, DbErr> {
        store::body(self.db.reader(), corp, &self.keys, id).await
    }

    /// Has a letter that waits put back into its queue.
    pub async fn redrive(&self, corp: CorpId, id: DeadLetterId, by: &str) -> Result<DeadLetter, Refusal> {
        let decision = Decision { state: State::Redriving, by, reason: None };
        let letter = self.decide(corp, id, &decision).await?;
        self.decided.notify_one();
        Ok(letter)
    }

    /// Has letters that wait put back into their queues, at most `most`; returns how many those are.
    ///
    /// What does not wait any more, or has no envelope, is passed over.
    pub async fn redrive_all(
        &self,
        corp: CorpId,
        chosen: &Chosen,
        by: &str,
        most: u64,
    ) -> Result<u64, DbErr> {
        let txn = self.db.begin().await?;
        let which: Condition = match chosen {
            Chosen::Ids(ids) => store::with_ids(ids),
            Chosen::Queue(queue) => store::oldest_of(&txn, corp, queue, most).await?,
        };
        let decision = Decision { state: State::Redriving, by, reason: None };
        let redriven = store::decide(&txn, corp, which, &decision).await?;
        txn.commit().await?;
        self.decided.notify_one();
        Ok(redriven)
    }

    /// Gives up a letter that waits.
    pub async fn discard(
        &self,
        corp: CorpId,
        id: DeadLetterId,
        by: &str,
        reason: &str,
    ) -> Result<DeadLetter, Refusal> {
        self.decide(corp, id, &Decision { state: State::Discarded, by, reason: Some(reason) }).await
    }

    async fn decide(
        &self,
        corp: CorpId,
        id: DeadLetterId,
        decision: &Decision<'_>,
    ) -> Result<DeadLetter, Refusal> {
        let txn = self.db.begin().await?;
        let changed = store::decide(&txn, corp, store::with_id(id), decision).await?;
        let letter = store::find(&txn, corp, id).await?.ok_or(Refusal::NotFound(id))?;
        if changed == 0 {
            let is_waiting = letter.state == State::Waiting;
            return Err(if is_waiting { Refusal::Unreadable } else { Refusal::Decided(letter.state) });
        }
        txn.commit().await?;
        Ok(letter)
    }

    pub(super) const fn db(&self) -> &Db {
        &self.db
    }

    pub(super) const fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// Resolves when something was decided.
    pub(super) async fn decided(&self) {
        self.decided.notified().await;
    }
}
