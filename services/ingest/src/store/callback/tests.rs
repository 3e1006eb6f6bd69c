//! Callbacks of a version before this one.

use scrm_db::{BatchWrite as _, Database, Db};
use scrm_kernel::{CorpId, Sealed, Timestamp};
use scrm_testing::TestDatabase;
use sea_orm::{ActiveValue::Set, DbErr, EntityTrait as _, QueryOrder as _};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use super::{Door, NewCallback};
use crate::domain::callback::{State, door_key};
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
        let mut fingerprint = [0; 36];
        let hash = hash(number);
        fingerprint[36 - hash.len()..].copy_from_slice(&hash);
        assert_eq!(callback.door_key, Some(door_key(corp, "demo", &fingerprint).to_vec()), "{number}");
    }

    // A copy is none the less one: the last two, one of either length.
    let again = |number: u32| {
        let mut fingerprint = [0; 36];
        let hash = hash(number);
        fingerprint[36 - hash.len()..].copy_from_slice(&hash);
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
    };
    let txn = db.begin().await.unwrap();
    let door = Door { db: db.clone() };
    door.write(&txn, &[again(CALLBACKS - 1), again(CALLBACKS - 2), again(CALLBACKS)]).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(callbacks(&db).await.unwrap().len(), CALLBACKS as usize + 1);
    db.close().await.unwrap();
    database.finish().await;
}
