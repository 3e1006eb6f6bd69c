//! The rows of the embedded broker: how they are written, in groups, and read.

use std::collections::HashSet;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
use crate::topology::{self, UNROUTED};
use crate::transport::QueueState;

/// `due_at` of a message that waits for nothing.
const AT_ONCE: i64 = 0;

/// How often changes are written: long enough that most of what is handled need not be written at all. Relays have others to
/// publish meanwhile; who puts a dead letter back, gives a message back or waits for another attempt waits a little longer.
const PERIOD: Duration = Duration::from_millis(100);

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

/// A message in a queue.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) queue: &'static str,
    pub(super) message: Arc<Envelope>,
}

/// A change of the table.
#[derive(Debug)]
pub(super) enum Op {
    /// Put messages into queues.
    Put(Vec<Row>),
    /// Do what a consumer decided about messages.
    Settle(Vec<(i64, Settlement)>),
}

/// Writes groups of changes.
pub(super) struct Store {
    clock: Clock,
    mailboxes: Arc<Mailboxes>,
    /// The queues into which the present transaction moves messages.
    moved_to: Mutex<Vec<String>>,
}

#[async_trait]
impl BatchWrite for Store {
    type Op = Op;
    type Out = ();

    fn period(&self, _: &Db) -> Duration {
        PERIOD
    }

    async fn write(&self, txn: &Txn, ops: &[Op]) -> Result<Vec<()>, DbErr> {
        // Of an earlier transaction that failed.
        self.moved_to().clear();
        let (mut rows, mut done, mut others) = (Vec::new(), HashSet::new(), Vec::new());
        for op in ops {
            match op {
                Op::Put(put) => rows.extend(put),
                Op::Settle(settlements) => {
                    for (id, settlement) in settlements {
                        match settlement {
                            Settlement::Done => drop(done.insert(*id)),
                            settlement => others.push((*id, settlement)),
                        }
                    }
                }
            }
        }
        // What is done already is neither written nor deleted.
        rows.retain(|row| !done.remove(&row.id));
        sql::insert_all(txn, self.models(&rows)?, Known::Refuse).await?;
        if !done.is_empty() {
            let done = done.into_iter().collect::<Vec<_>>();
            Entity::delete_many().filter(sql::one_of(txn, Column::Id, &done)).exec(txn).await?;
        }
        for (id, settlement) in others {
            match settlement {
                Settlement::Retry { after, reason } => {
                    retry(txn, id, self.clock.now() + *after, reason).await?;
                }
                Settlement::Wait { after } => wait(txn, id, self.clock.now() + *after).await?,
                Settlement::Dead { reason } => self.bury(txn, id, reason).await?,
                // A release changes nothing. It comes here all the same, so that its message is in the file by then.
                Settlement::Done | Settlement::Release => {}
            }
        }
        crash::point("embedded.written");
        Ok(vec![(); ops.len()])
    }

    fn committed(&self, ops: &[Op]) {
        for op in ops {
            match op {
                Op::Put(_) => crash::point("embedded.published"),
                Op::Settle(_) => crash::point("embedded.settled"),
            }
            self.note_decided(op);
        }
        for queue in take(&mut *self.moved_to()) {
            self.mailboxes.point_to_file(&queue);
        }
    }

    fn refused(&self, op: &Op) {
        self.note_decided(op);
    }
}

impl Store {
    pub(super) fn new(clock: Clock, mailboxes: Arc<Mailboxes>) -> Self {
        Self { clock, mailboxes, moved_to: Mutex::default() }
    }

    /// Tells those who wait for it whether these rows are in the file.
    fn note_decided(&self, op: &Op) {
        if let Op::Put(rows) = op
            && let Some(last) = rows.last()
        {
            self.mailboxes.note_decided(last.id);
        }
    }

    fn models(&self, rows: &[&Row]) -> Result<Vec<ActiveModel>, DbErr> {
        let now = self.clock.now().timestamp_millis();
        let model = |row: &&Row| {
            let message = &row.message;
            let head = serde_json::to_string(&**message).map_err(|error| DbErr::Custom(error.to_string()))?;
            Ok(ActiveModel {
                id: Set(row.id),
                queue: Set(row.queue.to_owned()),
                due_at: Set(AT_ONCE),
                attempt: Set(i32::try_from(message.attempt).unwrap_or(i32::MAX)),
                head: Set(head),
                body: Set(message.body.to_vec()),
                queued_at: Set(now),
                reason: Set(None),
            })
        };
        rows.iter().map(model).collect()
    }

