//! Which constraint a failed statement violated, by name, on both databases.
//!
//! PostgreSQL names it. SQLite names a check, but of a unique index only the columns, so the names are read once from
//! its catalogue. Two unique indices over the same columns could not be told apart: [`Constraints::read`] refuses them.

use std::collections::HashMap;

use sea_orm::sqlx::error::ErrorKind;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement, sqlx};

/// A violated constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A primary key or unique index, by name.
    Unique(String),
    /// A foreign key; SQLite does not say which.
    ForeignKey,
    /// A check, by name.
    Check(String),
    /// A column that must not be null.
    NotNull,
}

impl Violation {
    /// Reports whether this is the unique index `name`.
    pub fn is_unique(&self, name: &str) -> bool {
        matches!(self, Self::Unique(violated) if violated == name)
    }
}

/// The unique indices of a SQLite database, by `table.column, table.column`.
#[derive(Debug, Default)]
pub(crate) struct Constraints(HashMap<String, String>);

impl Constraints {
    /// Reads the catalogue; empty on PostgreSQL, which needs none.
    pub(crate) async fn read(connection: &impl ConnectionTrait) -> Result<Self, DbErr> {
        if connection.get_database_backend() != DbBackend::Sqlite {
            return Ok(Self::default());
        }
        let catalogue =
            "SELECT m.name AS tbl, i.name AS idx, group_concat(m.name || '.' || c.name, ', ') AS columns
             FROM sqlite_master m
             JOIN pragma_index_list(m.name) i ON i.\"unique\" = 1
             JOIN pragma_index_info(i.name) c
             WHERE m.type = 'table' GROUP BY m.name, i.name";
        let statement = Statement::from_string(DbBackend::Sqlite, catalogue);
        let mut names = HashMap::new();
        for row in connection.query_all_raw(statement).await? {
            let (table, index): (String, String) = (row.try_get("", "tbl")?, row.try_get("", "idx")?);
            let name = if index.starts_with("sqlite_autoindex") { format!("pk_{table}") } else { index };
            let columns: String = row.try_get("", "columns")?;
            if let Some(other) = names.insert(columns.clone(), name.clone()) {
                return Err(DbErr::Custom(format!(
                    "indices {other} and {name} have the same columns: {columns}"
                )));
            }
        }
        Ok(Self(names))
    }

    pub(crate) fn violation(&self, error: &DbErr) -> Option<Violation> {
        let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
        else {
            return None;
        };
        let sqlx::Error::Database(cause) = cause.as_ref() else { return None };
        let subject = || {
            let named = cause.constraint().map(str::to_owned);
            named.or_else(|| cause.message().split_once("failed: ").map(|(_, rest)| rest.to_owned()))
        };
        match cause.kind() {
            ErrorKind::UniqueViolation => subject().map(|subject| {
                let name = self.0.get(&subject).cloned().unwrap_or(subject);
                Violation::Unique(name)
            }),
            ErrorKind::CheckViolation => subject().map(Violation::Check),
            ErrorKind::ForeignKeyViolation => Some(Violation::ForeignKey),
            ErrorKind::NotNullViolation => Some(Violation::NotNull),
            _ => None,
        }
    }
}
