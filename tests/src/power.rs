//! What a disk would hold if the power had failed: read from the log of `tests/power-cut`.
//!
//! Safe is what was written before a sync of the same file began that ended before the cut. A name is safe when its
//! folder was synced while it was there, as POSIX has it; most file systems also keep the name of a new file that was
//! itself synced, and nothing here relies on that. Folders themselves are taken to be there. What was written and not
//! synced is lost, or kept in part and in any order: a disk may do either.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

const WRITTEN: u8 = 1;
const TRUNCATED: u8 = 2;
const CREATED: u8 = 3;
const FILE_SYNCED: u8 = 4;
const FOLDER_SYNCED: u8 = 5;
/// Of every record.
const HEAD: usize = 25;
/// What a disk writes whole.
const SECTOR: usize = 512;

/// A disk at some point of a log.
pub struct Disk {
    log: BufReader<File>,
    /// How much of the log is read.
    position: u64,
    /// A record that is read already and stands for later.
    next: Option<Record>,
    files: HashMap<u64, Content>,
    /// What is safe of each folder: names and inodes.
    folders: BTreeMap<PathBuf, BTreeMap<String, u64>>,
    /// How many syncs of files there were.
    syncs: usize,
}

struct Record {
    kind: u8,
    inode: u64,
    number: u64,
    bytes: Vec<u8>,
}

/// A file.
#[derive(Default)]
struct Content {
    safe: Vec<u8>,
    /// What is not safe yet, and where the log stood when it was done.
    unsafe_yet: Vec<(u64, Change)>,
}

