//! What the checks look at, read once.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use scrm_customers::Customers;
use scrm_db::{Database, Db};
use scrm_directory::Directory;
use scrm_ingest::{Config, Ingest};
use scrm_kernel::Clock;
use scrm_leads::Leads;
use scrm_process::{Service, Settings};

use crate::folder::Folder;
use crate::installation::{Installation, SERVICES};

/// How long a database may take to let somebody in.
const PATIENCE: Duration = Duration::from_secs(10);

/// An installation under examination.
pub(super) struct Patient {
    pub(super) data: PathBuf,
    pub(super) clock: Clock,
    pub(super) shape: Shape,
    /// Settings of ingest; the error says which key is wrong.
    pub(super) ingest: Result<Config, String>,
    /// One for each service; none while the configuration does not say where they are.
    pub(super) databases: Vec<Opened>,
}

/// How the services run.
pub(super) enum Shape {
    Embedded(Folder),
    /// With the settings of every service, by name; or why they cannot be used.
    Distributed {
        file: PathBuf,
        settings: Result<Vec<(&'static str, Settings)>, String>,
    },
}

/// The database of a service.
pub(super) struct Opened {
    pub(super) service: &'static str,
    /// The steps that should have been taken.
    pub(super) migrations: Vec<String>,
    /// `None` when there is no file yet; or why it cannot be opened.
    pub(super) db: Result<Option<Db>, String>,
}

impl Patient {
    pub(super) async fn meet(data: &Path) -> Self {
        let clock = Clock::system();
        let installation = Installation::of(Folder::at(data));
        let file = installation.folder().configuration();
        let ingest = Config::load(file.as_deref()).map_err(|error| error.to_string());
        let shape = match installation {
            Installation::Embedded(folder) => Shape::Embedded(folder),
            Installation::Distributed { file, .. } => {
                let load = |service| Ok((service, Settings::load(service, Some(&file))?));
                let settings: anyhow::Result<Vec<_>> = SERVICES.into_iter().map(load).collect();
                Shape::Distributed { settings: settings.map_err(|error| format!("{error:#}")), file }
            }
        };
        let (ingests, directories, leads, customers) = tokio::join!(
            open::<Ingest>(&shape, &clock),
            open::<Directory>(&shape, &clock),
            open::<Leads>(&shape, &clock),
            open::<Customers>(&shape, &clock),
        );
        let databases = [ingests, directories, leads, customers].into_iter().flatten().collect();
        Self { data: data.to_owned(), clock, shape, ingest, databases }
    }

    /// Returns the data folder as an operator names it.
    pub(super) fn folder(&self) -> String {
        self.data.display().to_string()
    }

    /// Returns what starts this installation.
    pub(super) fn start_command(&self) -> String {
        match self.shape {
            Shape::Embedded(_) => format!("`scrm serve --data {}`", self.folder()),
            Shape::Distributed { .. } => {
                format!("`scrm migrate --data {}`, then the services", self.folder())
            }
        }
    }

    /// Returns the settings of a service that is a process of its own.
    pub(super) fn settings(&self, service: &str) -> Option<&Settings> {
        let Shape::Distributed { settings: Ok(settings), .. } = &self.shape else { return None };
        settings.iter().find(|(name, _)| *name == service).map(|(_, settings)| settings)
    }

    /// Returns the file of the keys that seal data and sign tokens.
    pub(super) fn key_file(&self) -> Option<PathBuf> {
        match &self.shape {
            Shape::Embedded(folder) => Some(folder.installation_keys()),
            Shape::Distributed { .. } => Some(self.settings(Ingest::NAME)?.keys.installation.clone()),
        }
    }

    /// Returns the opened database of ingest, where the connected apps are.
    pub(super) fn ingest_db(&self) -> Option<&Db> {
        let opened = self.databases.iter().find(|opened| opened.service == Ingest::NAME)?;
        opened.db.as_ref().ok()?.as_ref()
    }
}

async fn open<S: Service>(shape: &Shape, clock: &Clock) -> Option<Opened> {
    let database = match shape {
        Shape::Embedded(folder) => folder.database(S::NAME),
        Shape::Distributed { settings, .. } => {
            let settings = settings.as_ref().ok()?;
            settings.iter().find(|(name, _)| *name == S::NAME)?.1.database(S::NAME)
        }
    };
    let db = peek(&database, clock).await.map_err(|error| format!("{error:#}"));
    Some(Opened { service: S::NAME, migrations: S::migrations(), db })
}

/// Opens a database to read it; a file that is not there stays so.
pub(super) async fn peek(database: &Database, clock: &Clock) -> anyhow::Result<Option<Db>> {
    if let Database::File(path) = database {
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            // Something that is no folder stands in the way: see the data folder.
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    let opening = tokio::time::timeout(PATIENCE, Db::peek(database, clock.clone())).await;
    let db = opening.with_context(|| format!("it does not answer within {PATIENCE:?}"))??;
    Ok(Some(db))
}
