//! Copies of files at WeCom, made when a greeting uses a file, and anew before WeCom forgets them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use scrm_kernel::{CorpId, MediaId, Timestamp, crash};
use scrm_media::MediaError;
use scrm_wecom::client::{CallError, Class, MediaKind};
use sea_orm::DbErr;

use super::App;
use crate::domain::media::{Copy, Kind};
use crate::store;
use crate::store::media_copy::Key;

/// How long whoever uploads a file has for it; one upload ends after a minute.
const LEASE: Duration = Duration::from_secs(90);
/// When an upload that failed in passing is tried again.
const SOON: Duration = Duration::from_mins(1);
/// When one is tried again that a person must help first: the app is not connected, or may not.
const HELPED: Duration = Duration::from_mins(10);
/// When one is tried again that WeCom refuses, or whose file is gone.
const LATER: Duration = Duration::from_hours(1);
/// Uploads at a time; each holds its file in memory.
const AT_ONCE: usize = 2;
/// Copies in one run.
const MOST: u64 = 500;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
enum UploadError {
    #[error("the file is gone")]
    NoFile,
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Wecom(#[from] CallError),
    #[error("the database failed")]
    Database(#[from] DbErr),
}

impl UploadError {
    const fn again_in(&self) -> Duration {
        match self {
            Self::NoFile | Self::Media(MediaError::NotFound) => LATER,
            Self::Wecom(error) => match error.class() {
                Class::Stop => LATER,
                Class::Operator => HELPED,
                Class::Retry | Class::RefreshToken | Class::Wait | Class::Unclear => SOON,
            },
            Self::Media(_) | Self::Database(_) => SOON,
        }
    }
}

impl App {
    /// Lets copies be made at once that a process before this one left behind, where there is one process.
    pub(crate) async fn take_back_copies(&self) -> Result<(), DbErr> {
        if self.db.is_sqlite() { store::media_copy::take_back(self.db.writer()).await } else { Ok(()) }
    }

    /// Makes the copies that greetings need: those that are missing, and those that are soon too old.
    pub(crate) async fn renew_copies(&self) -> Result<(), DbErr> {
        self.want_copies().await?;
        let now = self.db.clock().now();
        let due = store::media_copy::due(self.db.reader(), now, Copy::renewed_before(now), MOST).await?;
        let uploads = futures::stream::iter(due).map(|key| self.renew_copy(key));
        let outcomes: Vec<_> = uploads.buffer_unordered(AT_ONCE).collect().await;
        outcomes.into_iter().collect()
    }

    /// Notes for every file that a greeting uses the apps that will send it: those that have sent files before, or the
    /// first one of the enterprise.
    async fn want_copies(&self) -> Result<(), DbErr> {
        let mut by_corp: BTreeMap<CorpId, Vec<(MediaId, Vec<String>)>> = BTreeMap::new();
        for (corp, media, apps) in store::media_copy::used(self.db.reader()).await? {
            by_corp.entry(corp).or_default().push((media, apps));
        }
        for (corp, files) in by_corp {
            let mut apps: BTreeSet<String> = files.iter().flat_map(|(_, apps)| apps.clone()).collect();
            if apps.is_empty() {
                match self.wecom.of(corp, None).app().await {
                    Ok(app) => apps.insert(app),
                    Err(error) => {
                        tracing::debug!(corp.id = %corp, error = %error, "No app to upload files with yet");
                        continue;
                    }
                };
            }
            let missing = files.iter().flat_map(|(media, have)| {
                let missing = apps.iter().filter(|app| !have.contains(app));
                missing.map(|app| Key { corp, media: *media, app: app.clone() })
            });
            store::media_copy::want(self.db.writer(), missing.collect()).await?;
        }
        Ok(())
    }

    /// Makes one copy, unless somebody else does.
    async fn renew_copy(&self, key: Key) -> Result<(), DbErr> {
        let (id, app, now) = (key.media, key.app.as_str(), self.db.clock().now());
        let (writer, until) = (self.db.writer(), now + LEASE);
        if !store::media_copy::claim(writer, &key, now, Copy::renewed_before(now), until).await? {
            return Ok(());
        }
        let uploaded = self.upload(&key).await;
        crash::point("copy.uploaded");
        match uploaded {
            Ok((wecom_id, since)) => {
                tracing::info!(media.id = %id, wecom.app = app, "Uploaded file {id} to WeCom");
                store::media_copy::uploaded(writer, &key, until, &wecom_id, since.min(now)).await
            }
            Err(error) => {
                tracing::warn!(media.id = %id, wecom.app = app, error = %error, "Cannot upload file {id} to WeCom");
                let again_at = self.db.clock().now() + error.again_in();
                store::media_copy::failed(writer, &key, until, &error.to_string(), again_at).await
            }
        }
    }

    /// Uploads a file; returns what WeCom calls it, and since when WeCom has it.
    async fn upload(&self, key: &Key) -> Result<(String, Timestamp), UploadError> {
        let media = store::media::find(self.db.reader(), key.corp, key.media).await?;
        let media = media.ok_or(UploadError::NoFile)?;
        let content = self.media.get(key.corp, &key.media.to_string()).await?;
        let kind = match media.kind {
            Kind::Image => MediaKind::Image,
            Kind::Video => MediaKind::Video,
            Kind::File => MediaKind::File,
        };
        let begun = self.db.clock().now();
        let speaker = self.wecom.of(key.corp, Some(&key.app));
        let uploaded = speaker.upload_media(kind, &media.name, content).await?;
        Ok((uploaded.media_id, uploaded.created_at.unwrap_or(begun)))
    }
}
