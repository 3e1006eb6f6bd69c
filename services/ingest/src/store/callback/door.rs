//! Callbacks are stored in groups at the door, each once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use scrm_db::sql::{self, Known};
use scrm_db::{BatchWrite, Db, Txn};
use scrm_kernel::{CorpId, Sealed, Timestamp, crash};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Statement, Value,
};

use super::TABLE;
use super::unkeyed::Unkeyed;
use crate::domain::callback::{DoorKey, Fingerprint, REPEATABLE, State, door_key, whole};
use crate::store::entity::callback::{Column, Entity};

/// Callbacks of a version without keys that are given theirs at once.
const KEYS_AT_ONCE: u64 = 1000;

/// A callback at the door.
#[derive(Debug)]
pub(crate) struct NewCallback {
    pub(crate) corp: CorpId,
    pub(crate) app: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) door_key: DoorKey,
    pub(crate) body: Sealed,
    pub(crate) state: State,
    pub(crate) signed_at: Timestamp,
    pub(crate) received_at: Timestamp,
    /// Trace context of the request.
    pub(crate) traceparent: Option<String>,
}

/// Stores groups of callbacks, each once.
pub(crate) struct Door {
    db: Db,
    unkeyed: Arc<Unkeyed>,
    /// Of the group that is being written, those whose keys are left out.
    leaving_out: Mutex<Vec<DoorKey>>,
}

impl Door {
    pub(crate) fn new(db: Db, unkeyed: Arc<Unkeyed>) -> Self {
        Self { db, unkeyed, leaving_out: Mutex::default() }
    }

    /// Reports whether the key of a callback is left out for the time being; one that is late is not processed, and gets
    /// its key at once.
    fn leaves_out(&self, callback: &NewCallback) -> bool {
        self.db.is_sqlite() && callback.state == State::Stored
    }

    /// Returns the callbacks of a group that are not there yet, as far as one can tell without inserting them: where
    /// several processes insert, all of them.
    async fn new_ones<'a>(
        &self,
        txn: &Txn,
        callbacks: &'a [NewCallback],
    ) -> Result<Vec<&'a NewCallback>, DbErr> {
        if !self.db.is_sqlite() {
            return Ok(callbacks.iter().collect());
        }
        let mut there = keys_among(txn, callbacks).await?;
        let is_new = |callback: &&NewCallback| {
            !self.unkeyed.has(&callback.door_key) && there.insert(callback.door_key.to_vec())
        };
        Ok(callbacks.iter().filter(is_new).collect())
    }
}

#[async_trait]
impl BatchWrite for Door {
    type Op = NewCallback;
    type Out = ();

    async fn write(&self, txn: &Txn, callbacks: &[NewCallback]) -> Result<Vec<()>, DbErr> {
        let columns = [
            Column::CorpId,
            Column::App,
            Column::Hash,
            Column::Body,
            Column::State,
            Column::SignedAt,
            Column::ReceivedAt,
            Column::Traceparent,
            Column::DoorKey,
        ];
        let new = self.new_ones(txn, callbacks).await?;
        let values = new.iter().flat_map(|callback| -> [Value; 9] {
            let door_key = Some(callback.door_key.to_vec()).filter(|_| !self.leaves_out(callback));
            [
                callback.corp.into(),
                callback.app.as_str().into(),
                callback.fingerprint.to_vec().into(),
                callback.body.clone().into_bytes().into(),
                callback.state.as_str().into(),
                callback.signed_at.into(),
                callback.received_at.into(),
                callback.traceparent.clone().into(),
                door_key.into(),
            ]
        });
        let inserted = match values.collect::<Vec<_>>() {
            none if none.is_empty() => 0,
            values => sql::insert_values::<Entity>(txn, &columns, values, Known::Skip).await?,
        };
        let left_out = new.into_iter().filter(|callback| self.leaves_out(callback));
        *self.leaving_out.lock().unwrap_or_else(PoisonError::into_inner) =
            left_out.map(|callback| callback.door_key).collect();
        if inserted < callbacks.len() as u64 {
            let changeable = changeable(txn, callbacks).await?;
            let came_in_time = callbacks.iter().filter(|callback| callback.state == State::Stored);
            for callback in came_in_time.filter(|callback| changeable.contains(callback.door_key.as_slice()))
            {
                promote(txn, callback).await?;
                process_again(txn, callback).await?;
            }
        }
        crash::point("callback.written");
        Ok(vec![(); callbacks.len()])
    }

