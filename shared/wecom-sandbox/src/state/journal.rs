//! An append-only file of JSON lines. A line is written with one call, so a kill leaves at most the last one torn.
//!
//! Nothing is synced: the state is that of a simulation and has to outlive its process, not a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The open file.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens or makes the file, hands every whole line to `replay`, and cuts a torn last one off.
    ///
    /// A line that cannot be read ends the file too: what follows it cannot be trusted.
    pub(crate) fn open<T: DeserializeOwned>(
        path: &Path,
        mut replay: impl FnMut(T),
    ) -> io::Result<(Self, usize)> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let (mut good, mut lines) = (0, 0);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(json) = line.strip_suffix(b"\n") else { break };
            let Ok(entry) = serde_json::from_slice(json) else { break };
            replay(entry);
            good += line.len();
            lines += 1;
        }
        if good < bytes.len() {
            let lost = bytes.len() - good;
            tracing::warn!(file = %path.display(), "Cutting {lost} unreadable bytes off {}", path.display());
        }
        let file = opened(path)?;
        file.set_len(good as u64)?;
        Ok((Self { path: path.to_owned(), file }, lines))
    }

    /// Adds an entry.
    pub(crate) fn append(&mut self, entry: &impl Serialize) {
        if let Err(error) = self.file.write_all(&line(entry)) {
            // The simulation goes on; only a restart would miss this.
            tracing::error!(%error, "Cannot write {}", self.path.display());
        }
    }

    /// Replaces the whole file, at once.
    pub(crate) fn replace<T: Serialize>(&mut self, entries: impl Iterator<Item = T>) -> io::Result<()> {
        let written = self.path.with_extension("new");
        let mut new = io::BufWriter::new(opened(&written)?);
        new.get_ref().set_len(0)?;
        for entry in entries {
            new.write_all(&line(&entry))?;
        }
        self.file = new.into_inner().map_err(io::IntoInnerError::into_error)?;
        fs::rename(&written, &self.path)
    }
}

/// Opens a file for appending; it holds secrets.
pub(crate) fn opened(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).read(true).mode(0o600).open(path)
}

fn line(entry: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("entries are plain data");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> (Journal, Vec<u32>) {
        let mut seen = Vec::new();
        let (journal, lines) = Journal::open(path, |entry: u32| seen.push(entry)).unwrap();
        assert_eq!(lines, seen.len());
        (journal, seen)
    }

    #[test]
    fn a_torn_line_is_cut_off_and_the_file_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let (mut journal, _) = read(&path);
        journal.append(&1);
        journal.append(&2);
        drop(journal);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"to").unwrap();

        let (mut journal, seen) = read(&path);
        assert_eq!(seen, [1, 2]);
        journal.append(&3);
        journal.replace([7, 8].into_iter()).unwrap();
        journal.append(&9);
        assert_eq!(read(&path).1, [7, 8, 9]);
    }
}
