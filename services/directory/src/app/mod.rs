//! What the service does, one use case a file.

mod note_departments;
mod note_member;
mod read_departments;
mod read_staff;

pub use read_staff::StaffFilter;

use scrm_db::Db;
use scrm_kernel::page::BadCursor;
use scrm_kernel::{Classify, ErrorKind, FieldError, StaffId};
use sea_orm::DbErr;

/// Why the service does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the request is wrong.
    #[error("{} of the request cannot be used", .0.field)]
    Invalid(FieldError),
    /// The cursor is none of this list's.
    #[error("cursor is not one that this list returned")]
    BadCursor(#[from] BadCursor),
    /// There is no such member, or the caller may not see them.
    #[error("there is no member {0}")]
    StaffNotFound(StaffId),
    /// The database failed.
    #[error("database failed")]
    Database(#[from] DbErr),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::BadCursor(_) => ErrorKind::Invalid,
            Self::StaffNotFound(_) => ErrorKind::NotFound,
            Self::Database(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_request",
            Self::BadCursor(_) => "bad_cursor",
            Self::StaffNotFound(_) => "staff_not_found",
            Self::Database(_) => "internal",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(field) => vec![field.clone()],
            Self::BadCursor(_) => vec![FieldError::new("cursor", "is not one that this list returned")],
            _ => Vec::new(),
        }
    }
}

/// The service, as its HTTP side and its consumers see it.
pub struct App {
    db: Db,
}

impl App {
    pub(crate) const fn new(db: Db) -> Self {
        Self { db }
    }
}
