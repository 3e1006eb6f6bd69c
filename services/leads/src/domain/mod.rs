//! What leads are, and what decides who owns them; no database, no HTTP.

pub mod greeting;
pub mod lead;
pub mod reason;
pub mod relation;
pub mod routing;
pub mod submission;
pub mod welcome;
