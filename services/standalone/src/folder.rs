//! The data folder: lock, keys, databases, configuration.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use scrm_db::Database;

/// Where Linux lists the locks on files.
const LOCKS: &str = "/proc/locks";

/// A data folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// Whether a process uses a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// None does.
    Nobody,
    /// One does and does not say yet where it answers.
    Starting {
        /// Its number, 0 if that is not known here.
        pid: u32,
    },
    /// One does.
    Serving {
        /// Its number, 0 if that is not known here.
        pid: u32,
        /// Where it answers.
        address: SocketAddr,
    },
    /// This system does not tell.
    Unknown,
}

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

    /// Takes a path as a data folder, whatever is there.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
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
        let path = self.0.display();
        match self.used_by() {
            Use::Serving { address, .. } => Ok(address),
            Use::Starting { .. } => bail!("the process that uses {path} is still starting"),
            Use::Nobody => bail!("no process uses {path}: start `scrm serve --data {path}` first"),
            // It is the address of whoever used the folder last.
            Use::Unknown => {
                let text = fs::read_to_string(self.0.join("lock"));
                text.ok()
                    .and_then(|text| text.parse().ok())
                    .with_context(|| format!("no process uses {path}"))
            }
        }
    }

    /// Returns whether a process uses the folder, without taking it for a moment: a process that starts just then must
    /// not find it taken.
    pub fn used_by(&self) -> Use {
        let path = self.0.join("lock");
        let Ok(file) = fs::metadata(&path) else { return Use::Nobody };
        let Ok(locks) = fs::read_to_string(LOCKS) else { return Use::Unknown };
        let Some(pid) = holder_of(&locks, file.ino()) else { return Use::Nobody };
        let address = fs::read_to_string(&path).ok().and_then(|text| text.parse().ok());
        address.map_or(Use::Starting { pid }, |address| Use::Serving { pid, address })
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

    /// Returns the file of the one-time code with which the enterprise is set up.
    pub fn setup_code(&self) -> PathBuf {
        self.0.join("setup-code")
    }

    /// Returns the file of the keys that seal personal data and sign tokens.
    pub fn installation_keys(&self) -> PathBuf {
        self.0.join("keys").join("installation.keys")
    }
}

/// Returns the process that holds a lock on a whole file. Not compared is the device: where layers make up a file system,
/// this list and the file name different ones.
fn holder_of(locks: &str, inode: u64) -> Option<u32> {
    // 7: FLOCK  ADVISORY  WRITE 4711 00:2f:1234 0 EOF; a process that only waits has an arrow after its number.
    locks.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, place, ..] = fields.as_slice() else { return None };
        let is_ours = place.rsplit(':').next()?.parse() == Ok(inode);
        is_ours.then(|| pid.parse().unwrap_or(0))
    })
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
    fn whoever_looks_does_not_take_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::make(place.path()).unwrap();
        assert_eq!(folder.used_by(), Use::Nobody);
        let lock = folder.lock().unwrap();
        let pid = std::process::id();
        assert_eq!(folder.used_by(), Use::Starting { pid });
        let address = "127.0.0.1:80".parse().unwrap();
        lock.announce(address).unwrap();
        assert_eq!(folder.used_by(), Use::Serving { pid, address });
        drop(lock);
        assert_eq!(folder.used_by(), Use::Nobody);
    }

    #[test]
    fn only_who_holds_the_lock_counts() {
        let locks = "1: POSIX  ADVISORY  WRITE 1 08:01:5 0 EOF\n2: FLOCK  ADVISORY  WRITE 22 08:01:55 0 EOF\n\
                     3: FLOCK  ADVISORY  READ 4 08:01:5 0 EOF\n3: -> FLOCK  ADVISORY  WRITE 5 08:01:5 0 EOF\n";
        assert_eq!(holder_of(locks, 5), None);
        assert_eq!(holder_of(locks, 55), Some(22));
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
