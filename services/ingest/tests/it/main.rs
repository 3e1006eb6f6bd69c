//! The service from outside: as WeCom calls it, as an administrator asks it, and by the events it publishes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod api;
mod authentic;
mod card;
mod connect;
mod hostile;
mod late;
mod lead_source;
mod look;
mod not_stored;
mod profile;
mod reconcile;
mod replay;
mod sender;
mod simulated;
mod slow;
mod submission;
mod suite;
mod support;
mod tokens;
