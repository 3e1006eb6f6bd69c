//! Stored submissions become events: they were read before they were answered, so here they only travel.

use std::ops::Range;

use async_trait::async_trait;
use scrm_db::{Db, Fate, Resend, Source};
use scrm_kernel::{CorpId, MessageId, Timestamp};
use scrm_proto::{Envelope, Event as _, ingest::v1::LeadSubmitted};
use sea_orm::DbErr;

use crate::store;
use crate::store::submission::Taken;

/// The table `submission` as the relay sees it.
pub(crate) struct Submissions {
    pub(crate) db: Db,
}

#[async_trait]
impl Source for Submissions {
    const TABLE: &'static str = store::submission::TABLE;
    type Row = Taken;

    fn db(&self) -> &Db {
        &self.db
    }

    fn key(row: &Taken) -> i64 {
        row.seq
    }

    async fn take(&self, most: u64, except: &[i64]) -> Result<Vec<Taken>, DbErr> {
        store::submission::take(&self.db, most, except).await
    }

    fn envelope(&self, row: &Taken) -> Result<Option<Envelope>, String> {
        Ok(Some(Envelope {
            message_id: MessageId::from_uuid(row.id.as_uuid()),
            kind: LeadSubmitted::KIND.to_owned(),
            corp: row.corp,
            key: row.id.to_string(),
            occurred_at: row.received_at,
            received_at: Some(row.received_at),
            received_seq: Some(row.seq),
            traceparent: row.traceparent.clone(),
            replay_of: None,
            attempt: 0,
            body: row.event.clone().into(),
        }))
    }

    async fn settle(&self, fates: Vec<(Taken, Fate)>) -> Result<(), DbErr> {
        let (mut published, mut kept) = (Vec::new(), Vec::new());
        for (row, fate) in fates {
            match fate {
                Fate::Published | Fate::Nothing => published.push(row.seq),
                Fate::Kept => kept.push(row.seq),
                Fate::Refused(problem) => store::submission::refused(&self.db, row.seq, &problem).await?,
            }
        }
        store::submission::published(&self.db, &published).await?;
        store::submission::release(&self.db, &kept).await
    }
}

#[async_trait]
impl Resend for Submissions {
    async fn resend(&self, corp: CorpId, window: &Range<Timestamp>) -> Result<u64, DbErr> {
        store::submission::resend(&self.db, corp, window).await
    }
}
