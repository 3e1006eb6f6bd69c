//! What the service does, one use case a file.

mod keep_calendars;
mod note_departments;
mod note_member;
mod password;
mod read_departments;
mod read_me;
mod read_staff;
mod sessions;
mod set_up;
mod sign_in;

pub use password::Cost;
pub use read_staff::StaffFilter;
pub use sessions::{ACCESS_LIFE, Pass};
pub use set_up::FirstAdministrator;
pub use sign_in::{Origin, seconds};

use std::time::Duration;

use scrm_db::Db;
use scrm_http::Tokens;
use scrm_kernel::access::NotAllowed;
use scrm_kernel::page::BadCursor;
use scrm_kernel::{CalendarId, Classify, Clock, ErrorKind, FieldError, StaffId};
use sea_orm::DbErr;

use self::password::Hasher;

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
    /// Wrong password, unknown login, disabled account: nobody learns which.
    #[error("login or password is wrong")]
    SignInFailed,
    /// Too many tries failed.
    #[error("too many tries failed: the next one may come in {} s", seconds(*.0))]
    TooManyTries(Duration),
    /// There is no session to go on with.
    #[error("the session has ended")]
    SessionEnded,
    /// The token is none of a session.
    #[error("this token belongs to no session")]
    NoSession,
    /// The one-time code is another one.
    #[error("this is not the one-time code that the start printed")]
    WrongSetupCode,
    /// Every enterprise is set up, or the code is void.
    #[error("there is nothing to set up: start again for another code if there should be")]
    SetupClosed,
    /// Somebody has this login.
    #[error("this login is taken")]
    LoginTaken,
    /// A hash or a token could not be computed.
    #[error("cryptography failed: {0}")]
    Cryptography(String),
    /// The database failed.
    #[error("database failed")]
    Database(#[from] DbErr),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAllowed(_) | Self::WrongSetupCode => ErrorKind::Forbidden,
            Self::Invalid(_) | Self::InvalidFields(_) | Self::BadCursor(_) => ErrorKind::Invalid,
            Self::StaffNotFound(_) | Self::CalendarNotFound(_) | Self::SetupClosed => ErrorKind::NotFound,
            Self::CalendarChanged(_) | Self::DefaultCalendar | Self::NoSession | Self::LoginTaken => {
                ErrorKind::Conflict
            }
            Self::SignInFailed | Self::SessionEnded => ErrorKind::Unauthenticated,
            Self::TooManyTries(_) => ErrorKind::RateLimited,
            Self::Cryptography(_) | Self::Database(_) => ErrorKind::Internal,
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
            Self::SignInFailed => "sign_in_failed",
            Self::TooManyTries(_) => "too_many_attempts",
            Self::SessionEnded => "session_ended",
            Self::NoSession => "no_session",
            Self::WrongSetupCode => "wrong_setup_code",
            Self::SetupClosed => "setup_closed",
            Self::LoginTaken => "login_taken",
            Self::Cryptography(_) | Self::Database(_) => "internal",
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
    tokens: Tokens,
    hasher: Hasher,
}

impl App {
    pub(crate) fn new(db: Db, tokens: Tokens, cost: Cost) -> Self {
        Self { db, tokens, hasher: Hasher::new(cost) }
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.db.clock()
    }
}
