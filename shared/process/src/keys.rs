//! Key files: read, or made where there are none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use scrm_kernel::KeyRing;

/// Reads the keys that seal personal data and sign tokens.
pub fn read_installation(path: &Path) -> anyhow::Result<KeyRing> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    KeyRing::parse(&text).with_context(|| format!("cannot use {}", path.display()))
}

/// Reads the keys that seal personal data and sign tokens; makes them when there are none.
pub fn make_installation(path: &Path) -> anyhow::Result<KeyRing> {
    if !path.exists() {
        write_secret(path, KeyRing::generate().to_text().as_bytes())?;
    }
    read_installation(path)
}

/// Writes a file that only its owner reads, whole or not at all, and synced with its folder, which is made if missing.
pub fn write_secret(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
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
    fn keys_are_made_once_for_their_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("keys/installation.keys");
        assert!(read_installation(&path).is_err());
        let keys = make_installation(&path).unwrap().to_text();
        assert_eq!(make_installation(&path).unwrap().to_text(), keys);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_file_is_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("installation.keys");
        fs::write(&path, "1 damaged").unwrap();
        assert!(make_installation(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "1 damaged");
    }
}
