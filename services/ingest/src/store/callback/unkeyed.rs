//! Callbacks that are stored, and whose keys are in memory and not yet in the index over keys.
//!
//! A key is as random as a hash, so each one changes another page of the index: more work than all else that a door on a
//! file does. A file belongs to one process, which can know the keys of the callbacks that wait; they go into the index when
//! the callbacks are marked as processed, which changes their rows anyway. On PostgreSQL, where several processes share a
//! door, the index is what they all know, and this stays empty.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scrm_db::{Db, Txn};
use scrm_kernel::CorpId;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Statement,
};

use super::TABLE;
use crate::domain::callback::{DoorKey, door_key, whole};
use crate::store::entity::callback::{Column, Entity};

/// Rows that are read at once.
const READ_AT_ONCE: u64 = 1000;

/// The keys of those callbacks.
#[derive(Default)]
pub(crate) struct Unkeyed(Mutex<Keys>);

#[derive(Default)]
struct Keys {
    /// Of callbacks that wait.
    waiting: HashSet<DoorKey>,
    /// Of callbacks that were processed before the door had time to say that they are stored.
    overtaken: HashSet<DoorKey>,
}

impl Unkeyed {
    /// Reads what was not processed when the last process ended.
    pub(crate) async fn load(db: &Db) -> Result<Self, DbErr> {
        let (mut waiting, mut after) = (HashSet::new(), 0);
        loop {
            let some: Vec<(i64, CorpId, String, Vec<u8>)> = Entity::find()
                .select_only()
                .columns([Column::Seq, Column::CorpId, Column::App, Column::Hash])
                .filter(Column::DoorKey.is_null())
                .filter(Column::Seq.gt(after))
                .order_by_asc(Column::Seq)
                .limit(READ_AT_ONCE)
                .into_tuple()
                .all(db.reader())
                .await?;
            let Some((last, ..)) = some.last() else { break };
            after = *last;
            waiting.extend(some.iter().map(|(_, corp, app, hash)| door_key(*corp, app, &whole(hash))));
        }
        Ok(Self(Mutex::new(Keys { waiting, overtaken: HashSet::new() })))
    }

    /// Reports whether the callback of a key waits.
    pub(super) fn has(&self, key: &DoorKey) -> bool {
        self.lock().waiting.contains(key)
    }

    /// Notes callbacks that are stored from now on.
    pub(super) fn stored(&self, stored: &[DoorKey]) {
        let mut keys = self.lock();
        for key in stored {
            if !keys.overtaken.remove(key) {
                keys.waiting.insert(*key);
            }
        }
    }

    /// Forgets callbacks whose keys are in the index from now on; see [`give_keys`].
    pub(crate) fn keyed(&self, keyed: impl Iterator<Item = DoorKey>) {
        let mut keys = self.lock();
        for key in keyed {
            if !keys.waiting.remove(&key) {
                keys.overtaken.insert(key);
            }
        }
        if keys.waiting.is_empty() {
            keys.waiting = HashSet::new(); // A flood's room is not kept.
        }
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the keys of callbacks into the index.
///
/// Should one be there already, which the door prevents, its callback goes without: a relay must not stand still for it.
pub(crate) async fn give_keys(txn: &Txn, keys: &[(i64, DoorKey)]) -> Result<(), DbErr> {
    if keys.is_empty() {
        return Ok(());
    }
    let pairs: Vec<String> =
        keys.iter().map(|(seq, key)| format!("[{seq},\"{}\"]", hex::encode(key))).collect();
    let sql = format!(
        "UPDATE OR IGNORE {TABLE} SET door_key = unhex(given.value ->> 1) FROM json_each(?) AS given
         WHERE seq = given.value ->> 0"
    );
    let values = [format!("[{}]", pairs.join(",")).into()];
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    txn.execute_raw(statement).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_that_is_processed_before_it_is_noted_does_not_wait() {
        let (unkeyed, keys) = (Unkeyed::default(), [[1; 20], [2; 20]]);
        unkeyed.keyed([keys[0]].into_iter());
        unkeyed.stored(&keys);
        assert!(!unkeyed.has(&keys[0]) && unkeyed.has(&keys[1]));
        unkeyed.keyed([keys[1]].into_iter());
        assert!(!unkeyed.has(&keys[1]));
        // Only the first note of it is late.
        unkeyed.stored(&keys[..1]);
        assert!(unkeyed.has(&keys[0]));
    }
}
