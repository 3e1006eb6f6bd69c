//! Who signs in. Whoever signs in says no enterprise: a login is looked for in the whole installation.

use scrm_db::Txn;
use scrm_kernel::access::BuiltIn;
use scrm_kernel::{AccountId, CorpId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use super::entity::account::{ActiveModel, Column, Entity, Model};
use super::entity::account_role;
use super::inconsistent;
use crate::domain::account::{Account, Login, State};

/// The unique index over logins.
pub(crate) const UNIQUE_LOGIN: &str = "uq_account_login";

/// Returns who has a login, and the hash of the password.
pub(crate) async fn with_login(
    connection: &impl ConnectionTrait,
    login: &Login,
) -> Result<Option<(Account, Option<String>)>, DbErr> {
    let Some(row) = Entity::find().filter(Column::LoginKey.eq(login.folded())).one(connection).await? else {
        return Ok(None);
    };
    let hash = row.password_hash.clone();
    Ok(Some((account_of(connection, row).await?, hash)))
}

/// Returns one account.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    id: AccountId,
) -> Result<Option<Account>, DbErr> {
    match Entity::find_by_id(id).filter(Column::CorpId.eq(corp)).one(connection).await? {
        Some(row) => Ok(Some(account_of(connection, row).await?)),
        None => Ok(None),
    }
}

/// Reports whether an enterprise has an account.
pub(crate) async fn is_there(connection: &impl ConnectionTrait, corp: CorpId) -> Result<bool, DbErr> {
    Ok(Entity::find().filter(Column::CorpId.eq(corp)).one(connection).await?.is_some())
}

async fn account_of(connection: &impl ConnectionTrait, row: Model) -> Result<Account, DbErr> {
    let bad = |column: &str| inconsistent("account", column, row.id);
    let roles = account_role::Entity::find()
        .filter(account_role::Column::CorpId.eq(row.corp_id))
        .filter(account_role::Column::AccountId.eq(row.id))
        .order_by_asc(account_role::Column::Role)
        .all(connection)
        .await?;
    // A role that this version does not have gives nothing.
    let roles = roles.iter().filter_map(|role| BuiltIn::parse(&role.role)).collect();
    Ok(Account {
        id: row.id,
        corp: row.corp_id,
        version: row.version,
        login: row.login.as_deref().map(Login::parse).transpose().map_err(|_| bad("login"))?,
        display_name: row.display_name.clone(),
        staff: row.staff_id,
        state: State::parse(&row.state).ok_or_else(|| bad("state"))?,
        roles,
    })
}

/// Adds an account with a password.
pub(crate) async fn insert(txn: &Txn, account: &Account, password_hash: String) -> Result<(), DbErr> {
    let now = txn.now();
    let row = ActiveModel {
        id: Set(account.id),
        corp_id: Set(account.corp),
        version: Set(account.version),
        login_key: Set(account.login.as_ref().map(Login::folded)),
        login: Set(account.login.as_ref().map(|login| login.as_str().to_owned())),
        display_name: Set(account.display_name.clone()),
        staff_id: Set(account.staff),
        state: Set(account.state.as_str().to_owned()),
        password_hash: Set(Some(password_hash)),
        password_at: Set(Some(now)),
        created_at: Set(now),
        signed_in_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(txn).await?;
    let role = |role: &BuiltIn| account_role::ActiveModel {
        corp_id: Set(account.corp),
        account_id: Set(account.id),
        role: Set(role.as_str().to_owned()),
    };
    account_role::Entity::insert_many(account.roles.iter().map(role)).exec_without_returning(txn).await?;
    Ok(())
}

/// Notes that somebody signed in.
pub(crate) async fn note_sign_in(txn: &Txn, corp: CorpId, id: AccountId, at: Timestamp) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::SignedInAt, Expr::value(at))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Id.eq(id))
        .exec(txn)
        .await?;
    Ok(())
}
