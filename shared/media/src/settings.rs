//! The table `media` of `scrm.toml`; `media.default.toml` explains every key.

use std::path::{Path, PathBuf};

use scrm_config::ConfigError;
use secrecy::SecretString;
use serde::Deserialize;

/// The table `media`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    url: Option<String>,
    endpoint: Option<String>,
    region: String,
    access_key: Option<String>,
    secret_key: Option<SecretString>,
    virtual_hosts: bool,
}

/// Files cannot be kept where the configuration says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("configuration of media: {key}: {problem}")]
pub struct BadPlace {
    key: &'static str,
    problem: String,
}

impl BadPlace {
    pub(crate) const fn new(key: &'static str, problem: String) -> Self {
        Self { key, problem }
    }
}

/// The table of `scrm.toml`.
pub const TABLE: &str = "media";

/// Where files lie.
pub(crate) enum Place {
    Folder(PathBuf),
    S3(S3),
}

/// A bucket.
pub(crate) struct S3 {
    pub(crate) bucket: String,
    /// In the bucket; may be empty.
    pub(crate) folder: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: String,
    /// Without them, those of the machine are used.
    pub(crate) keys: Option<(String, SecretString)>,
    pub(crate) virtual_hosts: bool,
}

impl Settings {
    /// Loads the table: defaults, `file`, environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        scrm_config::load(TABLE, include_str!("../media.default.toml"), file)
    }

    /// Looks whether the place that is said can be one.
    pub fn check(&self) -> Result<(), BadPlace> {
        self.place().map(drop)
    }

    /// Returns the place that is said; none when none is.
    pub(crate) fn place(&self) -> Result<Option<Place>, BadPlace> {
        let bad = |key, problem: &str| BadPlace::new(key, problem.to_owned());
        let Some(url) = self.url.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        if let Some(folder) = url.strip_prefix("file://") {
            let is_absolute = folder.starts_with('/');
            let place = is_absolute.then(|| Place::Folder(PathBuf::from(folder)));
            return place.map(Some).ok_or_else(|| bad("url", "must be absolute, as in file:///srv/media"));
        }
        let Some(rest) = url.strip_prefix("s3://") else {
            return Err(bad("url", "must begin with file:// or s3://"));
        };
        let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(bad("url", "names no bucket, as in s3://bucket/folder"));
        }
        let keys = match (&self.access_key, &self.secret_key) {
            (Some(access_key), Some(secret_key)) => Some((access_key.clone(), secret_key.clone())),
            (None, None) => None,
            (Some(_), None) => return Err(bad("secret_key", "is missing, and access_key is there")),
            (None, Some(_)) => return Err(bad("access_key", "is missing, and secret_key is there")),
        };
        let is_web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if self.endpoint.as_deref().is_some_and(|endpoint| !is_web(endpoint)) {
            return Err(bad("endpoint", "must begin with https:// or http://"));
        }
        Ok(Some(Place::S3(S3 {
            bucket: bucket.to_owned(),
            folder: folder.trim_matches('/').to_owned(),
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            keys,
            virtual_hosts: self.virtual_hosts,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(settings: &Settings) -> String {
        settings.place().map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn what_names_no_place_is_refused_by_key() {
        let of = |url: &str| Settings { url: Some(url.to_owned()), ..Settings::default() };
        assert!(of("").place().unwrap().is_none());
        assert!(problem(&of("/srv/media")).contains("media: url: must begin"));
        assert!(problem(&of("file://srv/media")).contains("url: must be absolute"));
        assert!(problem(&of("s3:///folder")).contains("url: names no bucket"));
        let half = Settings { access_key: Some("a".to_owned()), ..of("s3://bucket") };
        assert!(problem(&half).contains("secret_key: is missing"));
        let endpoint = Settings { endpoint: Some("s3.internal".to_owned()), ..of("s3://bucket") };
        assert!(problem(&endpoint).contains("endpoint: must begin"));
    }

    #[test]
    fn a_bucket_may_have_a_folder_in_it() {
        let settings = Settings { url: Some("s3://bucket/a/b/".to_owned()), ..Settings::default() };
        let Some(Place::S3(s3)) = settings.place().unwrap() else { panic!("it is S3") };
        assert_eq!((s3.bucket.as_str(), s3.folder.as_str()), ("bucket", "a/b"));
    }

    #[test]
    fn the_defaults_are_a_valid_table_and_secrets_are_not_printed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[media]\nurl = \"s3://b\"\naccess_key = \"a\"\nsecret_key = \"hush\"")
            .unwrap();
        let settings = Settings::load(Some(file.path())).unwrap();
        assert_eq!(settings.region, "us-east-1");
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
