//! Connected apps and their sealed secrets.

use scrm_kernel::{CorpId, KeyRing, Sealed, WecomCorpId};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::entity::app::{ActiveModel, Column, Entity, Model};
use super::{corp, inconsistent};
use crate::domain::connection::{ApiUrl, App, AppKind, AppName};

const SECRET: &str = "app.secret";
const TOKEN: &str = "app.token";
const AES_KEY: &str = "app.aes_key";

/// What an app proves itself with, and how WeCom does.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    /// For access tokens.
    pub(crate) secret: SecretString,
    /// Signs callbacks.
    pub(crate) token: SecretString,
    /// Encrypts callbacks (`EncodingAESKey`).
    pub(crate) aes_key: SecretString,
}

/// Adds an app or replaces what is known of it; `false` when its name belongs to another enterprise.
pub(crate) async fn put(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    app: &App,
    secrets: &Secrets,
) -> Result<bool, DbErr> {
    let seal = |place: &str, secret: &SecretString| {
        Set(keys.seal(app.corp, place, secret.expose_secret().as_bytes()).into_bytes())
    };
    let row = ActiveModel {
        name: Set(app.name.as_str().to_owned()),
        corp_id: Set(app.corp),
        kind: Set(app.kind.as_str().to_owned()),
        agent_id: Set(app.agent_id),
        secret: seal(SECRET, &secrets.secret),
        token: seal(TOKEN, &secrets.token),
        aes_key: seal(AES_KEY, &secrets.aes_key),
        updated_at: Set(app.updated_at),
        api_url: Set(app.api_url.as_ref().map(|url| url.as_str().to_owned())),
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
        ])
        .action_and_where(Expr::col((Entity, Column::CorpId)).eq(app.corp))
        .to_owned();
    let changed = Entity::insert(row).on_conflict(replace).exec_without_returning(connection).await?;
    Ok(changed > 0)
}

/// Returns the apps of an enterprise by name.
pub(crate) async fn all(connection: &impl ConnectionTrait, corp_id: CorpId) -> Result<Vec<App>, DbErr> {
    let rows =
        Entity::find().filter(Column::CorpId.eq(corp_id)).order_by_asc(Column::Name).all(connection).await?;
    let Some(wecom_corp) = corp::find(connection, corp_id).await?.and_then(|corp| corp.wecom_id) else {
        return Ok(Vec::new());
    };
    rows.iter().map(|row| app_of(row, wecom_corp.clone())).collect()
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
    let app = app_of(&row, wecom_corp)?;
    let unseal = |place: &str, bytes: Vec<u8>| {
        let plain = keys
            .open(app.corp, place, &Sealed::from_bytes(bytes))
            .map_err(|error| DbErr::Custom(format!("{place} of {name}: {error}")))?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| inconsistent("app", place, name))
    };
    let secrets = Secrets {
        secret: unseal(SECRET, row.secret)?,
        token: unseal(TOKEN, row.token)?,
        aes_key: unseal(AES_KEY, row.aes_key)?,
    };
    Ok(Some((app, secrets)))
}

fn app_of(row: &Model, wecom_corp: WecomCorpId) -> Result<App, DbErr> {
    Ok(App {
        name: AppName::parse(&row.name).map_err(|_| inconsistent("app", "name", &row.name))?,
        corp: row.corp_id,
        wecom_corp,
        kind: AppKind::parse(&row.kind).ok_or_else(|| inconsistent("app", "kind", &row.name))?,
        agent_id: row.agent_id,
        updated_at: row.updated_at,
        api_url: row
            .api_url
            .as_deref()
            .map(ApiUrl::parse)
            .transpose()
            .map_err(|_| inconsistent("app", "api_url", &row.name))?,
    })
}
