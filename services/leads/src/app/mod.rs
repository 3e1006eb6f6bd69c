//! What the service does, one use case a file.

mod answer_card;
mod capture_contact;
mod gather_cards;
mod greet_contact;
mod read_cards;
mod read_leads;
mod tell_owner;
mod word_greeting;

pub(crate) use answer_card::{Click, ToChange};
pub(crate) use gather_cards::ToGather;
pub(crate) use greet_contact::ToGreet;
pub use read_cards::CardView;
pub use read_leads::LeadView;
pub(crate) use tell_owner::ToTell;

use scrm_db::Db;
use scrm_kernel::page::BadCursor;
use scrm_kernel::{Classify, ErrorKind, FieldError, KeyRing, LeadId};
use scrm_wecom::client::Client;
use sea_orm::DbErr;

/// Why the service does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the request is wrong.
    #[error("{} of the request cannot be used", .0.field)]
    Invalid(FieldError),
    /// Some fields of the request are wrong.
    #[error("{} fields of the request cannot be used", .0.len())]
    InvalidFields(Vec<FieldError>),
    /// The cursor is none of this list's.
    #[error("cursor is not one that this list returned")]
    BadCursor(#[from] BadCursor),
    /// There is no such lead, or the caller may not see it.
    #[error("there is no lead {0}")]
    LeadNotFound(LeadId),
    /// The channel has no words of its own.
    #[error("there are no words for this channel")]
    GreetingNotFound,
    /// The database failed.
    #[error("database failed")]
    Database(#[from] DbErr),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::InvalidFields(_) | Self::BadCursor(_) => ErrorKind::Invalid,
            Self::LeadNotFound(_) | Self::GreetingNotFound => ErrorKind::NotFound,
            Self::Database(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::InvalidFields(_) => "invalid_request",
            Self::BadCursor(_) => "bad_cursor",
            Self::LeadNotFound(_) => "lead_not_found",
            Self::GreetingNotFound => "greeting_not_found",
            Self::Database(_) => "internal",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(field) => vec![field.clone()],
            Self::InvalidFields(fields) => fields.clone(),
            Self::BadCursor(_) => vec![FieldError::new("cursor", "is not one that this list returned")],
            Self::LeadNotFound(_) | Self::GreetingNotFound | Self::Database(_) => Vec::new(),
        }
    }
}

/// The service, as its HTTP side and its consumers see it.
pub struct App {
    db: Db,
    keys: KeyRing,
    wecom: Client,
}

impl App {
    pub(crate) const fn new(db: Db, keys: KeyRing, wecom: Client) -> Self {
        Self { db, keys, wecom }
    }
}
