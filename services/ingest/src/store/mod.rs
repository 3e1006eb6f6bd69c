//! The service's rows. Nothing outside sees how they are kept.

pub(crate) mod address;
pub(crate) mod app;
pub(crate) mod authorization;
pub(crate) mod callback;
pub(crate) mod corp;
mod entity;
pub(crate) mod errand;
pub(crate) mod lead_source;
pub(crate) mod look;
pub(crate) mod member;
pub(crate) mod reconciliation;
pub(crate) mod relation;
pub(crate) mod submission;
pub(crate) mod suite;
pub(crate) mod token;

use sea_orm::DbErr;

/// The error of a row that says what this version cannot mean.
fn inconsistent(table: &str, column: &str, row: impl std::fmt::Display) -> DbErr {
    DbErr::Custom(format!("{table} {row}: column {column} holds no valid value"))
}
