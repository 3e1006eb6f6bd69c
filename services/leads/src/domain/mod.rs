//! What leads are, and what decides who owns them; no database, no HTTP.

pub mod lead;
pub mod reason;
pub mod routing;
pub mod submission;
