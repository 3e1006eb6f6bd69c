//! The service's rows. Nothing outside sees how they are kept.
//!
//! A customer's row is locked before anything that belongs to the customer; the library of tags stands alone.

pub(crate) mod customer;
mod entity;
pub(crate) mod mark;
pub(crate) mod relation;
pub(crate) mod search;
pub(crate) mod staff;
pub(crate) mod tag;
pub(crate) mod tag_wish;
pub(crate) mod timeline;

use scrm_kernel::Timestamp;
use sea_orm::DbErr;

use crate::domain::standing::Fact;

/// The error of a row that says what this version cannot mean.
fn inconsistent(table: &str, column: &str, row: impl std::fmt::Display) -> DbErr {
    DbErr::Custom(format!("{table} {row}: column {column} holds no valid value"))
}

/// Rows that are written by one statement at most.
const ROWS: usize = 500;

fn fact_of(at: Option<Timestamp>, seq: Option<i64>) -> Option<Fact> {
    at.zip(seq).map(|(occurred_at, received_seq)| Fact { occurred_at, received_seq })
}

fn parts_of(fact: Option<Fact>) -> (Option<Timestamp>, Option<i64>) {
    fact.map(|fact| (fact.occurred_at, fact.received_seq)).unzip()
}
