//! The tables as sea-orm sees them.

pub(super) mod access_token;
pub(super) mod app;
pub(super) mod callback;
pub(super) mod corp;
pub(super) mod lead_source;
pub(super) mod look;
pub(super) mod member;
pub(super) mod reconciliation;
pub(super) mod relation;
pub(super) mod submission;
