//! The data folder: lock, keys, databases.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use scrm_db::Database;
use scrm_http::TokenKeys;
use scrm_kernel::KeyRing;

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

    /// Reads the installation keys; makes them when there are none.
    pub fn installation_keys(&self) -> anyhow::Result<KeyRing> {
        let path = self.0.join("keys").join("installation.keys");
        match fs::read_to_string(&path) {
            Ok(text) => KeyRing::parse(&text).with_context(|| format!("cannot use {}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let keys = KeyRing::generate();
                write_secret(&path, keys.to_text().as_bytes())?;
                Ok(keys)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Reads the keys that sign tokens; makes them when there are none.
    pub fn make_token_keys(&self) -> anyhow::Result<TokenKeys> {
        let path = self.token_key_path();
        if !path.exists() {
            let (_, der) = TokenKeys::generate();
            write_secret(&path, &der)?;
        }
        self.token_keys()
    }

    /// Reads the keys that sign tokens.
    pub fn token_keys(&self) -> anyhow::Result<TokenKeys> {
        Ok(TokenKeys::read(&self.token_key_path())?)
    }

    fn token_key_path(&self) -> PathBuf {
        self.0.join("keys").join("token.pk8")
    }
}

/// Writes a file that only its owner reads, whole or not at all, and synced with its folder.
fn write_secret(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        let temporary = path.with_extension("new");
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_has_one_process_and_keeps_its_keys() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::make(place.path()).unwrap();
        let lock = folder.lock().unwrap();
        let refusal = folder.lock().unwrap_err().to_string();
        assert!(refusal.contains("another process"), "{refusal}");
        drop(lock);
        folder.lock().unwrap();

        let keys = folder.installation_keys().unwrap().to_text();
        assert_eq!(folder.installation_keys().unwrap().to_text(), keys);
        let path = place.path().join("keys/installation.keys");
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_file_is_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::make(place.path()).unwrap();
        let path = place.path().join("keys/installation.keys");
        fs::write(&path, "1 damaged").unwrap();
        assert!(folder.installation_keys().is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "1 damaged");
    }
}
