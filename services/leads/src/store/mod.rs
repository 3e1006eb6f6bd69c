//! The service's rows. Nothing outside sees how they are kept.
//!
//! Locks are taken in one order: a person's marks, the routing group, the days of its members, the lead, its transfer.
//! Files are locked by id, before the greeting that uses them.

pub(crate) mod acknowledgement;
pub(crate) mod card;
pub(crate) mod card_minute;
pub(crate) mod channel;
pub(crate) mod channel_day;
mod entity;
pub(crate) mod greeting;
pub(crate) mod lead;
pub(crate) mod mark;
pub(crate) mod media;
pub(crate) mod media_copy;
pub(crate) mod person;
pub(crate) mod pool;
pub(crate) mod relation;
pub(crate) mod routing;
pub(crate) mod staff;
pub(crate) mod staff_day;
pub(crate) mod submission;
pub(crate) mod touch;
pub(crate) mod transfer;
pub(crate) mod welcome;

use sea_orm::DbErr;

/// The error of a row that says what this version cannot mean.
fn inconsistent(table: &str, column: &str, row: impl std::fmt::Display) -> DbErr {
    DbErr::Custom(format!("{table} {row}: column {column} holds no valid value"))
}
