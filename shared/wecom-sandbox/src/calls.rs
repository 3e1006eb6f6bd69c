//! Every call of WeCom's API since the folder was founded: a file of JSON lines, and in memory where each begins.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Mutex;

use scrm_kernel::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::record::{CallRecord, locked};
use crate::state::opened;

/// The list of calls; it only grows.
pub(crate) struct CallLog(Mutex<Kept>);

struct Kept {
    file: File,
    /// Where each line begins, in order.
    begins: Vec<u64>,
    end: u64,
    /// How many lines were there when the file was opened.
    old: usize,
    failed: usize,
}

/// What is read of a line when the file is opened.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "time")]
    _time: Timestamp,
    answer: Answer,
    #[serde(default)]
    fault: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    errcode: Value,
}

impl Line {
    /// Reports whether the caller got an error, or no answer.
    fn is_failed(&self) -> bool {
        self.fault.is_some() || self.answer.errcode.as_i64().is_some_and(|errcode| errcode != 0)
    }
}

impl CallLog {
    /// Opens or makes the file; what a kill has torn off is cut off.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = opened(path)?;
        let (mut begins, mut end, mut line, mut failed) = (Vec::new(), 0, Vec::new(), 0);
        let mut reader = BufReader::new(File::open(path)?);
        while reader.read_until(b'\n', &mut line)? > 0 {
            let Some(read) = serde_json::from_slice::<Line>(&line).ok().filter(|_| line.ends_with(b"\n"))
            else {
                break;
            };
            failed += usize::from(read.is_failed());
            begins.push(end);
            end += line.len() as u64;
            line.clear();
        }
        file.set_len(end)?;
        let old = begins.len();
        Ok(Self(Mutex::new(Kept { file, begins, end, old, failed })))
    }

    /// Adds a call.
    pub(crate) fn push(&self, record: &CallRecord) {
        let mut line = serde_json::to_vec(record).expect("records are plain data");
        line.push(b'\n');
        let is_failed = serde_json::from_slice::<Line>(&line).is_ok_and(|line| line.is_failed());
        let mut kept = locked(&self.0);
        if let Err(error) = kept.file.write_all(&line) {
            tracing::error!(%error, "Cannot take an API call down");
            return;
        }
        let end = kept.end;
        kept.begins.push(end);
        kept.failed += usize::from(is_failed);
        kept.end += line.len() as u64;
    }

    /// Counts all calls.
    pub(crate) fn len(&self) -> usize {
        locked(&self.0).begins.len()
    }

    /// Counts the calls that got an error, or no answer.
    pub(crate) fn failed(&self) -> usize {
        locked(&self.0).failed
    }

    /// Counts the calls before this sandbox was opened.
    pub(crate) fn old(&self) -> usize {
        locked(&self.0).old
    }

    /// Shows the lines from position `from` up to `end`, at most `most` of them.
    pub(crate) fn each(&self, from: usize, end: usize, most: usize, mut show: impl FnMut(&[u8])) {
        let kept = locked(&self.0);
        let end = end.min(kept.begins.len()).min(from.saturating_add(most));
        let Some(begin) = kept.begins.get(from).filter(|_| from < end) else { return };
        let stop = kept.begins.get(end).copied().unwrap_or(kept.end);
        let mut bytes = vec![0; usize::try_from(stop - begin).unwrap_or_default()];
        if let Err(error) = kept.file.read_exact_at(&mut bytes, *begin) {
            tracing::error!(%error, "Cannot read the list of API calls");
            return;
        }
        drop(kept);
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            show(line);
        }
    }
}
