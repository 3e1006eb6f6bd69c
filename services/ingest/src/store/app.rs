//! Connected apps and their sealed secrets.

use scrm_kernel::{CorpId, KeyRing, Sealed, Timestamp, WecomCorpId};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::entity::app::{ActiveModel, Column, Entity, Model};
use super::{authorization, corp, inconsistent};
use crate::domain::connection::{ApiUrl, App, AppKind, AppName};
use crate::domain::suite::Suite;

const SECRET: &str = "app.secret";
const TOKEN: &str = "app.token";
const AES_KEY: &str = "app.aes_key";

/// What an app proves itself with, and how WeCom does.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    /// For access tokens: its secret, or its permanent code; none when the authorisation was cancelled.
    pub(crate) secret: Option<SecretString>,
    /// For callbacks to its own address; none if it has none, or it is not set up yet.
    pub(crate) callback: Option<CallbackSecrets>,
}

/// What proves callbacks at one address.
#[derive(Debug, Clone)]
pub(crate) struct CallbackSecrets {
    /// Signs callbacks.
    pub(crate) token: SecretString,
    /// Encrypts callbacks (`EncodingAESKey`).
    pub(crate) aes_key: SecretString,
}

/// Adds an app in its first version, or replaces the version before; `false` when that is not there, or a suite's app.
pub(crate) async fn put(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    app: &App,
    secrets: &Secrets,
) -> Result<bool, DbErr> {
    let seal = |place: &str, secret: Option<&SecretString>| sealed(keys, app.corp, place, secret);
    let callback = secrets.callback.as_ref();
    let row = ActiveModel {
        name: Set(app.name.as_str().to_owned()),
        corp_id: Set(app.corp),
        kind: Set(app.kind.as_str().to_owned()),
        agent_id: Set(app.agent_id),
        secret: Set(seal(SECRET, secrets.secret.as_ref())),
        token: Set(seal(TOKEN, callback.map(|callback| &callback.token))),
        aes_key: Set(seal(AES_KEY, callback.map(|callback| &callback.aes_key))),
        updated_at: Set(app.updated_at),
        api_url: Set(app.api_url.as_ref().map(|url| url.as_str().to_owned())),
        suite: Set(None),
        version: Set(app.version),
    };
    let replace = OnConflict::column(Column::Name)
        .update_columns([
            Column::Kind,
            Column::AgentId,
            Column::Secret,
            Column::Token,
            Column::AesKey,
            Column::UpdatedAt,
            Column::ApiUrl,
            Column::Version,
        ])
        .action_and_where(Expr::col((Entity, Column::CorpId)).eq(app.corp))
        .action_and_where(Expr::col((Entity, Column::Version)).eq(app.version - 1))
        .action_and_where(Expr::col((Entity, Column::Suite)).is_null())
        .to_owned();
    let changed = Entity::insert(row).on_conflict(replace).exec_without_returning(connection).await?;
    Ok(changed > 0)
}

/// Adds the app that an enterprise got from a suite, or notes what it is now; `false` when the name is another app's. Its
/// callback secrets stay.
pub(crate) async fn put_authorized(
    connection: &impl ConnectionTrait,
    suite: &AppName,
    app: &App,
) -> Result<bool, DbErr> {
    let row = ActiveModel {
        name: Set(app.name.as_str().to_owned()),
        corp_id: Set(app.corp),
        kind: Set(app.kind.as_str().to_owned()),
        agent_id: Set(app.agent_id),
        secret: Set(Vec::new()),
        token: Set(Vec::new()),
        aes_key: Set(Vec::new()),
        updated_at: Set(app.updated_at),
        api_url: Set(app.api_url.as_ref().map(|url| url.as_str().to_owned())),
        suite: Set(Some(suite.as_str().to_owned())),
        version: Set(app.version),
    };
    let replace = OnConflict::column(Column::Name)
        .update_columns([Column::AgentId, Column::UpdatedAt, Column::ApiUrl])
        .action_and_where(Expr::col((Entity, Column::CorpId)).eq(app.corp))
        .action_and_where(Expr::col((Entity, Column::Suite)).eq(suite.as_str()))
        .to_owned();
    Ok(Entity::insert(row).on_conflict(replace).exec_without_returning(connection).await? > 0)
}

/// Lets the apps of a suite speak with the WeCom that the suite speaks with.
pub(crate) async fn follow(connection: &impl ConnectionTrait, suite: &Suite) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ApiUrl, Expr::value(suite.api_url.as_ref().map(|url| url.as_str().to_owned())))
        .filter(Column::Suite.eq(suite.name.as_str()))
        .exec(connection)
        .await
        .map(drop)
}

