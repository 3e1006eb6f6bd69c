//! Submissions: stored in groups at the door, taken in order by the relay.

use std::ops::Range;

use async_trait::async_trait;
use scrm_db::sql::{self, Known};
use scrm_db::{BatchWrite, Db, Txn};
use scrm_kernel::{CorpId, KeyRing, Sealed, SubmissionId, Timestamp, crash};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QuerySelect as _, Value,
};

use super::entity::submission::{Column, Entity, Model};
use crate::domain::lead_source::SourceName;
use crate::domain::submission::SenderId;

/// The table, for those who wait for submissions.
pub(crate) const TABLE: &str = "submission";
const BODY: &str = "submission.body";

/// SHA-256 of a body.
pub(crate) type Hash = [u8; 32];

/// A submission at the door.
#[derive(Debug)]
pub(crate) struct NewSubmission {
    pub(crate) id: SubmissionId,
    pub(crate) corp: CorpId,
    pub(crate) source: SourceName,
    pub(crate) sender_id: SenderId,
    pub(crate) hash: Hash,
    pub(crate) body: Sealed,
    /// The event that tells of it.
    pub(crate) event: Vec<u8>,
    pub(crate) received_at: Timestamp,
    /// Trace context of the request that brought it.
    pub(crate) traceparent: Option<String>,
}

/// What stands in the table under a sender's id, once that is certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: SubmissionId,
    pub(crate) hash: Vec<u8>,
}

/// Seals the body of a submission.
pub(crate) fn seal(keys: &KeyRing, corp: CorpId, body: &[u8]) -> Sealed {
    keys.seal(corp, BODY, body)
}

/// Stores groups of submissions. The answer is what is stored under the sender's id: this one, or the one before it.
pub(crate) struct Door {
    pub(crate) db: Db,
}

#[async_trait]
impl BatchWrite for Door {
    type Op = NewSubmission;
    type Out = Stored;

    async fn write(&self, txn: &Txn, submissions: &[NewSubmission]) -> Result<Vec<Stored>, DbErr> {
        let columns = [
            Column::Id,
            Column::CorpId,
            Column::Source,
            Column::SenderId,
            Column::Hash,
            Column::Body,
            Column::Event,
            Column::ReceivedAt,
            Column::Traceparent,
        ];
        let values = submissions.iter().flat_map(|submission| -> [Value; 9] {
            [
                submission.id.into(),
                submission.corp.into(),
                submission.source.as_str().into(),
                submission.sender_id.as_str().into(),
                submission.hash.to_vec().into(),
                submission.body.clone().into_bytes().into(),
                submission.event.clone().into(),
                submission.received_at.into(),
                submission.traceparent.clone().into(),
            ]
        });
        let inserted = sql::insert_values::<Entity>(txn, &columns, values.collect(), Known::Skip).await?;
        let are_all_new = inserted == submissions.len() as u64;
        let mut stored = Vec::with_capacity(submissions.len());
        for submission in submissions {
            stored.push(if are_all_new {
                Stored { id: submission.id, hash: submission.hash.to_vec() }
            } else {
                known(txn, submission).await?
            });
        }
        crash::point("submission.written");
        Ok(stored)
    }

    fn committed(&self, _: &[NewSubmission]) {
        crash::point("submission.committed");
        self.db.wake(TABLE);
    }
}

/// Returns what is stored under the sender's id: this one, or an earlier one.
async fn known(txn: &Txn, submission: &NewSubmission) -> Result<Stored, DbErr> {
    let found = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Hash])
        .filter(Column::CorpId.eq(submission.corp))
        .filter(Column::Source.eq(submission.source.as_str()))
        .filter(Column::SenderId.eq(submission.sender_id.as_str()))
        .into_tuple::<(SubmissionId, Vec<u8>)>()
        .one(txn)
        .await?;
    let (id, hash) =
        found.ok_or_else(|| DbErr::RecordNotFound(format!("submission in the way of {}", submission.id)))?;
    Ok(Stored { id, hash })
}

/// A submission taken by the relay.
pub(crate) struct Taken {
    pub(crate) seq: i64,
    pub(crate) id: SubmissionId,
    pub(crate) corp: CorpId,
    pub(crate) event: Vec<u8>,
    pub(crate) received_at: Timestamp,
    /// Trace context of the request that brought it.
    pub(crate) traceparent: Option<String>,
}

/// Takes up to `most` submissions that wait to be published, oldest first, `except` some.
pub(crate) async fn take(db: &Db, most: u64, except: &[i64]) -> Result<Vec<Taken>, DbErr> {
    let waiting = Condition::all().add(Column::PublishedAt.is_null()).add(Column::Problem.is_null());
    let rows = sql::take::<Entity>(db, waiting, Column::Seq, Column::LeasedUntil, most, except).await?;
    let taken = |row: Model| Taken {
        seq: row.seq,
        id: row.id,
        corp: row.corp_id,
        event: row.event,
        received_at: row.received_at,
        traceparent: row.traceparent,
    };
    Ok(rows.into_iter().map(taken).collect())
}

/// Notes that submissions are published.
pub(crate) async fn published(db: &Db, seqs: &[i64]) -> Result<(), DbErr> {
    sql::published::<Entity>(db, Column::Seq, Column::PublishedAt, seqs).await
}

/// Ends the lease of submissions that the broker did not take, so that they need not wait for its end.
pub(crate) async fn release(db: &Db, seqs: &[i64]) -> Result<(), DbErr> {
    sql::release::<Entity>(db.writer(), Column::Seq, Column::LeasedUntil, seqs).await
}

/// Notes that a submission can never be published; it stays where it is.
pub(crate) async fn refused(db: &Db, seq: i64, problem: &str) -> Result<(), DbErr> {
    sql::refused::<Entity>(db.writer(), Column::Seq, Column::Problem, seq, problem).await
}

/// Marks the submissions that were published in `window` as waiting, and returns how many those are.
pub(crate) async fn resend(db: &Db, corp: CorpId, window: &Range<Timestamp>) -> Result<u64, DbErr> {
    let columns = sql::Sent::<Entity> {
        table: TABLE,
        key: Column::Seq,
        corp: Column::CorpId,
        at: Column::PublishedAt,
        leased_until: Column::LeasedUntil,
    };
    sql::unsend(db, columns, corp, window, Condition::all().add(Column::Event.ne(Vec::<u8>::new()))).await
}

/// Deletes what published submissions received before `bodies` say, and the rows of those received before `rows`.
///
/// What still waits to be published is kept whole, however old it is.
pub(crate) async fn forget(
    connection: &impl ConnectionTrait,
    bodies: Timestamp,
    rows: Timestamp,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Body, Expr::value(Vec::<u8>::new()))
        .col_expr(Column::Event, Expr::value(Vec::<u8>::new()))
        .filter(Column::ReceivedAt.lt(bodies))
        .filter(Column::Body.ne(Vec::<u8>::new()))
        .filter(Column::PublishedAt.is_not_null().or(Column::Problem.is_not_null()))
        .exec(connection)
        .await?;
    Entity::delete_many()
        .filter(Column::ReceivedAt.lt(rows))
        .filter(Column::Body.eq(Vec::<u8>::new()))
        .exec(connection)
        .await?;
    Ok(())
}