enum Change {
    Written { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Disk {
    /// Begins at the start of a log.
    pub fn new(log: &Path) -> io::Result<Self> {
        let log = BufReader::new(File::open(log)?);
        let (files, folders) = (HashMap::new(), BTreeMap::new());
        Ok(Self { log, position: 0, next: None, files, folders, syncs: 0 })
    }

    /// Goes on to where the log was `until` bytes long.
    pub fn advance(&mut self, until: u64) -> io::Result<()> {
        while let Some(record) = self.record()? {
            let end = self.position + (HEAD + record.bytes.len()) as u64;
            if end > until {
                self.next = Some(record);
                return Ok(());
            }
            self.position = end;
            self.apply(record);
        }
        Ok(())
    }

    /// Returns how many files were synced so far.
    pub const fn syncs(&self) -> usize {
        self.syncs
    }

    /// Writes what is left when the power fails here into `folder`.
    ///
    /// With `chance`, parts of what was not synced are there too, and some of them torn.
    pub fn cut(&self, folder: &Path, mut chance: Option<&mut ChaCha8Rng>) -> io::Result<()> {
        for (path, entries) in &self.folders {
            std::fs::create_dir_all(folder.join(path))?;
            for (name, inode) in entries {
                let Some(content) = self.files.get(inode) else { continue };
                let left = content.left(chance.as_deref_mut());
                std::fs::write(folder.join(path).join(name), left)?;
            }
        }
        Ok(())
    }

    /// Reads a record; nothing at the end, or where the last one is torn because its writer died.
    fn record(&mut self) -> io::Result<Option<Record>> {
        if self.next.is_some() {
            return Ok(self.next.take());
        }
        let mut head = [0; HEAD];
        if !self.read(&mut head)? {
            return Ok(None);
        }
        let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("it is 8 bytes"));
        let mut bytes = vec![0; usize::try_from(number(17)).map_err(io::Error::other)?];
        let record = Record { kind: head[0], inode: number(1), number: number(9), bytes: Vec::new() };
        Ok(self.read(&mut bytes)?.then_some(Record { bytes, ..record }))
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<bool> {
        match self.log.read_exact(into) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn apply(&mut self, record: Record) {
        let Record { kind, inode, number, bytes } = record;
        let as_size = |number| usize::try_from(number).expect("files of a test are small");
        let change = match kind {
            WRITTEN => Change::Written { offset: as_size(number), bytes },
            TRUNCATED => Change::Length(as_size(number)),
            CREATED => {
                self.files.insert(inode, Content::default());
                return;
            }
            FILE_SYNCED => {
                self.syncs += 1;
                self.files.entry(inode).or_default().sync(number);
                return;
            }
            FOLDER_SYNCED => {
                let (path, entries) = listing(&bytes);
                self.folders.insert(path, entries);
                return;
            }
            other => panic!("the log has a record of kind {other}"),
        };
        self.files.entry(inode).or_default().unsafe_yet.push((self.position, change));
    }
}

impl Content {
    /// Makes safe what was done before the log was `from` long.
    fn sync(&mut self, from: u64) {
        let later = self.unsafe_yet.iter().position(|(done, _)| *done > from);
        for (_, change) in self.unsafe_yet.drain(..later.unwrap_or(self.unsafe_yet.len())) {
            change.apply(&mut self.safe, usize::MAX);
        }
    }

    fn left(&self, chance: Option<&mut ChaCha8Rng>) -> Vec<u8> {
        let mut left = self.safe.clone();
        let Some(chance) = chance else { return left };
        for (_, change) in &self.unsafe_yet {
            match chance.next_u32() % 4 {
                0 | 1 => {}
                2 => change.apply(&mut left, usize::MAX),
                _ => change.apply(&mut left, SECTOR * (chance.next_u32() as usize % 8)),
            }
        }
        left
    }
}

impl Change {
    /// Makes the change, or no more than its first `most` bytes.
    fn apply(&self, content: &mut Vec<u8>, most: usize) {
        match self {
            Self::Length(length) => content.resize(*length, 0),
            Self::Written { offset, bytes } => {
                let bytes = &bytes[..bytes.len().min(most)];
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

/// Reads a folder's path, and the names in it with their inodes.
fn listing(bytes: &[u8]) -> (PathBuf, BTreeMap<String, u64>) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split('\0');
    let path = PathBuf::from(parts.next().unwrap_or_default());
    let mut entries = BTreeMap::new();
    while let (Some(name), Some(inode)) = (parts.next(), parts.next()) {
        entries.insert(name.to_owned(), inode.parse().expect("inodes are written in digits"));
    }
    (path, entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, number: u64, bytes: &[u8]) -> Vec<u8> {
        let mut record = vec![kind];
        for number in [7, number, bytes.len() as u64] {
            record.extend_from_slice(&number.to_le_bytes());
        }
        [record.as_slice(), bytes].concat()
    }

    fn left(disk: &Disk) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        disk.cut(folder.path(), None).unwrap();
        std::fs::read_to_string(folder.path().join("db/file")).ok()
    }

    #[test]
    fn what_was_not_synced_is_lost_and_so_is_a_name_that_was_not() {
        let place = tempfile::tempdir().unwrap();
        let log = place.path().join("log");
        let begin = [record(CREATED, 0, b"db/file"), record(WRITTEN, 0, b"one")].concat();
        // The second sync began before the last write was done.
        let synced_from = begin.len() as u64;
        let parts = [
            begin,
            record(FILE_SYNCED, synced_from, b"db/file"),
            record(FOLDER_SYNCED, synced_from, b"db\0file\x007"),
            record(WRITTEN, 3, b"two"),
            record(FILE_SYNCED, synced_from, b"db/file"),
            record(FILE_SYNCED, u64::MAX, b"db/file"),
            record(TRUNCATED, 1, b""),
            b"torn".to_vec(),
        ];
        std::fs::write(&log, parts.concat()).unwrap();
        let mut disk = Disk::new(&log).unwrap();
        let (mut position, mut seen) = (0, Vec::new());
        for part in &parts {
            position += part.len() as u64;
            disk.advance(position).unwrap();
            seen.push(left(&disk));
        }
        let expected = [
            None,
            None,
            Some("one"),
            Some("one"),
            Some("one"),
            Some("onetwo"),
            Some("onetwo"),
            Some("onetwo"),
        ];
        assert_eq!(seen.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
        assert_eq!(disk.syncs(), 3);
    }
}
