//! What leads are, and what decides who owns them; no database, no HTTP.

pub mod attachment;
pub mod card;
pub mod card_words;
pub mod channel;
pub mod channel_draft;
pub mod channel_sync;
pub mod greeting;
pub mod lead;
pub mod media;
pub mod reason;
pub mod relation;
pub mod routing;
pub mod sending;
pub mod staff;
pub mod submission;
pub mod transfer;
mod typed;
pub mod welcome;
