//! The service's rows. Nothing outside sees how they are kept.
//!
//! Whoever changes staff or departments of a corp holds the corp's row of `roster` locked.

pub(crate) mod account;
pub(crate) mod calendar;
pub(crate) mod department;
mod entity;
pub(crate) mod roster;
pub(crate) mod session;
pub(crate) mod setup_code;
pub(crate) mod sign_in_failure;
pub(crate) mod staff;

use sea_orm::DbErr;
use sea_orm::entity::prelude::Json;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The error of a row that says what this version cannot mean.
fn inconsistent(table: &str, column: &str, row: impl std::fmt::Display) -> DbErr {
    DbErr::Custom(format!("{table} {row}: column {column} holds no valid value"))
}

fn json_of(values: &impl Serialize) -> Result<Json, DbErr> {
    serde_json::to_value(values).map_err(|error| DbErr::Json(error.to_string()))
}

fn of_json<T: DeserializeOwned>(json: Json) -> Result<T, DbErr> {
    serde_json::from_value(json).map_err(|error| DbErr::Json(error.to_string()))
}
