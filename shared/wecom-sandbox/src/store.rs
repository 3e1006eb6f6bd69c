//! The state folder: what must be the same after a restart, also after a kill in the middle.
//!
//! One small file, `company.json`, is replaced as a whole and synced before anything relies on it. The company itself
//! is not in it, since the seed says it all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::app::{CUSTOMIZED, SELF_BUILT, THIRD_PARTY};
use crate::draw::{ALPHANUMERIC, Draw};
use crate::error::{Error, Result};

const STATE_FILE: &str = "company.json";
const LOCK_FILE: &str = "company.lock";

/// How many customer numbers are set aside with one write. A restart skips what is left of them.
const BLOCK: u64 = 1000;

/// The apps by name, kind and number within the company, in the order in which they are listed.
const APPS: &[(&str, &str, u32)] = &[
    ("demo", SELF_BUILT, 1_000_002),
    ("demo-2", SELF_BUILT, 1_000_003),
    ("suite", THIRD_PARTY, 1_000_004),
    ("template", CUSTOMIZED, 1_000_005),
];

/// What `company.json` holds.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) seed: u64,
    /// No customer below this number is sent for the first time any more.
    pub(crate) next_customer: u64,
    pub(crate) apps: Vec<StoredApp>,
}

/// An app or a suite, with what makes it callable.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredApp {
    pub(crate) app: String,
    pub(crate) kind: String,
    /// The number within the company, of a suite where it is installed.
    pub(crate) agent_id: u32,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) encoding_aes_key: String,
    pub(crate) callback_url: Option<String>,
}

/// The open state folder. It is locked until this is dropped or the process ends, however it ends.
pub(crate) struct Store {
    folder: PathBuf,
    state: State,
    /// The next number to hand out; below `state.next_customer`, or equal when the block is used up.
    next: u64,
    _lock: File,
}

impl Store {
    /// Opens the folder, or founds it with `seed`; apps that it lacks get new credentials.
    pub(crate) fn open(folder: &Path, seed: u64) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        let lock = locked(&folder.join(LOCK_FILE))?;
        let path = folder.join(STATE_FILE);
        let mut state: State = match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json).map_err(|source| Error::Unreadable { path, source })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                State { seed, next_customer: 1, apps: Vec::new() }
            }
            Err(error) => return Err(failed(&path, error)),
        };
        state.apps = completed(state.apps);
        if state.seed != seed {
            let stored = state.seed;
            tracing::warn!(sandbox.seed = stored, "Keeping the stored seed {stored}, seed {seed} is ignored");
        }
        let next = state.next_customer;
        let mut store = Self { folder: folder.to_owned(), state, next, _lock: lock };
        store.reserve()?;
        Ok(store)
    }

    /// Returns what is stored.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Finds an app.
    pub(crate) fn app(&self, app: &str) -> Option<&StoredApp> {
        self.state.apps.iter().find(|stored| stored.app == app)
    }

    /// Hands out a customer number that was never handed out before; may write and sync.
    pub(crate) fn next_customer(&mut self) -> Result<u64> {
        if self.next == self.state.next_customer {
            self.reserve()?;
        }
        self.next += 1;
        Ok(self.next - 1)
    }

    /// Returns how many numbers can be handed out without writing.
    pub(crate) fn reserved(&self) -> u64 {
        self.state.next_customer - self.next
    }

    /// Changes where an app's callbacks go.
    pub(crate) fn set_callback_url(&mut self, app: &str, url: Option<String>) -> Result<()> {
        let mut state = self.state.clone();
        let Some(stored) = state.apps.iter_mut().find(|stored| stored.app == app) else {
            return Err(Error::UnknownApp(app.to_owned()));
        };
        if stored.callback_url == url {
            return Ok(());
        }
        stored.callback_url = url;
        self.replace(state)
    }

    fn reserve(&mut self) -> Result<()> {
        let mut state = self.state.clone();
        state.next_customer += BLOCK;
        self.replace(state)
    }

    /// Writes `state` so that after a power cut the file is either the old or the new one.
    fn replace(&mut self, state: State) -> Result<()> {
        let path = self.folder.join(STATE_FILE);
        let written = self.folder.join("company.json.new");
        let mut json = serde_json::to_vec_pretty(&state).expect("the state is plain data");
        json.push(b'\n');
        let write = || -> io::Result<()> {
            // The file holds secrets.
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&written)?;
            file.write_all(&json)?;
            file.sync_all()?;
            fs::rename(&written, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| failed(&path, source))?;
        self.state = state;
        Ok(())
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io { path: path.to_owned(), source }
}

