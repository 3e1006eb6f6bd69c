//! Who holds which callback address: apps and suites share one set of names.

use scrm_kernel::CorpId;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait as _};

use super::entity::address::{ActiveModel, Column, Entity};
use crate::domain::connection::AppName;

/// What is called back at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// An app.
    App,
    /// A suite.
    Suite,
}

impl Holder {
    const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Suite => "suite",
        }
    }
}

/// Takes a name, or finds that it is taken for the same already; `false` when somebody else has it.
pub(crate) async fn hold(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    name: &AppName,
    holder: Holder,
) -> Result<bool, DbErr> {
    let row = ActiveModel {
        name: Set(name.as_str().to_owned()),
        corp_id: Set(corp),
        holder: Set(holder.as_str().to_owned()),
    };
    let ours = OnConflict::column(Column::Name)
        .update_columns([Column::Holder])
        .action_and_where(Expr::col((Entity, Column::CorpId)).eq(corp))
        .action_and_where(Expr::col((Entity, Column::Holder)).eq(holder.as_str()))
        .to_owned();
    Ok(Entity::insert(row).on_conflict(ours).exec_without_returning(connection).await? > 0)
}

/// Reports whether an address is a suite's.
pub(crate) async fn is_suite(connection: &impl ConnectionTrait, name: &str) -> Result<bool, DbErr> {
    let found = Entity::find_by_id(name).one(connection).await?;
    Ok(found.is_some_and(|address| address.holder == Holder::Suite.as_str()))
}
