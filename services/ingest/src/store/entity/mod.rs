//! The tables as sea-orm sees them.

pub(super) mod access_token;
pub(super) mod address;
pub(super) mod app;
pub(super) mod authorization;
pub(super) mod callback;
pub(super) mod corp;
pub(super) mod errand;
pub(super) mod lead_source;
pub(super) mod look;
pub(super) mod member;
pub(super) mod reconciliation;
pub(super) mod relation;
pub(super) mod submission;
pub(super) mod suite;
