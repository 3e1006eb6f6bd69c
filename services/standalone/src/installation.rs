//! Where the services of an installation keep their things and answer, in either shape.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use scrm_config::ConfigError;
use scrm_customers::Customers;
use scrm_db::Database;
use scrm_directory::Directory;
use scrm_ingest::Ingest;
use scrm_kernel::Clock;
use scrm_leads::Leads;
use scrm_mq::Topology;
use scrm_mq::embedded::Embedded;
use scrm_mq::rabbit::Rabbit;
use scrm_process::{Service, Settings, keys};

use crate::folder::Folder;

/// The names of all services.
pub(crate) const SERVICES: [&str; 4] = [Ingest::NAME, Directory::NAME, Leads::NAME, Customers::NAME];

/// Looks whether the section of a service can be used.
type Look = fn(Option<&Path>) -> Result<(), ConfigError>;

/// Returns what is wrong with the sections of the services.
pub(crate) fn wrong_sections(file: Option<&Path>) -> Vec<ConfigError> {
    let looks: [Look; SERVICES.len()] =
        [Ingest::check_section, Directory::check_section, Leads::check_section, Customers::check_section];
    looks.into_iter().filter_map(|look| look(file).err()).collect()
}

/// An installation, found by its folder: `scrm.toml` with a table `distributed` says that its services are processes
/// of their own.
#[derive(Debug)]
pub enum Installation {
    /// All services in one process on this folder.
    Embedded(Folder),
    /// Services on PostgreSQL and RabbitMQ; the folder holds configuration and keys.
    Distributed {
        /// The folder.
        folder: Folder,
        /// `scrm.toml` in it.
        file: PathBuf,
    },
}

impl Installation {
    /// Takes a folder for what its configuration says it is.
    pub fn of(folder: Folder) -> Self {
        match folder.configuration().filter(|file| scrm_config::is_distributed(file)) {
            Some(file) => Self::Distributed { folder, file },
            None => Self::Embedded(folder),
        }
    }

    /// Finds the installation of a folder that is there.
    pub fn existing(data: &Path) -> anyhow::Result<Self> {
        Ok(Self::of(Folder::existing(data)?))
    }

    /// Returns the folder.
    pub const fn folder(&self) -> &Folder {
        match self {
            Self::Embedded(folder) | Self::Distributed { folder, .. } => folder,
        }
    }

    /// Returns the folder of services in one process; an error when they are processes of their own.
    pub fn expect_embedded(self, data: &Path) -> anyhow::Result<Folder> {
        match self {
            Self::Embedded(folder) => Ok(folder),
            Self::Distributed { file, .. } => bail!(
                "{} has a table `{}`: the services of {} are processes of their own; start those",
                file.display(),
                scrm_config::DISTRIBUTED,
                data.display()
            ),
        }
    }

    /// Returns the database of a service.
    pub fn database<S: Service>(&self) -> anyhow::Result<Database> {
        match self {
            Self::Embedded(folder) => Ok(folder.database(S::NAME)),
            Self::Distributed { file, .. } => Ok(Settings::load(S::NAME, Some(file))?.database(S::NAME)),
        }
    }

    /// Returns the file of the keys that seal personal data and sign tokens.
    pub fn key_file(&self) -> anyhow::Result<PathBuf> {
        match self {
            Self::Embedded(folder) => Ok(folder.installation_keys()),
            Self::Distributed { file, .. } => Ok(Settings::load(Ingest::NAME, Some(file))?.keys.installation),
        }
    }

    /// Returns where a service that is a process of its own answers.
    pub fn address<S: Service>(file: &Path) -> anyhow::Result<SocketAddr> {
        Ok(Settings::load(S::NAME, Some(file))?.http.listen)
    }

    /// Returns every service by name, and where it answers while it runs.
    pub fn addresses(&self) -> anyhow::Result<Vec<(&'static str, SocketAddr)>> {
        match self {
            Self::Embedded(folder) => {
                let address = folder.address()?;
                Ok(SERVICES.map(|service| (service, address)).to_vec())
            }
            Self::Distributed { file, .. } => {
                let address = |service| Ok((service, Settings::load(service, Some(file))?.http.listen));
                SERVICES.into_iter().map(address).collect()
            }
        }
    }

    /// Makes what is missing and brings all tables and queues up to date.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let topology = Topology::of_all_services();
        match self {
            Self::Embedded(folder) => {
                let _lock = folder.lock()?;
                keys::make_installation(&folder.installation_keys())?;
                self.migrate_services().await?;
                Embedded::open(&folder.queues(), topology, Clock::system()).await?.close().await?;
            }
            Self::Distributed { file, .. } => {
                let settings = Settings::load(Ingest::NAME, Some(file))?;
                keys::make_installation(&settings.keys.installation)?;
                self.migrate_services().await?;
                let rabbit = Rabbit::connect(settings.broker(), topology).await.context("the broker")?;
                rabbit.close().await?;
            }
        }
        Ok(())
    }

    async fn migrate_services(&self) -> anyhow::Result<()> {
        self.migrate_service::<Ingest>().await?;
        self.migrate_service::<Directory>().await?;
        self.migrate_service::<Leads>().await?;
        self.migrate_service::<Customers>().await
    }

    async fn migrate_service<S: Service>(&self) -> anyhow::Result<()> {
        let database = self.database::<S>()?;
        database.make_if_missing().await.with_context(|| format!("the database of {}", S::NAME))?;
        S::migrate(&database, Clock::system()).await.with_context(|| format!("the tables of {}", S::NAME))
    }
}
