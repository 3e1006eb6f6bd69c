//! What the service does, one use case a file.

mod keep_calendars;
mod note_departments;
mod note_member;
mod read_departments;
mod read_staff;

pub use read_staff::StaffFilter;

use scrm_db::Db;
use scrm_kernel::access::NotAllowed;
use scrm_kernel::page::BadCursor;
use scrm_kernel::{CalendarId, Classify, Clock, ErrorKind, FieldError, StaffId};
use sea_orm::DbErr;

/// Why the service does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A field of the request is wrong.
    #[error("{} of the request cannot be used", .0.field)]
    Invalid(FieldError),
    /// The cursor is none of this list's.
    #[error("cursor is not one that this list returned")]
    BadCursor(#[from] BadCursor),
    /// There is no such member, or the caller may not see them.
    #[error("there is no member {0}")]
    StaffNotFound(StaffId),
    /// Fields of the request are wrong.
    #[error("{} of the request cannot be used", names(.0))]
    InvalidFields(Vec<FieldError>),
    /// There is no such calendar.
    #[error("there is no calendar {0}")]
    CalendarNotFound(CalendarId),
    /// Somebody changed the calendar since the caller read it.
    #[error("the calendar has changed: it is version {0} now")]
    CalendarChanged(i64),
    /// One calendar has to count where nothing else is said.
    #[error("this is the default calendar: prefer another one first")]
    DefaultCalendar,
    /// The database failed.
    #[error("database failed")]
    Database(#[from] DbErr),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAllowed(_) => ErrorKind::Forbidden,
            Self::Invalid(_) | Self::InvalidFields(_) | Self::BadCursor(_) => ErrorKind::Invalid,
            Self::StaffNotFound(_) | Self::CalendarNotFound(_) => ErrorKind::NotFound,
            Self::CalendarChanged(_) | Self::DefaultCalendar => ErrorKind::Conflict,
            Self::Database(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => NotAllowed::CODE,
            Self::Invalid(_) | Self::InvalidFields(_) => "invalid_request",
            Self::BadCursor(_) => "bad_cursor",
            Self::StaffNotFound(_) => "staff_not_found",
            Self::CalendarNotFound(_) => "calendar_not_found",
            Self::CalendarChanged(_) => "calendar_changed",
            Self::DefaultCalendar => "default_calendar",
            Self::Database(_) => "internal",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(field) => vec![field.clone()],
            Self::InvalidFields(fields) => fields.clone(),
            Self::BadCursor(_) => vec![FieldError::new("cursor", "is not one that this list returned")],
            _ => Vec::new(),
        }
    }
}

fn names(fields: &[FieldError]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
    names.join(", ")
}

/// The service, as its HTTP side and its consumers see it.
pub struct App {
    db: Db,
}

impl App {
    pub(crate) const fn new(db: Db) -> Self {
        Self { db }
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.db.clock()
    }
}
