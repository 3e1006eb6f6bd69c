//! The rows of the embedded broker: how they are written, in groups, and read.

use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use scrm_db::sql::{self, Known};
use scrm_db::{BatchWrite, Db, Txn};
use scrm_kernel::time::from_millis;
use scrm_kernel::{Clock, Timestamp, crash};
use scrm_proto::Envelope;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbBackend, DbErr, EntityTrait as _, FromQueryResult,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Statement,
};

use super::mailbox::Mailboxes;
use crate::delivery::{Settlement, Unreadable};
use crate::topology::{self, Topology, UNROUTED};
use crate::transport::QueueState;

/// `due_at` of a message that waits for nothing.
const AT_ONCE: i64 = 0;

mod entity {
    //! The table `message`.

    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "message")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) queue: String,
        /// Milliseconds since the epoch; 0 for a message that waits for nothing.
        pub(crate) due_at: i64,
        pub(crate) attempt: i32,
        /// The envelope without its body, as JSON.
        pub(crate) head: String,
        pub(crate) body: Vec<u8>,
        pub(crate) queued_at: i64,
        /// Why the last attempt failed.
        pub(crate) reason: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use entity::{ActiveModel, Column, Entity};

/// A change of the table.
#[derive(Debug)]
pub(super) enum Op {
    /// Put messages into every queue that wants them.
    Publish(Vec<Envelope>),
    /// Put messages into one queue.
    Redrive { queue: &'static str, messages: Vec<Envelope> },
    /// Do what a consumer decided about messages.
    Settle(Vec<(i64, Settlement)>),
}

/// Writes groups of changes.
pub(super) struct Store {
    pub(super) topology: Topology,
    pub(super) clock: Clock,
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) writing: Mutex<Writing>,
}

/// What the one task that writes knows of its rows.
#[derive(Debug)]
pub(super) struct Writing {
    /// The id of the next row.
    next_id: i64,
    /// What the present transaction puts into queues.
    put: Vec<Put>,
}

/// What is put into a queue.
#[derive(Debug)]
struct Put {
    queue: String,
    /// The message as it was published; none for a row that is moved from elsewhere.
    message: Option<Stored>,
}

impl Writing {
    /// Continues after the last row that there ever was.
    pub(super) async fn after_last(db: &Db) -> Result<Self, DbErr> {
        let last = "SELECT seq FROM sqlite_sequence WHERE name = 'message'";
        let last = db.reader().query_one_raw(Statement::from_string(DbBackend::Sqlite, last)).await?;
        let last = last.map(|row| row.try_get::<i64>("", "seq")).transpose()?;
        Ok(Self { next_id: last.unwrap_or_default() + 1, put: Vec::new() })
    }

    fn mint(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}

#[async_trait]
impl BatchWrite for Store {
    type Op = Op;
    type Out = ();

    async fn write(&self, txn: &Txn, ops: &[Op]) -> Result<Vec<()>, DbErr> {
        // Of an earlier transaction that failed.
        self.writing().put.clear();
        let mut rows = Vec::new();
        let mut done = Vec::new();
        for op in ops {
            match op {
                Op::Publish(messages) => {
                    for message in messages {
                        rows.extend(self.rows_of(message, &self.queues_for(message))?);
                    }
                }
                Op::Redrive { queue, messages } => {
                    for message in messages {
                        rows.extend(self.rows_of(message, &[queue])?);
                    }
                }
                Op::Settle(settlements) => {
                    for (id, settlement) in settlements {
                        match settlement {
                            Settlement::Done => done.push(*id),
                            Settlement::Retry { after, reason } => {
                                retry(txn, *id, self.clock.now() + *after, reason).await?;
                            }
                            Settlement::Wait { after } => wait(txn, *id, self.clock.now() + *after).await?,
                            Settlement::Dead { reason } => self.bury(txn, *id, reason).await?,
                            Settlement::Release => {}
                        }
                    }
                }
            }
        }
        sql::insert_all(txn, rows, Known::Refuse).await?;
        if !done.is_empty() {
            Entity::delete_many().filter(sql::one_of(txn, Column::Id, &done)).exec(txn).await?;
        }
        crash::point("embedded.written");
        Ok(vec![(); ops.len()])
    }

    fn committed(&self, ops: &[Op]) {
        for op in ops {
            match op {
                Op::Publish(_) => crash::point("embedded.published"),
                Op::Settle(_) => crash::point("embedded.settled"),
                Op::Redrive { .. } => {}
            }
        }
        let put = take(&mut self.writing().put);
        for Put { queue, message } in put {
            match message {
                Some(message) => self.mailboxes.put(&queue, message),
                None => self.mailboxes.point_to_file(&queue),
            }
        }
    }
}

impl Store {
    /// Returns the queues that want a message, or the one of those that none wants.
    fn queues_for(&self, message: &Envelope) -> Vec<&'static str> {
        let mut queues: Vec<_> = self.topology.queues_for(&message.kind).collect();
        if queues.is_empty() {
            queues.push(UNROUTED);
        }
        queues
    }

