//! What the service does, one use case a file.

mod create_tag;
mod hear_channel;
mod hear_contact;
mod hear_reading;
mod hear_staff;
mod hear_tags;
mod make_tag;
mod mark_tags;
mod open_record;
mod read_customers;
mod read_tags;
mod set_tags;

pub use create_tag::{Created, Repeatable};
pub(crate) use hear_channel::Arrival;
pub(crate) use hear_contact::Added;
pub(crate) use make_tag::{MakeAnswer, ToMake};
pub(crate) use mark_tags::{MarkAnswer, ToMark};
pub use read_customers::{CustomerView, EntryView, RelationView, TagView};

use scrm_db::Db;
use scrm_kernel::access::NotAllowed;
use scrm_kernel::page::BadCursor;
use scrm_kernel::{Classify, CustomerId, ErrorKind, FieldError, TagWishId, WecomUserId};
use scrm_wecom::client::Client;
use sea_orm::DbErr;

pub use crate::store::search::{CustomerFilter, Presence};
pub use crate::store::tag::{Group, Tag};

/// Why the service does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A field of the request is wrong.
    #[error("{} of the request cannot be used", .0.field)]
    Invalid(FieldError),
    /// Some fields of the request are wrong.
    #[error("{} fields of the request cannot be used", .0.len())]
    InvalidFields(Vec<FieldError>),
    /// The cursor is none of this list's.
    #[error("cursor is not one that this list returned")]
    BadCursor(#[from] BadCursor),
    /// There is no such customer, or the caller may not see them.
    #[error("there is no customer {0}")]
    CustomerNotFound(CustomerId),
    /// The member never had this customer, or the caller may not see it.
    #[error("this customer is no contact of {0}")]
    RelationNotFound(WecomUserId),
    /// The member does not have this customer any more.
    #[error("this customer is no contact of {0} any more")]
    RelationEnded(WecomUserId),
    /// Somebody changed the tags since the caller read them.
    #[error("the tags have changed: they are version {0} now")]
    TagsChanged(i64),
    /// The group has a tag of that name.
    #[error("the group has a tag of this name")]
    TagExists,
    /// A tag of that name is being made.
    #[error("a tag of this name is being made: {0}")]
    TagUnderWay(TagWishId),
    /// No such tag was wanted.
    #[error("no tag was asked for as {0}")]
    TagNotFound(TagWishId),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The database failed.
    #[error("database failed")]
    Database(#[from] DbErr),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAllowed(_) => ErrorKind::Forbidden,
            Self::Invalid(_) | Self::InvalidFields(_) | Self::BadCursor(_) => ErrorKind::Invalid,
            Self::CustomerNotFound(_) | Self::RelationNotFound(_) | Self::TagNotFound(_) => {
                ErrorKind::NotFound
            }
            Self::RelationEnded(_)
            | Self::TagsChanged(_)
            | Self::TagExists
            | Self::TagUnderWay(_)
            | Self::KeyReused => ErrorKind::Conflict,
            Self::Database(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => NotAllowed::CODE,
            Self::Invalid(_) | Self::InvalidFields(_) => "invalid_request",
            Self::BadCursor(_) => "bad_cursor",
            Self::CustomerNotFound(_) => "customer_not_found",
            Self::RelationNotFound(_) => "relation_not_found",
            Self::RelationEnded(_) => "relation_ended",
            Self::TagsChanged(_) => "tags_changed",
            Self::TagExists => "tag_exists",
            Self::TagUnderWay(_) => "tag_under_way",
            Self::TagNotFound(_) => "tag_not_found",
            Self::KeyReused => "idempotency_key_reused",
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

/// The service, as its HTTP side and its consumers see it.
pub struct App {
    db: Db,
    wecom: Client,
}

impl App {
    pub(crate) const fn new(db: Db, wecom: Client) -> Self {
        Self { db, wecom }
    }
}
