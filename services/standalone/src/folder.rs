//! The data folder: lock, keys, databases, configuration.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use scrm_db::Database;

/// A data folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// Keeps other processes out of a folder for as long as it lives.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock ends when the file is closed")] File);

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
}
