//! The data folder: lock, keys, databases, configuration.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use scrm_db::Database;

/// A data folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// Keeps other processes out of a folder for as long as it lives.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Writes into the folder where its process answers, for commands that talk to it.
    pub fn announce(&self, address: SocketAddr) -> anyhow::Result<()> {
        self.0.set_len(0)?;
        self.0
            .write_all_at(address.to_string().as_bytes(), 0)
            .context("cannot write into the lock of the folder")
    }
}

impl Folder {
    /// Takes a path as a data folder and makes it if it is not there.
    pub fn make(path: &Path) -> anyhow::Result<Self> {
        for part in ["keys", "db"] {
            fs::create_dir_all(path.join(part))
                .with_context(|| format!("cannot make the data folder {}", path.display()))?;
        }
        Ok(Self(path.to_owned()))
    }

    /// Takes a path as a data folder that is there.
    pub fn existing(path: &Path) -> anyhow::Result<Self> {
        if !path.join("keys").is_dir() {
            bail!("{} is no data folder; `scrm serve --data {0}` makes one", path.display());
        }
        Ok(Self(path.to_owned()))
    }

    /// Takes the folder for this process.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.0.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => {
                bail!("another process uses the data folder {}", self.0.display())
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// Returns where the process that uses the folder answers.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        let nobody = || format!("no process uses {0}: start `scrm serve --data {0}` first", self.0.display());
        if let Ok(lock) = self.lock() {
            drop(lock);
            bail!(nobody());
        }
        let text = fs::read_to_string(self.0.join("lock")).with_context(nobody)?;
        let still = || format!("the process that uses {} is still starting", self.0.display());
        text.parse().with_context(still)
    }

    /// Returns the optional configuration file.
    pub fn configuration(&self) -> Option<PathBuf> {
        Some(self.0.join("scrm.toml")).filter(|path| path.exists())
    }

    /// Returns the database of a service.
    pub fn database(&self, service: &str) -> Database {
        Database::File(self.0.join("db").join(format!("{service}.sqlite")))
    }

    /// Returns the file of the queues.
    pub fn queues(&self) -> PathBuf {
        self.0.join("db").join("queues.sqlite")
    }

    /// Returns the folder of files, unless the configuration says another place.
    pub fn media(&self) -> PathBuf {
        self.0.join("media")
    }

    /// Returns the folder of the simulated WeCom.
    pub fn sandbox(&self) -> PathBuf {
        self.0.join("sandbox")
    }

    /// Returns the file of the keys that seal personal data.
    pub fn installation_keys(&self) -> PathBuf {
        self.0.join("keys").join("installation.keys")
    }

    /// Returns the file of the key that signs tokens.
    pub fn token_keys(&self) -> PathBuf {
        self.0.join("keys").join("token.pk8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_process() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::make(place.path()).unwrap();
        let lock = folder.lock().unwrap();
        let refusal = folder.lock().unwrap_err().to_string();
        assert!(refusal.contains("another process"), "{refusal}");
        drop(lock);
        folder.lock().unwrap();
    }

    #[test]
    fn a_folder_tells_where_its_process_answers_as_long_as_it_runs() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::make(place.path()).unwrap();
        let lock = folder.lock().unwrap();
        assert!(folder.address().unwrap_err().to_string().contains("still starting"));
        for address in ["127.0.0.1:65535", "127.0.0.1:80"] {
            let address = address.parse().unwrap();
            lock.announce(address).unwrap();
            assert_eq!(folder.address().unwrap(), address);
        }
        drop(lock);
        assert!(folder.address().unwrap_err().to_string().contains("no process uses"));
    }
}
