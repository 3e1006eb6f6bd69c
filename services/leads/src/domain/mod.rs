//! What leads are, and what decides who owns them; no database, no HTTP.

pub mod card;
pub mod card_words;
pub mod greeting;
pub mod lead;
pub mod relation;
pub mod sending;
pub mod welcome;
