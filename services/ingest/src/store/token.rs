//! Access tokens, and whose turn it is to ask for a new one.

use aws_lc_rs::digest::{SHA256, digest};
use scrm_kernel::{CorpId, KeyRing, Sealed, Timestamp};
use scrm_wecom::client::token::AccessToken;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};

use super::entity::access_token::{ActiveModel, Column, Entity};
use super::inconsistent;
use crate::domain::connection::{ApiUrl, AppName};

const TOKEN: &str = "access_token.token";

/// Returns the token of an app and when it expires.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    corp: CorpId,
    app: &AppName,
    url: &ApiUrl,
) -> Result<Option<(AccessToken, Timestamp)>, DbErr> {
    let row = Entity::find_by_id(app.as_str())
        .filter(Column::CorpId.eq(corp))
        .filter(Column::BaseUrl.eq(url.as_str()))
        .one(connection)
        .await?;
    let Some((token, expires_at)) = row.and_then(|row| row.token.zip(row.expires_at)) else {
        return Ok(None);
    };
    let unreadable = || inconsistent("access_token", "token", app);
    let plain = keys.open(corp, TOKEN, &Sealed::from_bytes(token)).map_err(|_| unreadable())?;
    let token = String::from_utf8(plain).map_err(|_| unreadable())?;
    Ok(Some((AccessToken::new(token), expires_at)))
}

/// Takes the turn to ask WeCom for a token, until `until`; `false` when somebody else has it.
pub(crate) async fn take_turn(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    app: &AppName,
    url: &ApiUrl,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, DbErr> {
    let row = ActiveModel {
        app: Set(app.as_str().to_owned()),
        corp_id: Set(corp),
        base_url: Set(url.as_str().to_owned()),
        token: Set(None),
        hash: Set(None),
        expires_at: Set(None),
        refreshing_until: Set(Some(until)),
    };
    let refreshing = Expr::col((Entity, Column::RefreshingUntil));
    let take = OnConflict::column(Column::App)
        .update_columns([Column::RefreshingUntil])
        .action_and_where(Expr::col((Entity, Column::CorpId)).eq(corp))
        .action_and_where(refreshing.clone().is_null().or(refreshing.lte(now)))
        .to_owned();
    Ok(Entity::insert(row).on_conflict(take).exec_without_returning(connection).await? > 0)
}

/// Ends the turn that began until `until`; with a token, or without when WeCom gave none.
pub(crate) async fn end_turn(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    corp: CorpId,
    app: &AppName,
    url: &ApiUrl,
    until: Timestamp,
    fetched: Option<&(AccessToken, Timestamp)>,
) -> Result<(), DbErr> {
    let mut update = Entity::update_many().col_expr(Column::RefreshingUntil, Expr::value(None::<Timestamp>));
    if let Some((token, expires_at)) = fetched {
        let sealed = keys.seal(corp, TOKEN, token.expose().as_bytes());
        update = update
            .col_expr(Column::BaseUrl, Expr::value(url.as_str()))
            .col_expr(Column::Token, Expr::value(sealed.into_bytes()))
            .col_expr(Column::Hash, Expr::value(hash_of(token)))
            .col_expr(Column::ExpiresAt, Expr::value(*expires_at));
    }
    update
        .filter(Column::App.eq(app.as_str()))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::RefreshingUntil.eq(until))
        .exec(connection)
        .await?;
    Ok(())
}

/// Drops a token that WeCom refuses; does nothing unless it is still the current one.
pub(crate) async fn drop_refused(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    app: &AppName,
    token: &AccessToken,
) -> Result<bool, DbErr> {
    let dropped = Entity::update_many()
        .col_expr(Column::Token, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::Hash, Expr::value(None::<Vec<u8>>))
        .filter(
            Condition::all()
                .add(Column::App.eq(app.as_str()))
                .add(Column::CorpId.eq(corp))
                .add(Column::Hash.eq(hash_of(token))),
        )
        .exec(connection)
        .await?;
    Ok(dropped.rows_affected > 0)
}

/// Forgets what was fetched with an app's former secret, a turn in progress included.
pub(crate) async fn forget(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    app: &AppName,
) -> Result<(), DbErr> {
    Entity::delete_by_id(app.as_str()).filter(Column::CorpId.eq(corp)).exec(connection).await?;
    Ok(())
}

fn hash_of(token: &AccessToken) -> Vec<u8> {
    digest(&SHA256, token.expose().as_bytes()).as_ref().to_vec()
}