    /// Returns one row for each queue that the message goes into.
    fn rows_of(&self, message: &Envelope, queues: &[&str]) -> Result<Vec<ActiveModel>, DbErr> {
        let head = serde_json::to_string(message).map_err(|error| DbErr::Custom(error.to_string()))?;
        let now = self.clock.now().timestamp_millis();
        let mut writing = self.writing();
        let row = |queue: &&str| {
            let (id, queue) = (writing.mint(), (*queue).to_owned());
            let stored = Stored { id, envelope: Ok(message.clone()), reason: None };
            writing.put.push(Put { queue: queue.clone(), message: Some(stored) });
            ActiveModel {
                id: Set(id),
                queue: Set(queue),
                due_at: Set(AT_ONCE),
                attempt: Set(i32::try_from(message.attempt).unwrap_or(i32::MAX)),
                head: Set(head.clone()),
                body: Set(message.body.to_vec()),
                queued_at: Set(now),
                reason: Set(None),
            }
        };
        Ok(queues.iter().map(row).collect())
    }

    /// Moves a message to the end of the dead letters, under a new id: who reads them in order must come upon it.
    async fn bury(&self, txn: &Txn, id: i64, reason: &str) -> Result<(), DbErr> {
        let Some(message) = Entity::find_by_id(id).one(txn).await? else { return Ok(()) };
        let queue = topology::dead(&message.queue);
        let dead = ActiveModel {
            id: Set(self.writing().mint()),
            queue: Set(queue.clone()),
            due_at: Set(AT_ONCE),
            queued_at: Set(self.clock.now().timestamp_millis()),
            reason: Set(Some(reason.to_owned())),
            ..message.into()
        };
        Entity::insert(dead).exec_without_returning(txn).await?;
        Entity::delete_by_id(id).exec(txn).await?;
        self.writing().put.push(Put { queue, message: None });
        Ok(())
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn wait(txn: &Txn, id: i64, due: Timestamp) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(due.timestamp_millis()))
        .filter(Column::Id.eq(id))
        .exec(txn)
        .await?;
    Ok(())
}

async fn retry(txn: &Txn, id: i64, due: Timestamp, reason: &str) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(due.timestamp_millis()))
        .col_expr(Column::Attempt, Expr::col(Column::Attempt).add(1))
        .col_expr(Column::Reason, Expr::value(reason))
        .filter(Column::Id.eq(id))
        .exec(txn)
        .await?;
    Ok(())
}

/// A message of a queue.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: i64,
    /// What was published, or what this version cannot read.
    pub(super) envelope: Result<Envelope, Unreadable>,
    /// Why the last attempt failed.
    pub(super) reason: Option<String>,
}

impl From<entity::Model> for Stored {
    fn from(row: entity::Model) -> Self {
        let attempt = u32::try_from(row.attempt).unwrap_or_default();
        let envelope = match serde_json::from_str::<Envelope>(&row.head) {
            Ok(head) => Ok(Envelope { attempt, body: row.body.into(), ..head }),
            Err(error) => {
                let problem = format!("its head is no envelope: {error}");
                Err(Unreadable { head: row.head, body: row.body.into(), problem })
            }
        };
        Self { id: row.id, envelope, reason: row.reason }
    }
}

/// Reads messages that never waited, after the one with id `after`.
pub(super) async fn fresh(db: &Db, queue: &str, after: i64, most: usize) -> Result<Vec<Stored>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Queue.eq(queue))
        .filter(Column::DueAt.eq(AT_ONCE))
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(most as u64)
        .all(db.reader())
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// Reads messages whose wait is over, the one that waited longest first.
pub(super) async fn due(db: &Db, queue: &str, now: Timestamp, most: usize) -> Result<Vec<Stored>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Queue.eq(queue))
        .filter(Column::DueAt.gt(AT_ONCE))
        .filter(Column::DueAt.lte(now.timestamp_millis()))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(most as u64)
        .all(db.reader())
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// Returns when the next wait after `now` is over.
pub(super) async fn next_due(db: &Db, queue: &str, now: Timestamp) -> Result<Option<Timestamp>, DbErr> {
    let row = Entity::find()
        .filter(Column::Queue.eq(queue))
        .filter(Column::DueAt.gt(now.timestamp_millis()))
        .order_by_asc(Column::DueAt)
        .one(db.reader())
        .await?;
    Ok(row.map(|row| from_millis(row.due_at)))
}

/// Reads messages by id.
pub(super) async fn by_id(db: &Db, ids: &[i64]) -> Result<Vec<Stored>, DbErr> {
    let rows = Entity::find()
        .filter(sql::one_of(db.reader(), Column::Id, ids))
        .order_by_asc(Column::Id)
        .all(db.reader())
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// Deletes unrouted events queued before `moment`.
pub(super) async fn forget_unrouted(db: &Db, moment: Timestamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Queue.eq(UNROUTED))
        .filter(Column::QueuedAt.lt(moment.timestamp_millis()))
        .exec(db.writer())
        .await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Counted {
    queue: String,
    messages: i64,
    oldest: Option<i64>,
}

/// Counts the messages of every queue that has any.
pub(super) async fn queues(db: &Db) -> Result<Vec<QueueState>, DbErr> {
    let counted = Entity::find()
        .select_only()
        .column(Column::Queue)
        .column_as(Column::Id.count(), "messages")
        .column_as(Column::QueuedAt.min(), "oldest")
        .group_by(Column::Queue)
        .into_model::<Counted>()
        .all(db.reader())
        .await?;
    let state = |row: Counted| QueueState {
        queue: row.queue,
        messages: u64::try_from(row.messages).unwrap_or_default(),
        oldest: row.oldest.map(from_millis),
    };
    Ok(counted.into_iter().map(state).collect())
}
