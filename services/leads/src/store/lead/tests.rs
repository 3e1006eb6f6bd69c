//! What a list costs does not grow with the leads that are not in it.

use scrm_db::Db;
use scrm_kernel::{CorpId, ExternalUserId, KeyRing, Scope};
use scrm_testing::TestDatabase;
use sea_orm::{ConnectionTrait as _, DbBackend, QuerySelect as _, QueryTrait as _, Statement};

use super::{Wanted, listed};
use crate::migration::Migrator;

/// Returns how SQLite goes about a statement, in its own words.
async fn plan(db: &Db, statement: Statement) -> String {
    let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
    let statement = Statement { sql, ..statement };
    let rows = db.reader().query_all_raw(statement).await.unwrap();
    let steps: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
    steps.join("\n")
}

#[tokio::test]
async fn lists_go_by_an_index() {
    let (clock, database) = (scrm_testing::clock(), TestDatabase::new("leads_lists").await);
    let db = Db::open::<Migrator>(database.database(), clock.clone()).await.unwrap();
    if db.is_sqlite() {
        let scope = Scope::everybody(CorpId::mint(clock.now()));
        let person = ExternalUserId::parse("wm1").unwrap();
        let phone = Some(KeyRing::generate().blind_index(scope.corp, "phone", "+8613800000000"));
        for (wanted, index) in [
            (Wanted::default(), "ix_lead_newest"),
            (Wanted { person: Some(&person), ..Wanted::default() }, "ix_lead_person"),
            (Wanted { source: Some("site"), ..Wanted::default() }, "ix_lead_source"),
            (Wanted { phone, ..Wanted::default() }, "ix_lead_phone"),
        ] {
            let statement = listed(&scope, &wanted, None).limit(51).build(DbBackend::Sqlite);
            let plan = plan(&db, statement).await;
            assert!(plan.contains(index), "{wanted:?}: {plan}");
        }
    }
    db.close().await.unwrap();
    database.finish().await;
}
