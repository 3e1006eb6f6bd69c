//! What ingest does, one use case a file.

mod check_up;
mod connect_app;
mod give_tokens;
mod hooks;
mod list_callbacks;
mod put_lead_source;
mod put_suite;
mod reader;
mod reading;
mod receive_callback;
mod receive_submission;
mod reconcile;
mod reconciliations;
mod replay_callback;
mod run_errand;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use scrm_db::{Batcher, Db, Flood, NotStored};
use scrm_kernel::access::NotAllowed;
use scrm_kernel::page::BadCursor;
use scrm_kernel::{
    Classify, Clock, CorpId, ErrorKind, FieldError, KeyRing, ReconciliationId, Timestamp, WecomCorpId,
};
use sea_orm::DbErr;

pub use check_up::{AppOnTrial, Challenge, SuiteOnTrial, apps_on_trial, suites_on_trial};
pub use connect_app::Connection;
pub use put_lead_source::SourceForm;
pub use put_suite::SuiteForm;
pub(crate) use reader::Reader;
pub use receive_callback::{RawCallback, Refusal};
pub use receive_submission::RawSubmission;
pub(crate) use reconcile::Reconciler;

use crate::config::Config;
use crate::domain::connection::{AppName, Corp};
use crate::domain::lead_source::SourceName;
use crate::store;
use hooks::Hooks;
use receive_callback::Receiver;

/// Callbacks, or submissions, that share one flush.
const GROUP: usize = 256;

/// Why ingest does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
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
    /// Something else has that callback address: an app or a suite, of this enterprise or another one.
    #[error("the name {0} is taken")]
    NameTaken(AppName),
    /// Somebody changed it meanwhile; or it is not there, in no version.
    #[error("it is in version {0} by now")]
    Changed(i64),
    /// The enterprise has no such app with a callback address of its own.
    #[error("there is no app {0} with a callback address of its own")]
    AppNotFound(String),
    /// The enterprise has no such suite.
    #[error("there is no suite {0}")]
    SuiteNotFound(String),
    /// Another enterprise has a lead source of that name.
    #[error("the name {0} is taken")]
    SourceNameTaken(SourceName),
    /// Nothing proves that a lead source sent it just now; the sender learns no more.
    #[error("no lead source signed this request within the last minutes")]
    NotSigned,
    /// The sender used an id again for something else.
    #[error("another submission with this id is stored, and its body is a different one")]
    SubmissionChanged,
    /// It is authentic and could not be stored: the sender shall send it again.
    #[error("the submission is not stored: send it again")]
    NotStored(#[from] NotStored),
    /// Nobody can be told from a stranger at the moment.
    #[error("the lead sources cannot be read: send it again")]
    SourcesUnreadable(#[source] DbErr),
    /// The enterprise has no app in WeCom.
    #[error("this enterprise is not connected to WeCom yet")]
    NotConnected,
    /// There is no such comparison.
    #[error("there is no comparison {0}")]
    ReconciliationNotFound(ReconciliationId),
    /// Nothing waits for a confirmation.
    #[error("comparison {0} is not the newest one, or did not end with an alarm")]
    NothingToConfirm(ReconciliationId),
    /// There is no such callback.
    #[error("there is no callback {0}")]
    CallbackNotFound(i64),
    /// The callback is processed in a moment anyway.
    #[error("the callback waits to be processed already")]
    CallbackWaiting,
    /// The callback's body is deleted.
    #[error("the body of the callback is deleted: it is kept for 30 days")]
    CallbackForgotten,
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
            Self::NotAllowed(_) => ErrorKind::Forbidden,
            Self::Invalid(_) | Self::BadCursor(_) => ErrorKind::Invalid,
            Self::CorpNotFound
            | Self::AppNotFound(_)
            | Self::SuiteNotFound(_)
            | Self::ReconciliationNotFound(_)
            | Self::CallbackNotFound(_) => ErrorKind::NotFound,
            Self::ConnectedElsewhere(_)
            | Self::WecomCorpTaken(_)
            | Self::NameTaken(_)
            | Self::Changed(_)
            | Self::SourceNameTaken(_)
            | Self::NotConnected
            | Self::NothingToConfirm(_)
            | Self::CallbackWaiting
            | Self::CallbackForgotten
            | Self::SubmissionChanged => ErrorKind::Conflict,
            Self::NotSigned => ErrorKind::Unauthenticated,
            Self::NotStored(_) | Self::SourcesUnreadable(_) => ErrorKind::Unavailable,
            Self::Database(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => NotAllowed::CODE,
            Self::Invalid(_) => "invalid_request",
            Self::BadCursor(_) => "bad_cursor",
            Self::CorpNotFound => "corp_not_found",
            Self::ConnectedElsewhere(_) => "connected_elsewhere",
            Self::WecomCorpTaken(_) => "wecom_corp_taken",
            Self::NameTaken(_) => "name_taken",
            Self::Changed(_) => "changed",
            Self::AppNotFound(_) => "app_not_found",
            Self::SuiteNotFound(_) => "suite_not_found",
            Self::SourceNameTaken(_) => "source_name_taken",
            Self::NotSigned => "not_signed",
            Self::SubmissionChanged => "submission_changed",
            Self::NotStored(_) | Self::SourcesUnreadable(_) => "not_stored",
            Self::NotConnected => "not_connected",
            Self::ReconciliationNotFound(_) => "reconciliation_not_found",
            Self::NothingToConfirm(_) => "nothing_to_confirm",
            Self::CallbackNotFound(_) => "callback_not_found",
            Self::CallbackWaiting => "callback_waiting",
            Self::CallbackForgotten => "callback_forgotten",
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
    submissions: Batcher<store::submission::Door>,
    hooks: Hooks,
    /// Opened credentials by callback address. Rows are the truth: a change here empties it, and a bad signature asks the rows again.
    receivers: RwLock<HashMap<AppName, Arc<Receiver>>>,
    /// When the rows were last asked again, by address.
    read_again: Mutex<HashMap<AppName, Timestamp>>,
}

impl App {
    /// What arrives is counted by `flood`.
    pub(crate) fn new(
        db: Db,
        keys: KeyRing,
        config: Config,
        wecom: reqwest::Client,
        flood: &Arc<Flood>,
        unkeyed: Arc<store::callback::Unkeyed>,
    ) -> Self {
        let door = store::callback::Door::new(db.clone(), unkeyed);
        let door = Batcher::start_counting(db.clone(), door, GROUP, Arc::clone(flood));
        let submissions = store::submission::Door { db: db.clone() };
        let submissions = Batcher::start_counting(db.clone(), submissions, GROUP, Arc::clone(flood));
        Self {
            clock: db.clock().clone(),
            db,
            keys,
            config,
            door,
            wecom,
            submissions,
            hooks: Hooks::new(),
            receivers: RwLock::default(),
            read_again: Mutex::default(),
        }
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

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Returns the present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the version of a declaration that follows what is there; an error if it was made from another one.
    fn next_version(made_from: Option<i64>, there: Option<i64>) -> Result<i64, Error> {
        let there = there.unwrap_or_default();
        if made_from.is_some_and(|version| version != there) {
            Err(Error::Changed(there))
        } else {
            Ok(there + 1)
        }
    }

    fn forget_receivers(&self) {
        self.receivers.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
