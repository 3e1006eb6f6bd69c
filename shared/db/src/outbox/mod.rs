//! Events on their way out: written in the transaction of what they tell, published by the relay afterwards.

mod entity;

use std::ops::Range;

use async_trait::async_trait;
use scrm_kernel::{CorpId, MessageId, Timestamp};
use scrm_proto::{Envelope, Event};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};

use crate::relay::{Fate, Resend, Source};
use crate::sql::{self, Known};
use crate::{Db, Txn};

/// Why an event happened: the facts of the outside event behind it travel on with it.
#[derive(Debug, Clone)]
pub struct Cause {
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the outside event reached ingest, if there was one.
    pub received_at: Option<Timestamp>,
    /// Its place in ingest's order of arrival.
    pub received_seq: Option<i64>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

impl Cause {
    /// Returns the cause of something that began in this service, in the present step of a trace.
    pub fn here(now: Timestamp) -> Self {
        let traceparent = scrm_telemetry::traceparent();
        Self { occurred_at: now, received_at: None, received_seq: None, traceparent }
    }
}

impl From<&Envelope> for Cause {
    fn from(envelope: &Envelope) -> Self {
        Self {
            occurred_at: envelope.occurred_at,
            received_at: envelope.received_at,
            received_seq: envelope.received_seq,
            traceparent: scrm_telemetry::traceparent().or_else(|| envelope.traceparent.clone()),
        }
    }
}

/// The table, for those who wait for events to publish.
pub(crate) const TABLE: &str = "outbox";

/// An event that goes into the table with the commit.
pub(crate) type Written = entity::ActiveModel;

/// Writes an event beside the rows it tells of; it is published if, and only if, `txn` commits.
pub async fn put<E: Event>(txn: &Txn, corp: CorpId, cause: &Cause, event: &E) -> Result<MessageId, DbErr> {
    let message_id = MessageId::mint(txn.now());
    put_as(txn, message_id, corp, cause, event).await?;
    Ok(message_id)
}

/// Writes an event whose id follows from what it tells: told again, it is the same message and changes nothing.
pub async fn put_as<E: Event>(
    txn: &Txn,
    message_id: MessageId,
    corp: CorpId,
    cause: &Cause,
    event: &E,
) -> Result<(), DbErr> {
    debug_assert_eq!(event.corp_id(), corp.to_string(), "an event names its corp");
    let row = entity::ActiveModel {
        seq: NotSet,
        message_id: Set(message_id),
        corp_id: Set(corp),
        kind: Set(E::KIND.to_owned()),
        key: Set(event.key().to_owned()),
        body: Set(event.encode_to_vec()),
        occurred_at: Set(cause.occurred_at),
        received_at: Set(cause.received_at),
        received_seq: Set(cause.received_seq),
        traceparent: Set(cause.traceparent.clone()),
        replay_of: Set(None),
        created_at: Set(txn.now()),
        leased_until: Set(None),
        published_at: Set(None),
        problem: Set(None),
    };
    let enough = txn.tell(row);
    write(txn, enough).await
}

/// Writes events, in their order.
pub(crate) async fn write(txn: &Txn, events: Vec<Written>) -> Result<(), DbErr> {
    sql::insert_all(txn, events, Known::Refuse).await.map(drop)
}

/// Deletes what was published before `moment`.
pub async fn forget_before(connection: &impl ConnectionTrait, moment: Timestamp) -> Result<u64, DbErr> {
    let deleted =
        entity::Entity::delete_many().filter(entity::Column::PublishedAt.lt(moment)).exec(connection).await?;
    Ok(deleted.rows_affected)
}

/// Counts the rows that are not published yet, those with a problem included.
pub async fn waiting(connection: &impl ConnectionTrait) -> Result<u64, DbErr> {
    use sea_orm::PaginatorTrait as _;
    entity::Entity::find().filter(entity::Column::PublishedAt.is_null()).count(connection).await
}

/// The table `outbox` as the relay sees it.
#[derive(Debug)]
pub struct Outbox(Db);

impl Outbox {
    /// Returns the outbox of a database.
    pub const fn of(db: Db) -> Self {
        Self(db)
    }
}

#[async_trait]
impl Source for Outbox {
    const TABLE: &'static str = TABLE;
    type Row = (i64, Envelope);

    fn db(&self) -> &Db {
        &self.0
    }

    fn key(row: &Self::Row) -> i64 {
        row.0
    }

    async fn take(&self, most: u64, except: &[i64]) -> Result<Vec<Self::Row>, DbErr> {
        let waiting = Condition::all()
            .add(entity::Column::PublishedAt.is_null())
            .add(entity::Column::Problem.is_null());
        let (key, lease) = (entity::Column::Seq, entity::Column::LeasedUntil);
        let rows = sql::take::<entity::Entity>(&self.0, waiting, key, lease, most, except).await?;
        Ok(rows.into_iter().map(|row| (row.seq, row.into())).collect())
    }

    fn envelope(&self, row: &Self::Row) -> Result<Option<Envelope>, String> {
        Ok(Some(row.1.clone()))
    }

    async fn settle(&self, fates: Vec<(Self::Row, Fate)>) -> Result<(), DbErr> {
        let (key, db) = (entity::Column::Seq, &self.0);
        let (mut published, mut kept, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for ((seq, _), fate) in fates {
            match fate {
                Fate::Published | Fate::Nothing => published.push(seq),
                Fate::Kept => kept.push(seq),
                Fate::Refused(problem) => refused.push((seq, problem)),
            }
        }
        if !refused.is_empty() {
            let txn = db.begin().await?;
            for (seq, problem) in refused {
                sql::refused::<entity::Entity>(&txn, key, entity::Column::Problem, seq, &problem).await?;
            }
            txn.commit().await?;
        }
        sql::published::<entity::Entity>(db, key, entity::Column::PublishedAt, &published).await?;
        sql::release::<entity::Entity>(db.writer(), key, entity::Column::LeasedUntil, &kept).await
    }
}

#[async_trait]
impl Resend for Outbox {
    async fn resend(&self, corp: CorpId, window: &Range<Timestamp>) -> Result<u64, DbErr> {
        let columns = sql::Sent::<entity::Entity> {
            table: TABLE,
            key: entity::Column::Seq,
            corp: entity::Column::CorpId,
            at: entity::Column::PublishedAt,
            leased_until: entity::Column::LeasedUntil,
        };
        sql::unsend(&self.0, columns, corp, window, Condition::all()).await
    }
}