    fn committed(&self, _: &[NewCallback]) {
        crash::point("callback.committed");
        self.unkeyed.stored(&self.leaving_out.lock().unwrap_or_else(PoisonError::into_inner));
        self.db.wake(TABLE);
    }
}

/// Gives every callback its key that has none: those of a version without keys. They differ as the fingerprints do.
pub(crate) async fn give_door_keys(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let mut after = 0;
    loop {
        let some: Vec<(i64, CorpId, String, Vec<u8>)> = Entity::find()
            .select_only()
            .columns([Column::Seq, Column::CorpId, Column::App, Column::Hash])
            .filter(Column::Seq.gt(after))
            .filter(Column::DoorKey.is_null())
            .order_by_asc(Column::Seq)
            .limit(KEYS_AT_ONCE)
            .into_tuple()
            .all(connection)
            .await?;
        let Some((last, ..)) = some.last() else { return Ok(()) };
        after = *last;
        for (seq, corp, app, hash) in &some {
            Entity::update_many()
                .col_expr(Column::DoorKey, Expr::value(door_key(*corp, app, &whole(hash)).to_vec()))
                .filter(Column::Seq.eq(*seq))
                .exec(connection)
                .await?;
        }
    }
}

/// Returns the keys of callbacks that are in the index.
async fn keys_among(txn: &Txn, callbacks: &[NewCallback]) -> Result<HashSet<Vec<u8>>, DbErr> {
    // One text for every length keeps the statement cache small.
    let sql =
        format!("SELECT door_key FROM {TABLE} WHERE door_key IN (SELECT unhex(value) FROM json_each(?))");
    let keys: Vec<String> =
        callbacks.iter().map(|callback| format!("\"{}\"", hex::encode(callback.door_key))).collect();
    let values = [format!("[{}]", keys.join(",")).into()];
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    let rows = txn.query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Returns the keys of those that a copy may change: they are late, or processed.
async fn changeable(txn: &Txn, callbacks: &[NewCallback]) -> Result<HashSet<Vec<u8>>, DbErr> {
    let found = Entity::find()
        .select_only()
        .column(Column::DoorKey)
        .filter(Column::DoorKey.is_in(callbacks.iter().map(|callback| callback.door_key.to_vec())))
        .filter(
            Condition::any()
                .add(Column::State.eq(State::Late.as_str()))
                .add(Column::ProcessedAt.is_not_null()),
        )
        .into_tuple::<Vec<u8>>()
        .all(txn)
        .await?;
    Ok(found.into_iter().collect())
}

/// Lets a callback be processed that was kept as late and has now come in time.
async fn promote(txn: &Txn, callback: &NewCallback) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Stored.as_str()))
        .filter(Column::CorpId.eq(callback.corp))
        .filter(Column::DoorKey.eq(callback.door_key.to_vec()))
        .filter(Column::State.eq(State::Late.as_str()))
        .exec(txn)
        .await?;
    Ok(())
}

/// Lets the relay process a callback once more of which a copy has come, if its kind means «look again».
///
/// Two such events of one second are byte for byte the same. One that still waits to be processed stands for both.
async fn process_again(txn: &Txn, callback: &NewCallback) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ProcessedAt, Expr::value(None::<Timestamp>))
        .col_expr(Column::LeasedUntil, Expr::value(None::<Timestamp>))
        .filter(Column::CorpId.eq(callback.corp))
        .filter(Column::DoorKey.eq(callback.door_key.to_vec()))
        .filter(Column::ProcessedAt.is_not_null())
        .filter(Column::Body.ne(Vec::<u8>::new()))
        .filter(Column::Kind.is_in(REPEATABLE))
        .exec(txn)
        .await?;
    Ok(())
}