/// Sets what proves the callbacks of an app that is in this version; `false` if it is not.
pub(crate) async fn set_callback(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    corp: CorpId,
    name: &AppName,
    callback: &CallbackSecrets,
    version: i64,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let updated = Entity::update_many()
        .col_expr(Column::Token, Expr::value(sealed(keys, corp, TOKEN, Some(&callback.token))))
        .col_expr(Column::AesKey, Expr::value(sealed(keys, corp, AES_KEY, Some(&callback.aes_key))))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Name.eq(name.as_str()))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Version.eq(version))
        .exec(connection)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Seals a secret; none is empty.
fn sealed(keys: &KeyRing, corp: CorpId, place: &str, secret: Option<&SecretString>) -> Vec<u8> {
    secret.map_or_else(Vec::new, |secret| {
        keys.seal(corp, place, secret.expose_secret().as_bytes()).into_bytes()
    })
}

/// Returns the apps of an enterprise by name.
pub(crate) async fn all(connection: &impl ConnectionTrait, corp_id: CorpId) -> Result<Vec<App>, DbErr> {
    let rows =
        Entity::find().filter(Column::CorpId.eq(corp_id)).order_by_asc(Column::Name).all(connection).await?;
    let Some(wecom_corp) = corp::find(connection, corp_id).await?.and_then(|corp| corp.wecom_id) else {
        return Ok(Vec::new());
    };
    let held = authorization::held_by(connection, corp_id).await?;
    let app = |row: &Model| {
        let is_authorized = row.suite.is_none() || held.contains(&row.name);
        app_of(row, wecom_corp.clone(), is_authorized)
    };
    rows.iter().map(app).collect()
}

/// Returns an app and its secrets by name, whichever enterprise it belongs to: its address is all that a callback tells.
pub(crate) async fn open(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    name: &AppName,
) -> Result<Option<(App, Secrets)>, DbErr> {
    let Some(row) = Entity::find_by_id(name.as_str()).one(connection).await? else { return Ok(None) };
    let corp = corp::find(connection, row.corp_id).await?;
    let wecom_corp =
        corp.and_then(|corp| corp.wecom_id).ok_or_else(|| inconsistent("app", "corp_id", name))?;
    let unseal = |place: &str, bytes: &[u8]| {
        if bytes.is_empty() {
            return Ok::<_, DbErr>(None);
        }
        let plain = keys
            .open(row.corp_id, place, &Sealed::from_bytes(bytes.to_vec()))
            .map_err(|error| DbErr::Custom(format!("{place} of {name}: {error}")))?;
        let secret = String::from_utf8(plain).map_err(|_| inconsistent("app", place, name))?;
        Ok(Some(SecretString::from(secret)))
    };
    let callback = unseal(TOKEN, &row.token)?.zip(unseal(AES_KEY, &row.aes_key)?);
    let callback = callback.map(|(token, aes_key)| CallbackSecrets { token, aes_key });
    let secret = match suite_of(&row)? {
        None => unseal(SECRET, &row.secret)?,
        Some(suite) => {
            let opened = authorization::open(connection, keys, &suite, &wecom_corp).await?;
            opened.and_then(|(_, code)| code)
        }
    };
    let app = app_of(&row, wecom_corp, secret.is_some())?;
    Ok(Some((app, Secrets { secret, callback })))
}

fn suite_of(row: &Model) -> Result<Option<AppName>, DbErr> {
    let suite = row.suite.as_deref().map(AppName::parse).transpose();
    suite.map_err(|_| inconsistent("app", "suite", &row.name))
}

fn app_of(row: &Model, wecom_corp: WecomCorpId, is_authorized: bool) -> Result<App, DbErr> {
    Ok(App {
        name: AppName::parse(&row.name).map_err(|_| inconsistent("app", "name", &row.name))?,
        corp: row.corp_id,
        wecom_corp,
        kind: AppKind::parse(&row.kind).ok_or_else(|| inconsistent("app", "kind", &row.name))?,
        suite: suite_of(row)?,
        is_authorized,
        agent_id: row.agent_id,
        version: row.version,
        updated_at: row.updated_at,
        api_url: row
            .api_url
            .as_deref()
            .map(ApiUrl::parse)
            .transpose()
            .map_err(|_| inconsistent("app", "api_url", &row.name))?,
    })
}
