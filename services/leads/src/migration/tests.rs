//! Rows from before a step are there after it.

use scrm_db::migration::EventTables;
use scrm_db::{Database, Db};
use scrm_kernel::{CorpId, LeadId, Scope};
use scrm_testing::TestDatabase;
use sea_orm::{ConnectionTrait as _, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use super::{Migrator, m001_lead};
use crate::domain::attachment::Attachment;
use crate::domain::lead::Lead;
use crate::domain::reason::Reason;
use crate::store;

/// The tables of the first version.
struct Before;

impl MigratorTrait for Before {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(EventTables), Box::new(m001_lead::Leads)]
    }
}

async fn insert_before(db: &Db, corp: CorpId, id: LeadId) {
    let (backend, now) = (db.writer().get_database_backend(), db.clock().now());
    let marks = if db.is_sqlite() { "?,?,?,?,?,?,?,?,?,?" } else { "$1,$2,$3,$4,$5,$6,$7,$8,$9,$10" };
    let text = format!(
        "INSERT INTO lead (id, corp_id, external_user_id, owner_user_id, reason_code, claimed_at, claimed_seq, stage,
         received_at, assigned_at) VALUES ({marks})"
    );
    let values = [
        id.into(),
        corp.into(),
        "wm1".into(),
        "LiLei".into(),
        "added_by_contact".into(),
        now.into(),
        7_i64.into(),
        "assigned".into(),
        now.into(),
        now.into(),
    ];
    db.writer().execute_raw(Statement::from_sql_and_values(backend, text, values)).await.unwrap();
}

#[tokio::test]
async fn leads_of_the_first_version_are_still_there() {
    let (clock, database) = (scrm_testing::clock(), TestDatabase::new("leads_migration").await);
    let (corp, id) = (CorpId::mint(clock.now()), LeadId::mint(clock.now()));
    let place: &Database = database.database();
    let db = Db::open::<Before>(place, clock.clone()).await.unwrap();
    insert_before(&db, corp, id).await;
    db.close().await.unwrap();

    let db = Db::open::<Migrator>(place, clock.clone()).await.unwrap();
    let lead: Lead = store::lead::find(db.reader(), &Scope::everybody(corp), id).await.unwrap().unwrap();
    let owner = lead.owner().unwrap().clone();
    assert_eq!((owner.as_str(), lead.person.as_ref().unwrap().as_str()), ("LiLei", "wm1"));
    assert_eq!((&lead.reason, lead.version), (&Reason::added_by_contact(&owner), 1));

    // Its person is known by the mark, and one open lead a person is still the rule.
    let txn = db.begin().await.unwrap();
    let marks = [crate::domain::submission::Mark::of(lead.person.as_ref().unwrap())];
    let another = LeadId::mint(clock.now());
    assert_eq!(store::mark::claim(&txn, corp, &marks, another).await.unwrap(), [id]);
    let counts = store::lead::open_of(&txn, corp, &["lilei".to_owned()]).await.unwrap();
    assert_eq!(counts["lilei"], 1);
    let error = store::lead::insert(&txn, &Lead { id: another, ..lead }).await.unwrap_err();
    assert!(txn.violation(&error).unwrap().is_unique("uq_lead_open"));
    drop(txn);
    db.close().await.unwrap();
    database.finish().await;
}

#[tokio::test]
async fn links_of_a_greeting_from_before_are_what_is_attached_to_it() {
    let (clock, database) = (scrm_testing::clock(), TestDatabase::new("leads_migration").await);
    let db = Db::open::<Migrator>(database.database(), clock.clone()).await.unwrap();
    let (backend, corp) = (db.writer().get_database_backend(), CorpId::mint(clock.now()));
    let marks = if db.is_sqlite() { "?,?,?,?,?" } else { "$1,$2,$3,$4,$5" };
    let text = format!("INSERT INTO greeting (corp_id, channel, text, links, updated_at) VALUES ({marks})");
    let links = serde_json::json!([{"title": "目录", "description": null, "url": "https://a.example", "picture_url": null}]);
    let values = [corp.into(), "".into(), "您好".into(), links.into(), clock.now().into()];
    db.writer().execute_raw(Statement::from_sql_and_values(backend, text, values)).await.unwrap();
    let greetings = store::greeting::all(db.reader(), corp).await.unwrap();
    let [(channel, greeting, 1)] = greetings.as_slice() else { panic!("{greetings:?}") };
    let [Attachment::Link(link)] = greeting.attachments.as_slice() else { panic!("{greeting:?}") };
    assert_eq!((channel.as_str(), link.url.as_str()), ("", "https://a.example"));
    db.close().await.unwrap();
    database.finish().await;
}
