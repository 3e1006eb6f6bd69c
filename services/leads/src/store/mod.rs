//! The service's rows. Nothing outside sees how they are kept.

pub(crate) mod acknowledgement;
pub(crate) mod card;
pub(crate) mod card_minute;
mod entity;
pub(crate) mod greeting;
pub(crate) mod lead;
pub(crate) mod person;
pub(crate) mod relation;
pub(crate) mod touch;
pub(crate) mod welcome;
