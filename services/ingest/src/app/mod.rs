//! What ingest does, one use case a file.

mod connect_app;
mod give_tokens;
mod list_callbacks;
mod receive_callback;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use scrm_db::{Batcher, Db};
use scrm_kernel::page::BadCursor;
use scrm_kernel::{Classify, Clock, CorpId, ErrorKind, FieldError, KeyRing, Timestamp, WecomCorpId};
use sea_orm::DbErr;

pub use connect_app::Connection;
pub use receive_callback::{RawCallback, Refusal};

use crate::config::Config;
use crate::domain::connection::{AppName, Corp};
use crate::store;
use receive_callback::Receiver;

/// Callbacks that share one flush.
const GROUP: usize = 256;

/// Why ingest does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request are wrong.
    #[error("{} of the request cannot be used", fields_text(.0))]
    Invalid(Vec<FieldError>),
    /// The cursor is none of this list's.
    #[error("cursor is not one that this list returned")]
    BadCursor(#[from] BadCursor),
    /// The token names an enterprise that is not here.
    #[error("this installation has no such enterprise")]
    CorpNotFound,
    /// The enterprise is connected to another corp of WeCom.
    #[error("this enterprise is connected to the corp {0} of WeCom")]
    ConnectedElsewhere(WecomCorpId),
    /// Another enterprise of this installation has that corp of WeCom.
    #[error("the corp {0} of WeCom is connected to another enterprise here")]
    WecomCorpTaken(WecomCorpId),
    /// Another enterprise has an app of that name.
    #[error("the name {0} is taken")]
    AppNameTaken(AppName),
    /// The database failed.
    #[error("database failed")]
    Database(#[from] DbErr),
}

fn fields_text(fields: &[FieldError]) -> String {
    fields.iter().map(|field| field.field.as_str()).collect::<Vec<_>>().join(", ")
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::BadCursor(_) => ErrorKind::Invalid,
            Self::CorpNotFound => ErrorKind::NotFound,
            Self::ConnectedElsewhere(_) | Self::WecomCorpTaken(_) | Self::AppNameTaken(_) => {
                ErrorKind::Conflict
            }
            Self::Database(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_request",
            Self::BadCursor(_) => "bad_cursor",
            Self::CorpNotFound => "corp_not_found",
            Self::ConnectedElsewhere(_) => "connected_elsewhere",
            Self::WecomCorpTaken(_) => "wecom_corp_taken",
            Self::AppNameTaken(_) => "app_name_taken",
            Self::Database(_) => "internal",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::BadCursor(_) => vec![FieldError::new("cursor", "is not one that this list returned")],
            _ => Vec::new(),
        }
    }
}

/// The service, as its HTTP side and its jobs see it.
pub struct App {
    db: Db,
    keys: KeyRing,
    clock: Clock,
    config: Config,
    door: Batcher<store::callback::Door>,
    /// Calls WeCom for tokens.
    wecom: reqwest::Client,
    /// Opened credentials by app. Rows are the truth: a change here empties it, and a bad signature asks the rows again.
    receivers: RwLock<HashMap<AppName, Arc<Receiver>>>,
    /// When the rows were last asked again, by app.
    read_again: Mutex<HashMap<AppName, Timestamp>>,
}

impl App {
    pub(crate) fn new(db: Db, keys: KeyRing, config: Config, wecom: reqwest::Client) -> Self {
        let door = Batcher::start(db.clone(), store::callback::Door { db: db.clone() }, GROUP);
        let clock = db.clock().clone();
        let (receivers, read_again) = (RwLock::default(), Mutex::default());
        Self { db, keys, clock, config, door, wecom, receivers, read_again }
    }

    /// Makes the first enterprise when there is none, so that tokens have one to name before it is connected.
    pub(crate) async fn ensure_first_corp(&self) -> Result<(), DbErr> {
        let txn = self.db.begin().await?;
        if store::corp::all(&txn).await?.is_empty() {
            let now = txn.now();
            store::corp::insert(&txn, CorpId::mint(now), now).await?;
        }
        txn.commit().await
    }

    /// Returns the enterprises of this installation, the first one first.
    pub async fn corps(&self) -> Result<Vec<Corp>, Error> {
        Ok(store::corp::all(self.db.reader()).await?)
    }

    /// Returns the present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn forget_receivers(&self) {
        self.receivers.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