    /// Moves a message to the end of the dead letters, under a new id: who reads them in order must come upon it.
    async fn bury(&self, txn: &Txn, id: i64, reason: &str) -> Result<(), DbErr> {
        let Some(message) = Entity::find_by_id(id).one(txn).await? else { return Ok(()) };
        let queue = topology::dead(&message.queue);
        let dead = ActiveModel {
            id: Set(self.mailboxes.mint()),
            queue: Set(queue.clone()),
            due_at: Set(AT_ONCE),
            queued_at: Set(self.clock.now().timestamp_millis()),
            reason: Set(Some(reason.to_owned())),
            ..message.into()
        };
        Entity::insert(dead).exec_without_returning(txn).await?;
        Entity::delete_by_id(id).exec(txn).await?;
        self.moved_to().push(queue);
        Ok(())
    }

    fn moved_to(&self) -> MutexGuard<'_, Vec<String>> {
        self.moved_to.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the id of the last row that there ever was; 0 if there was none.
pub(super) async fn last_id(db: &Db) -> Result<i64, DbErr> {
    let last = "SELECT seq FROM sqlite_sequence WHERE name = 'message'";
    let last = db.reader().query_one_raw(Statement::from_string(DbBackend::Sqlite, last)).await?;
    Ok(last.map(|row| row.try_get::<i64>("", "seq")).transpose()?.unwrap_or_default())
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

impl From<&Row> for Stored {
    fn from(row: &Row) -> Self {
        Self { id: row.id, envelope: Ok(Envelope::clone(&row.message)), reason: None }
    }
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

#[cfg(test)]
pub(super) mod tests {
    use scrm_db::Database;
    use scrm_kernel::time::from_millis;
    use scrm_kernel::{CorpId, MessageId};
    use tempfile::TempDir;

    use super::*;
    use crate::embedded::migration::Migrator;

    const QUEUE: &str = "tests.queue";

    /// Makes a message that nobody reads.
    pub(in crate::embedded) fn message() -> Envelope {
        Envelope {
            message_id: MessageId::mint(from_millis(1)),
            kind: "tests.v1.told".to_owned(),
            corp: CorpId::mint(from_millis(1)),
            key: "a".to_owned(),
            occurred_at: from_millis(1),
            received_at: None,
            received_seq: None,
            traceparent: None,
            replay_of: None,
            attempt: 0,
            body: [].as_slice().into(),
        }
    }

    /// Makes rows with these ids.
    fn put(ids: &[i64]) -> Op {
        let message = Arc::new(message());
        let row = |&id: &i64| Row { id, queue: QUEUE, message: Arc::clone(&message) };
        Op::Put(ids.iter().map(row).collect())
    }

    async fn write(store: &Store, db: &Db, ops: &[Op]) {
        let txn = db.begin().await.unwrap();
        store.write(&txn, ops).await.unwrap();
        txn.commit().await.unwrap();
        store.committed(ops);
    }

    async fn ids(db: &Db, queue: &str) -> Vec<i64> {
        fresh(db, queue, 0, 10).await.unwrap().iter().map(|message| message.id).collect()
    }

    #[tokio::test]
    async fn what_is_done_before_it_is_written_never_is_and_what_else_became_of_it_is_kept() {
        let folder = TempDir::new().unwrap();
        let database = Database::File(folder.path().join("queues.db"));
        let db = Db::open::<Migrator>(&database, Clock::system()).await.unwrap();
        let store = Store::new(Clock::system(), Arc::new(Mailboxes::after(4)));
        let dead = Settlement::Dead { reason: "nobody can read it".to_owned() };
        let retry = Settlement::Retry { after: Duration::from_mins(1), reason: "not now".to_owned() };
        let settle = Op::Settle(vec![(1, Settlement::Done), (3, dead), (4, retry)]);
        write(&store, &db, &[put(&[1, 2]), put(&[3, 4]), settle]).await;
        assert_eq!(ids(&db, QUEUE).await, [2]);
        assert_eq!(ids(&db, &topology::dead(QUEUE)).await, [5]);
        assert_eq!(last_id(&db).await.unwrap(), 5);
        assert!(next_due(&db, QUEUE, Clock::system().now()).await.unwrap().is_some());

        write(&store, &db, &[Op::Settle(vec![(2, Settlement::Done)]), put(&[6])]).await;
        assert_eq!(ids(&db, QUEUE).await, [6]);
        db.close().await.unwrap();
    }
}
