//! Who works here, and how that follows from what was read; no database, no HTTP.

pub mod account;
pub mod back_off;
pub mod calendar;
pub mod department;
pub mod roster;
pub mod session;
pub mod staff;
pub mod tenure;
