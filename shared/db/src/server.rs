//! Databases on a PostgreSQL server, before there is one to open.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::{self, Connection as _, PgConnection};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlErr, Statement};

use crate::Database;

/// How long it is looked for whether a server takes connections; who does not answer is left to the pool's patience.
const LOOK: Duration = Duration::from_secs(1);
/// Serialises migrations of one database; any number will do, as long as it is always the same.
const MIGRATION_LOCK: i64 = 0x5343_524D;

impl Database {
    /// Makes the PostgreSQL database when the server has none of that name; files are made when they are opened.
    ///
    /// Needs the right to connect to the database `postgres` only when there is something to make.
    pub async fn make_if_missing(&self) -> Result<(), DbErr> {
        let Self::Postgres { url, .. } = self else { return Ok(()) };
        let (server, name, options) = split(url)?;
        look_for(url).await?;
        if let Ok(connection) = sea_orm::Database::connect(url.as_str()).await {
            return connection.close().await;
        }
        let server = sea_orm::Database::connect(format!("{server}/postgres{options}")).await?;
        let made = make(&server, name).await;
        server.close().await?;
        made
    }
}

/// Fails at once when a server refuses connections.
///
/// A pool asks such a server again as long as its patience lasts, as it should while it is in use: the server may be
/// starting anew. Whoever opens a database wants to hear of it instead. What else is wrong, the pool tells.
pub(crate) async fn look_for(url: &str) -> Result<(), DbErr> {
    match tokio::time::timeout(LOOK, PgConnection::connect(url)).await {
        Ok(Err(sqlx::Error::Io(error))) if error.kind() == ErrorKind::ConnectionRefused => {
            Err(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(error)))))
        }
        Ok(Ok(connection)) => {
            // A server that went away just now is for the pool to meet.
            connection.close().await.ok();
            Ok(())
        }
        Ok(Err(_)) | Err(_) => Ok(()),
    }
}

async fn make(server: &DatabaseConnection, name: &str) -> Result<(), DbErr> {
    let found = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT 1 AS found FROM pg_database WHERE datname = $1",
        [name.into()],
    );
    if server.query_one_raw(found).await?.is_some() {
        return Ok(());
    }
    let made = server.execute_unprepared(&format!("CREATE DATABASE \"{name}\"")).await;
    match made {
        // Another process that starts just now was quicker.
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(()),
        Err(error) if error.to_string().contains("already exists") => Ok(()),
        made => made.map(|_| ()),
    }
}

/// Splits an address into the server, the name of the database, and what follows it.
fn split(url: &str) -> Result<(&str, &str, &str), DbErr> {
    let bad = || DbErr::Custom("database.url must end with the name of a database".to_owned());
    let (path, options) = url.find('?').map_or((url, ""), |at| url.split_at(at));
    let (server, name) = path.rsplit_once('/').ok_or_else(bad)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || server.ends_with('/') || !name.bytes().all(allowed) {
        return Err(bad());
    }
    Ok((server, name, options))
}

/// Waits until no other process migrates the same database; the lock lasts as long as the transaction.
pub(crate) async fn lock_migrations(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    let lock = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT pg_advisory_xact_lock($1)",
        [MIGRATION_LOCK.into()],
    );
    transaction.execute_raw(lock).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_database() {
        let url = "postgres://scrm:pass@db:5432/scrm_leads?sslmode=require";
        assert_eq!(split(url).unwrap(), ("postgres://scrm:pass@db:5432", "scrm_leads", "?sslmode=require"));
        for bad in ["postgres://db", "postgres://db/", "postgres://db/a\"b", "nothing"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }
}
