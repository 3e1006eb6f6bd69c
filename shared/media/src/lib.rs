#![doc = include_str!("../README.md")]

mod settings;

use std::fmt;
use std::path::Path as Folder;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt as _, RetryConfig};
use scrm_kernel::CorpId;
use secrecy::ExposeSecret as _;

pub use self::settings::{BadPlace, Settings, TABLE};
use self::settings::{Place, S3};

/// How long one request to S3 may take; a file has up to 20 MB.
const EXCHANGE: Duration = Duration::from_secs(30);
/// How long a connection to it may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How often a request to it is repeated, and for how long at most.
const REPEATS: usize = 3;
const REPEATING: Duration = Duration::from_secs(20);

/// Why a file is not kept, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The configuration says no place.
    #[error("the configuration says no place for files: table media, key url")]
    NoPlace,
    /// There is no such file.
    #[error("there is no such file in the store of media")]
    NotFound,
    /// The store failed.
    #[error("the store of media failed")]
    Store(#[source] object_store::Error),
}

impl From<object_store::Error> for MediaError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

/// The files of all enterprises of one service; cheap to clone.
#[derive(Clone)]
pub struct MediaStore(Option<Arc<dyn ObjectStore>>);

impl fmt::Debug for MediaStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MediaStore").field(&self.0.is_some()).finish()
    }
}

impl MediaStore {
    /// Opens what is configured; `fallback` is the folder when nothing is, which is made if missing.
    pub fn open(settings: &Settings, fallback: Option<&Folder>) -> Result<Self, BadPlace> {
        Ok(match (settings.place()?, fallback) {
            (Some(Place::Folder(folder)), _) => Self::folder(&folder)?,
            (Some(Place::S3(s3)), _) => Self::s3(s3)?,
            (None, Some(folder)) => Self::folder(folder)?,
            (None, None) => Self(None),
        })
    }

    /// Keeps files in a folder, which is made if missing.
    pub fn folder(folder: &Folder) -> Result<Self, BadPlace> {
        let unusable =
            |source: std::io::Error| BadPlace::new("url", format!("{}: {source}", folder.display()));
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| BadPlace::new("url", error.to_string()))?
            .with_automatic_cleanup(true)
            .with_fsync(true);
        Ok(Self(Some(Arc::new(store))))
    }

    fn s3(s3: S3) -> Result<Self, BadPlace> {
        let client = ClientOptions::new()
            .with_http1_only()
            .with_allow_http(true)
            .with_connect_timeout(CONNECT)
            .with_timeout(EXCHANGE);
        let retry = RetryConfig { max_retries: REPEATS, retry_timeout: REPEATING, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(s3.bucket)
            .with_region(s3.region)
            .with_virtual_hosted_style_request(s3.virtual_hosts)
            .with_client_options(client)
            .with_retry(retry)
            .with_disable_bulk_delete(true); // not every store that speaks S3 knows it
        if let Some(endpoint) = s3.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some((access_key, secret_key)) = s3.keys {
            builder =
                builder.with_access_key_id(access_key).with_secret_access_key(secret_key.expose_secret());
        }
        let store = builder.build().map_err(|error| BadPlace::new("url", error.to_string()))?;
        let folder = Path::parse(&s3.folder).map_err(|error| BadPlace::new("url", error.to_string()))?;
        Ok(Self(Some(Arc::new(PrefixStore::new(store, folder)))))
    }

    /// Returns the store's part for one service.
    #[must_use]
    pub fn of_service(self, service: &str) -> Self {
        Self(self.0.map(|store| Arc::new(PrefixStore::new(store, service)) as Arc<dyn ObjectStore>))
    }

    /// Keeps a file of an enterprise under a name of our own making, such as an id. When it returns, the file is safe.
    pub async fn put(&self, corp: CorpId, name: &str, content: Bytes) -> Result<(), MediaError> {
        self.store()?.put(&path(corp, name), content.into()).await?;
        Ok(())
    }

    /// Reads a file.
    pub async fn get(&self, corp: CorpId, name: &str) -> Result<Bytes, MediaError> {
        Ok(self.store()?.get(&path(corp, name)).await?.bytes().await?)
    }

    /// Removes a file; one that is not there is removed already.
    pub async fn remove(&self, corp: CorpId, name: &str) -> Result<(), MediaError> {
        match self.store()?.delete(&path(corp, name)).await.map_err(MediaError::from) {
            Err(MediaError::NotFound) => Ok(()),
            outcome => outcome,
        }
    }

    fn store(&self) -> Result<&Arc<dyn ObjectStore>, MediaError> {
        self.0.as_ref().ok_or(MediaError::NoPlace)
    }
}

fn path(corp: CorpId, name: &str) -> Path {
    Path::from_iter([corp.to_string().as_str(), name])
}
