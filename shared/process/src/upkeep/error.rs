//! Why the upkeep of a service does not do what it was asked.

use actix_web::HttpResponse;
use scrm_kernel::access::NotAllowed;
use scrm_kernel::page::BadCursor;
use scrm_kernel::{Classify, ErrorKind, FieldError, Timestamp};
use scrm_mq::keeper::Refusal;
use sea_orm::DbErr;

/// Why nothing is done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A field of the request is wrong.
    #[error("{} of the request cannot be used", .0.field)]
    Invalid(FieldError),
    /// The cursor is none of this list's.
    #[error("cursor is not one that this list returned")]
    BadCursor(#[from] BadCursor),
    /// The caller may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The letter is not there, or not in a state for it.
    #[error(transparent)]
    Letter(#[from] Refusal),
    /// What was sent so long ago is forgotten.
    #[error("what was sent is kept for 7 days: since {} nothing may be missing", .0.to_rfc3339())]
    TooOld(Timestamp),
    /// Nothing was sent in the future.
    #[error("the moment is not in the past")]
    NotYet,
    /// The database failed.
    #[error("database failed")]
    Database(#[from] DbErr),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::BadCursor(_) | Self::TooOld(_) | Self::NotYet => ErrorKind::Invalid,
            Self::NotAllowed(_) => ErrorKind::Forbidden,
            Self::Letter(Refusal::NotFound(_)) => ErrorKind::NotFound,
            Self::Letter(Refusal::Decided(_) | Refusal::Unreadable) => ErrorKind::Conflict,
            Self::Letter(Refusal::Database(_)) | Self::Database(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_request",
            Self::BadCursor(_) => "bad_cursor",
            Self::NotAllowed(_) => NotAllowed::CODE,
            Self::Letter(Refusal::NotFound(_)) => "dead_letter_not_found",
            Self::Letter(Refusal::Decided(_)) => "dead_letter_decided",
            Self::Letter(Refusal::Unreadable) => "dead_letter_unreadable",
            Self::TooOld(_) => "since_too_old",
            Self::NotYet => "since_not_past",
            Self::Letter(Refusal::Database(_)) | Self::Database(_) => "internal",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(field) => vec![field.clone()],
            Self::BadCursor(_) => vec![FieldError::new("cursor", "is not one that this list returned")],
            Self::TooOld(oldest) => {
                vec![FieldError::new("since", format!("must not be before {}", oldest.to_rfc3339()))]
            }
            Self::NotYet => vec![FieldError::new("since", "must be in the past")],
            _ => Vec::new(),
        }
    }
}

impl actix_web::ResponseError for Error {
    fn error_response(&self) -> HttpResponse {
        scrm_http::respond(self)
    }
}
