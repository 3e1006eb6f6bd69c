//! The tables as sea-orm sees them.

pub(super) mod calendar;
pub(super) mod department;
pub(super) mod member_gone;
pub(super) mod roster;
pub(super) mod staff;
pub(super) mod staff_department;
pub(super) mod staff_tenure;
