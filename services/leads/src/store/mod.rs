//! The service's rows. Nothing outside sees how they are kept.

pub(crate) mod channel;
pub(crate) mod channel_day;
mod entity;
pub(crate) mod greeting;
pub(crate) mod lead;
pub(crate) mod person;
pub(crate) mod relation;
pub(crate) mod touch;
pub(crate) mod welcome;
