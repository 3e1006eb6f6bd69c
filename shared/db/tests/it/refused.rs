//! A server that is not there.

use std::net::TcpListener;

use scrm_db::{Database, Db};

use crate::support::Migrator;

#[tokio::test]
async fn a_server_that_refuses_connections_is_told_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://scrm:pass@127.0.0.1:{port}/scrm_db");
    let (database, clock) = (Database::Postgres { url, connections: 2 }, scrm_testing::clock());
    for error in [
        database.make_if_missing().await.unwrap_err(),
        Db::peek(&database, clock.clone()).await.unwrap_err(),
        Db::open::<Migrator>(&database, clock).await.unwrap_err(),
    ] {
        // A pool would have tried until its patience was over, and said that.
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
