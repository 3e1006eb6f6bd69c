//! Copies at the door: of callbacks from a version before this one, and of those that wait.

use std::sync::Arc;

use scrm_db::{BatchWrite as _, Batcher, Database, Db};
use scrm_kernel::{CorpId, Sealed, Timestamp};
use scrm_testing::TestDatabase;
use sea_orm::{ActiveValue::Set, DbErr, EntityTrait as _, QueryOrder as _};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use super::{Door, NewCallback, Unkeyed, give_keys};
use crate::domain::callback::{Fingerprint, State, door_key, whole};
use crate::migration::Migrator;
use crate::store::entity::callback::{ActiveModel, Column, Entity, Model};

/// The tables of the version before callbacks had keys.
struct Before;

impl MigratorTrait for Before {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut steps = Migrator::migrations();
        let keys = steps.iter().position(|step| step.name() == "m035_door_key");
        steps.truncate(keys.expect("it is one of the steps"));
        steps
    }
}

/// More than are given their keys at once.
const CALLBACKS: u32 = 1_100;

/// The hash of one of them: of the first days without the second in front.
fn hash(number: u32) -> Vec<u8> {
    let mut hash = [0; 36];
    hash[..4].copy_from_slice(&(1_700_000_000 + number).to_be_bytes());
    hash[32..].copy_from_slice(&number.to_be_bytes());
    if number.is_multiple_of(2) { hash.to_vec() } else { hash[4..].to_vec() }
}

fn row(corp: CorpId, number: u32, now: Timestamp) -> ActiveModel {
    ActiveModel {
        corp_id: Set(corp),
        app: Set("demo".to_owned()),
        hash: Set(hash(number)),
        body: Set(vec![1]),
        state: Set(State::Stored.as_str().to_owned()),
        signed_at: Set(now),
        received_at: Set(now),
        ..ActiveModel::default()
    }
}

async fn callbacks(db: &Db) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::Seq).all(db.reader()).await
}

#[tokio::test]
async fn callbacks_from_before_their_keys_are_known_at_the_door() {
    let (clock, database) = (scrm_testing::clock(), TestDatabase::new("ingest_callbacks").await);
    let (corp, now) = (CorpId::mint(clock.now()), clock.now());
    let place: &Database = database.database();
    let db = Db::open::<Before>(place, clock.clone()).await.unwrap();
    for number in 0..CALLBACKS {
        Entity::insert(row(corp, number, now)).exec_without_returning(db.writer()).await.unwrap();
    }
    db.close().await.unwrap();

    let db = Db::open::<Migrator>(place, clock.clone()).await.unwrap();
    let before = callbacks(&db).await.unwrap();
    assert_eq!(before.len(), CALLBACKS as usize);
    for (number, callback) in (0..).zip(&before) {
        let key = door_key(corp, "demo", &whole(&hash(number)));
        assert_eq!(callback.door_key, Some(key.to_vec()), "{number}");
    }

    // A copy is none the less one: the last two, one of either length.
    let again = |number: u32| new_callback(corp, whole(&hash(number)), now);
    let door = Batcher::start(db.clone(), Door::new(db.clone(), Arc::default()), 8);
    for number in [CALLBACKS - 1, CALLBACKS - 2, CALLBACKS] {
        door.put(again(number)).await.unwrap();
    }
    assert_eq!(callbacks(&db).await.unwrap().len(), CALLBACKS as usize + 1);
    drop(door);
    db.close().await.unwrap();
    database.finish().await;
}

fn new_callback(corp: CorpId, fingerprint: Fingerprint, now: Timestamp) -> NewCallback {
    NewCallback {
        corp,
        app: "demo".to_owned(),
        fingerprint,
        door_key: door_key(corp, "demo", &fingerprint),
        body: Sealed::from_bytes(vec![1]),
        state: State::Stored,
        signed_at: now,
        received_at: now,
        traceparent: None,
    }
}

#[tokio::test]
async fn a_copy_is_known_while_its_key_waits_for_the_index_and_after_a_death() {
    let (clock, database) = (scrm_testing::clock(), TestDatabase::new("ingest_callbacks").await);
    let (corp, now) = (CorpId::mint(clock.now()), clock.now());
    let db = Db::open::<Migrator>(database.database(), clock.clone()).await.unwrap();
    let one = |number: u8| new_callback(corp, [number; 36], now);
    let late = |number: u8| NewCallback { state: State::Late, ..one(number) };

    // In one group, and in the next one.
    let unkeyed = Arc::new(Unkeyed::load(&db).await.unwrap());
    let door = Door::new(db.clone(), Arc::clone(&unkeyed));
    for group in [vec![one(1), one(1), late(2)], vec![one(2), one(1), late(1)]] {
        let txn = db.begin().await.unwrap();
        door.write(&txn, &group).await.unwrap();
        txn.commit().await.unwrap();
        door.committed(&group);
    }
    let stored = callbacks(&db).await.unwrap();
    assert_eq!(stored.iter().map(|row| row.state.as_str()).collect::<Vec<_>>(), ["stored"; 2]);
    let is_keyed: Vec<bool> = stored.iter().map(|row| row.door_key.is_some()).collect();
    assert_eq!(is_keyed, [!db.is_sqlite(), true]);

    // What was written and not committed is not there.
    let txn = db.begin().await.unwrap();
    door.write(&txn, &[one(3)]).await.unwrap();
    drop(txn);
    let door = Batcher::start(db.clone(), door, 8);
    door.put(one(3)).await.unwrap();
    assert_eq!(callbacks(&db).await.unwrap().len(), 3);
    drop(door);

    // Another process reads what waits; then the key of it is in the index.
    let unkeyed = Arc::new(Unkeyed::load(&db).await.unwrap());
    let door = Batcher::start(db.clone(), Door::new(db.clone(), Arc::clone(&unkeyed)), 8);
    door.put(one(1)).await.unwrap();
    let waiting = callbacks(&db).await.unwrap();
    let keys: Vec<_> = waiting.iter().filter(|row| row.door_key.is_none()).map(|row| row.seq).collect();
    let keys: Vec<_> = keys.into_iter().zip([one(1).door_key, one(3).door_key]).collect();
    let txn = db.begin().await.unwrap();
    give_keys(&txn, &keys).await.unwrap();
    txn.commit().await.unwrap();
    unkeyed.keyed(keys.iter().map(|(_, key)| *key));
    door.put(one(1)).await.unwrap();
    let stored = callbacks(&db).await.unwrap();
    assert_eq!(stored.len(), 3);
    for (row, number) in stored.iter().zip([1, 2, 3]) {
        assert_eq!(row.door_key, Some(one(number).door_key.to_vec()));
    }
    drop(door);
    db.close().await.unwrap();
    database.finish().await;
}
