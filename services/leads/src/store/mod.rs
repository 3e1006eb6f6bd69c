//! The service's rows. Nothing outside sees how they are kept.

mod entity;
pub(crate) mod lead;
pub(crate) mod touch;
