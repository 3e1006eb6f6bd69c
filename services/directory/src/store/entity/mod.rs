//! The tables as sea-orm sees them.

pub(super) mod account;
pub(super) mod account_role;
pub(super) mod calendar;
pub(super) mod department;
pub(super) mod member_gone;
pub(super) mod roster;
pub(super) mod session;
pub(super) mod setup_code;
pub(super) mod sign_in_failure;
pub(super) mod staff;
pub(super) mod staff_department;
pub(super) mod staff_tenure;
