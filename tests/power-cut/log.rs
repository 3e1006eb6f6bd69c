//! The log, and what of a process belongs into it.

use std::fs::{self, File};
use std::os::fd::{AsRawFd as _, FromRawFd as _, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

const WRITTEN: u8 = 1;
const TRUNCATED: u8 = 2;
const CREATED: u8 = 3;
const FILE_SYNCED: u8 = 4;
const FOLDER_SYNCED: u8 = 5;

/// Where the log is, and what it is about; nothing, when nothing is to be written down.
static RECORDER: OnceLock<Option<Recorder>> = OnceLock::new();

struct Recorder {
    root: PathBuf,
    file: File,
    /// How long the log is; held while it grows.
    length: Mutex<u64>,
}

/// A file or folder below the root.
struct Subject {
    inode: u64,
    /// Below the root.
    path: PathBuf,
    is_folder: bool,
}

/// A sync that has begun.
pub(crate) struct Sync {
    kind: u8,
    inode: u64,
    /// How long the log was.
    from: u64,
    /// What the record says of it.
    bytes: Vec<u8>,
}

impl Recorder {
    fn open() -> Option<Self> {
        let root = crate::variable(c"SCRM_POWER_CUT_ROOT")?;
        let path = crate::variable(c"SCRM_POWER_CUT_LOG")?;
        let root = fs::canonicalize(root).ok()?;
        let file = File::options().create(true).append(true).open(path).ok()?;
        let length = file.metadata().ok()?.len();
        Some(Self { root, file, length: Mutex::new(length) })
    }

    /// Returns what a file descriptor stands for, if it is a file or folder below the root.
    fn subject(&self, fd: RawFd) -> Option<Subject> {
        // SAFETY: it is only asked what it is, and not closed.
        let file = std::mem::ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
        let about = file.metadata().ok().filter(|about| about.is_file() || about.is_dir())?;
        let path = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
        let path = path.strip_prefix(&self.root).ok()?.to_owned();
        Some(Subject { inode: about.ino(), path, is_folder: about.is_dir() })
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.length.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, kind: u8, inode: u64, number: u64, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut record = Vec::with_capacity(25 + length);
        record.push(kind);
        for number in [inode, number, length as u64] {
            record.extend_from_slice(&number.to_le_bytes());
        }
        for part in parts {
            record.extend_from_slice(part);
        }
        let mut log_length = self.lock();
        // Straight to the kernel: libc's function is ours, and would come here again.
        // SAFETY: so many bytes are there.
        let written =
            unsafe { libc::syscall(libc::SYS_write, self.file.as_raw_fd(), record.as_ptr(), record.len()) };
        // A log with a gap would prove anything.
        if usize::try_from(written) != Ok(record.len()) {
            std::process::abort();
        }
        *log_length += record.len() as u64;
    }

    /// Returns a folder's path and what is in it.
    fn listing(&self, folder: &Path) -> Vec<u8> {
        let mut listing = folder.as_os_str().as_bytes().to_vec();
        for entry in fs::read_dir(self.root.join(folder)).into_iter().flatten().flatten() {
            listing.push(0);
            listing.extend_from_slice(entry.file_name().as_bytes());
            listing.push(0);
            listing.extend_from_slice(entry.ino().to_string().as_bytes());
        }
        listing
    }
}

/// Returns the recorder; nothing while it is being opened, for that opens a file too.
fn recorder() -> Option<&'static Recorder> {
    std::thread_local! { static OPENING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) } }
    if let Some(recorder) = RECORDER.get() {
        return recorder.as_ref();
    }
    if OPENING.replace(true) {
        return None;
    }
    let recorder = RECORDER.get_or_init(Recorder::open);
    OPENING.set(false);
    recorder.as_ref()
}

/// Notes a new file.
pub(crate) fn created(fd: RawFd) {
    let Some(recorder) = recorder() else { return };
    if let Some(Subject { inode, path, .. }) = recorder.subject(fd) {
        recorder.add(CREATED, inode, 0, &[path.as_os_str().as_bytes()]);
    }
}

/// Notes what was written: at `offset`, or where the file now stands.
pub(crate) fn written(fd: RawFd, offset: Option<i64>, parts: &[&[u8]]) {
    let Some(recorder) = recorder() else { return };
    let Some(Subject { inode, .. }) = recorder.subject(fd) else { return };
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let offset = offset.unwrap_or_else(|| {
        // SAFETY: three numbers.
        let end = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) };
        end - i64::try_from(length).unwrap_or_default()
    });
    recorder.add(WRITTEN, inode, u64::try_from(offset).unwrap_or_default(), parts);
}

/// Notes a new length.
pub(crate) fn truncated(fd: RawFd, length: i64) {
    let Some(recorder) = recorder() else { return };
    if let Some(Subject { inode, .. }) = recorder.subject(fd) {
        recorder.add(TRUNCATED, inode, u64::try_from(length).unwrap_or_default(), &[]);
    }
}

/// Notes how far the log is, before a sync.
pub(crate) fn begin_sync(fd: RawFd) -> Option<Sync> {
    let recorder = recorder()?;
    let Subject { inode, path, is_folder } = recorder.subject(fd)?;
    let from = *recorder.lock();
    let (kind, bytes) = if is_folder {
        (FOLDER_SYNCED, recorder.listing(&path))
    } else {
        (FILE_SYNCED, path.as_os_str().as_bytes().to_vec())
    };
    Some(Sync { kind, inode, from, bytes })
}

/// Notes a sync that is done.
pub(crate) fn synced(sync: &Sync) {
    if let Some(recorder) = recorder() {
        recorder.add(sync.kind, sync.inode, sync.from, &[&sync.bytes]);
    }
}
