//! What can go wrong in the sandbox itself. What the product answers is no error here, it is recorded.

use std::path::PathBuf;

/// Why the sandbox cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process works in the folder; both would hand out the same customers.
    #[error("{} is used by another sandbox", .0.display())]
    InUse(PathBuf),
    /// The state file was changed by hand, or is none.
    #[error("{} does not hold a sandbox's state", path.display())]
    Unreadable {
        /// The state file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Token or key in the state file cannot be used.
    #[error("the stored token or encoding_aes_key of app {0} is not one")]
    BadCredentials(String),
    /// There is no such app.
    #[error("there is no app {0}")]
    UnknownApp(String),
    /// The callback URL of an app cannot be one.
    #[error("{0} is not an http or https URL")]
    BadUrl(String),
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The process ends.
    #[error("the process ends")]
    Stopped,
}

/// What most functions here return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
