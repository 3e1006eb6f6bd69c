//! Uploaded files: what they are is state, their bytes lie beside it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// How long a `media_id` is good, in seconds: three days.
pub(crate) const LIFE_S: i64 = 3 * 24 * 60 * 60;

/// An uploaded file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Media {
    pub(crate) id: String,
    /// WeCom's type: `image`, `voice`, `video` or `file`.
    pub(crate) kind: String,
    pub(crate) filename: String,
    pub(crate) content_type: String,
    /// Seconds since 1970.
    pub(crate) created_at: i64,
}

/// All uploaded files.
pub(crate) struct Shelf {
    folder: PathBuf,
    all: HashMap<String, Media>,
}

impl Shelf {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, all: HashMap::new() }
    }

    pub(super) fn apply(&mut self, media: Media) {
        self.all.insert(media.id.clone(), media);
    }

    pub(super) fn snapshot(&self) -> impl Iterator<Item = &Media> {
        self.all.values()
    }

    /// Returns the files as they are when their ids are not good any more.
    pub(crate) fn forgotten(&self) -> Vec<Media> {
        self.all.values().map(|media| Media { created_at: i64::MIN / 2, ..media.clone() }).collect()
    }

    /// Finds a file that has not expired at `now`, in seconds since 1970.
    pub(crate) fn find(&self, media_id: &str, now: i64) -> Option<&Media> {
        self.all.get(media_id).filter(|media| now < media.created_at + LIFE_S)
    }

    /// Returns where the bytes of a known file lie.
    pub(crate) fn path(&self, media: &Media) -> PathBuf {
        self.folder.join(&media.id)
    }

    /// Returns the folder, made if missing.
    pub(crate) fn folder(&self) -> io::Result<&Path> {
        fs::create_dir_all(&self.folder)?;
        Ok(&self.folder)
    }
}
