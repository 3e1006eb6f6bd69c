//! A database for one test.

use std::path::{Path, PathBuf};

use scrm_db::Database;
use scrm_kernel::{Clock, MessageId};
use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use tempfile::TempDir;

use crate::Shape;

/// Connections to one test's PostgreSQL database at most.
const CONNECTIONS: u32 = 8;

/// A new, empty database of the chosen shape.
#[derive(Debug)]
pub struct TestDatabase {
    database: Database,
    place: Place,
    /// For files, in either shape; goes with the value.
    files: TempDir,
}

#[derive(Debug)]
enum Place {
    /// Goes with the value.
    Folder(#[expect(dead_code, reason = "kept for its drop")] TempDir),
    /// A database on the server of the tests.
    Server { name: String },
}

impl TestDatabase {
    /// Makes a database; `name` tells a person whose it is, and need not be unique.
    pub async fn new(name: &str) -> Self {
        Self::of(Shape::chosen(), name).await
    }

    async fn of(shape: Shape, name: &str) -> Self {
        let files = tempfile::tempdir().expect("a folder for the test's files can be made");
        match shape {
            Shape::Embedded => {
                let folder = tempfile::tempdir().expect("a folder for the test's database can be made");
                let file: PathBuf = folder.path().join(format!("{name}.sqlite"));
                Self { database: Database::File(file), place: Place::Folder(folder), files }
            }
            Shape::Distributed => {
                let unique = MessageId::mint(Clock::system().now()).as_uuid().simple().to_string();
                let name = format!("test_{name}_{unique}");
                on_server(&format!("CREATE DATABASE \"{name}\"")).await;
                let (server, _) = split(&server_url());
                let url = format!("{server}/{name}");
                let database = Database::Postgres { url, connections: CONNECTIONS };
                Self { database, place: Place::Server { name }, files }
            }
        }
    }

    /// Returns how a service opens it.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Does something to it behind the back of whoever has it open.
    pub async fn meddle(&self, statement: &str) {
        let url = match &self.database {
            Database::File(file) => format!("sqlite://{}", file.display()),
            Database::Postgres { url, .. } => url.clone(),
        };
        execute(&url, statement).await;
    }

    /// Returns the folder of the files that belong to its rows.
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// Removes the database, whoever is still connected to it.
    pub async fn finish(self) {
        if let Place::Server { name } = self.place {
            on_server(&format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await;
        }
    }
}

fn server_url() -> String {
    scrm_config::variable("SCRM_TEST_POSTGRES_URL").expect(
        "SCRM_TEST_POSTGRES_URL names the server: tests/services.sh up postgres; eval \"$(tests/services.sh env)\"",
    )
}

/// Splits a URL into the server and the database on it.
fn split(url: &str) -> (String, String) {
    let (server, database) = url.rsplit_once('/').expect("SCRM_TEST_POSTGRES_URL ends with /postgres");
    (server.to_owned(), database.to_owned())
}

async fn on_server(statement: &str) {
    execute(&server_url(), statement).await;
}

async fn execute(url: &str, statement: &str) {
    let connection: DatabaseConnection =
        sea_orm::Database::connect(url).await.expect("the database of the test answers");
    connection.execute_unprepared(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    connection.close().await.expect("a connection can be closed");
}
