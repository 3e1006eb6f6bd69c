//! What went wrong, told without a transport. Only `scrm-http` turns this into status codes.

use serde::Serialize;

/// The few kinds of failure a caller can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request can never succeed as it is.
    Invalid,
    /// Nobody proved who is asking.
    Unauthenticated,
    /// Whoever asks may not do this.
    Forbidden,
    /// There is no such thing, or it belongs to another corp.
    NotFound,
    /// The thing is not in a state that allows this.
    Conflict,
    /// Too much at once; later it may work.
    RateLimited,
    /// Something needed is down; later it may work.
    Unavailable,
    /// A defect or a broken installation. The client learns nothing more.
    Internal,
}

/// One field of a request that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path of the field, as in the request: `staff[2].weight`.
    pub field: String,
    /// What is wrong with it, as a predicate: "must be between 1 and 100".
    pub message: String,
}

impl FieldError {
    /// Makes the error of one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Implemented by every service's error by exhaustive match.
pub trait Classify: std::error::Error {
    /// Returns what sort of failure this is.
    fn kind(&self) -> ErrorKind;

    /// Returns the stable `snake_case` code that clients may rely on.
    fn code(&self) -> &'static str;

    /// Returns the fields at fault, when the request's fields are at fault.
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }
}
