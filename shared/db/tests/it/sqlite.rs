//! How SQLite is built: see `.cargo/config.toml`.

use sea_orm::{ConnectionTrait as _, Statement};

use crate::support::TestDb;

#[tokio::test]
async fn sqlite_is_built_as_it_is_meant_to_be() {
    let test = TestDb::open().await;
    if test.db.is_sqlite() {
        let reader = test.db.reader();
        let statement = Statement::from_string(reader.get_database_backend(), "PRAGMA compile_options");
        let rows = reader.query_all_raw(statement).await.unwrap();
        let options: Vec<String> =
            rows.iter().map(|row| row.try_get("", "compile_options").unwrap()).collect();
        // Without it each statement with a bound LIMIT is planned whenever it runs.
        assert!(options.iter().any(|option| option == "ENABLE_QPSG"), "{options:?}");
        assert!(!options.iter().any(|option| option == "ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
    }
    test.finish().await;
}