fn locked(path: &Path) -> Result<File> {
    let lock = File::create(path).map_err(|source| failed(path, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.parent().unwrap_or(path).to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(path, source)),
    }
}

/// Brings the apps into their order, those that were not there with new credentials.
fn completed(mut known: Vec<StoredApp>) -> Vec<StoredApp> {
    let mut draw = Draw::fresh();
    let mut apps = Vec::new();
    for &(app, kind, agent_id) in APPS {
        if let Some(place) = known.iter().position(|stored| stored.app == app) {
            apps.push(known.remove(place));
            continue;
        }
        apps.push(StoredApp {
            app: app.to_owned(),
            kind: kind.to_owned(),
            agent_id,
            secret: draw.text(ALPHANUMERIC, 43),
            token: draw.text(ALPHANUMERIC, 24),
            // Two of the 258 bits are to spare; like WeCom's, they are seldom 0, which strict decoders refuse.
            encoding_aes_key: draw.text(ALPHANUMERIC, 43),
            callback_url: None,
        });
    }
    apps.extend(known);
    apps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbering_and_credentials_go_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), 5).unwrap();
        let token = store.app("demo").unwrap().token.clone();
        let last = (0..BLOCK + 10).map(|_| store.next_customer().unwrap()).last().unwrap();
        assert_eq!(last, BLOCK + 10);
        drop(store);

        let mut store = Store::open(folder.path(), 6).unwrap();
        assert_eq!(store.state().seed, 5);
        assert_eq!(store.app("demo").unwrap().token, token);
        assert!(store.next_customer().unwrap() > last);
    }

    #[test]
    fn what_is_on_disk_is_ahead_of_every_number_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), 5).unwrap();
        for _ in 0..BLOCK * 2 + 10 {
            let number = store.next_customer().unwrap();
            if number.is_multiple_of(100) || number % BLOCK <= 1 {
                let json = fs::read(folder.path().join(STATE_FILE)).unwrap();
                assert!(serde_json::from_slice::<State>(&json).unwrap().next_customer > number);
            }
        }
    }

    #[test]
    fn a_folder_serves_one_sandbox_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 5).unwrap();
        assert!(matches!(Store::open(folder.path(), 5), Err(Error::InUse(_))));
        drop(store);
        Store::open(folder.path(), 5).unwrap();
    }

    #[test]
    fn a_damaged_state_file_is_reported_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(STATE_FILE), "{").unwrap();
        assert!(matches!(Store::open(folder.path(), 5), Err(Error::Unreadable { .. })));
        assert_eq!(fs::read(folder.path().join(STATE_FILE)).unwrap(), b"{");
    }

    #[test]
    fn credentials_have_the_form_that_wecom_gives_them() {
        for (app, other) in completed(Vec::new()).iter().zip(completed(Vec::new())) {
            assert_eq!((app.secret.len(), app.token.len(), app.encoding_aes_key.len()), (43, 24, 43));
            scrm_wecom::callback::AesKey::parse(&app.encoding_aes_key).unwrap();
            assert_ne!(other.token, app.token);
        }
    }

    #[test]
    fn a_folder_of_before_gets_the_apps_that_it_lacks_and_keeps_them() {
        let folder = tempfile::tempdir().unwrap();
        let demo = completed(Vec::new()).remove(0);
        let old = State { seed: 5, next_customer: 1, apps: vec![demo.clone()] };
        fs::write(folder.path().join(STATE_FILE), serde_json::to_vec(&old).unwrap()).unwrap();
        let tokens = || {
            let store = Store::open(folder.path(), 5).unwrap();
            store.state().apps.iter().map(|app| (app.app.clone(), app.token.clone())).collect::<Vec<_>>()
        };
        let first = tokens();
        assert_eq!(first[0], (demo.app, demo.token));
        let names: Vec<&str> = first.iter().map(|(app, _)| app.as_str()).collect();
        assert_eq!(names, ["demo", "demo-2", "suite", "template"]);
        assert_eq!(tokens(), first);
    }
}
