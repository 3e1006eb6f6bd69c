//! What leads are, and what decides who owns them; no database, no HTTP.

pub mod lead;
