//! The tables as sea-orm sees them.

pub(super) mod lead;
pub(super) mod touch;
