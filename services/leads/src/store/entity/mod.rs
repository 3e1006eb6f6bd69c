//! The tables as sea-orm sees them.

pub(super) mod acknowledgement;
pub(super) mod card;
pub(super) mod card_click;
pub(super) mod card_minute;
pub(super) mod greeting;
pub(super) mod lead;
pub(super) mod person;
pub(super) mod relation;
pub(super) mod touch;
pub(super) mod welcome;
