//! What ingest talks about; no database, no HTTP.

pub mod callback;
pub mod connection;
pub mod lead_source;
pub mod look;
pub mod reconciliation;
pub mod relation;
pub mod submission;
pub mod suite;
