//! Suites, their sealed secrets and their newest ticket.

use scrm_db::Txn;
use scrm_kernel::{CorpId, KeyRing, Sealed, Timestamp, WecomCorpId};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::entity::suite::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::connection::{ApiUrl, AppName};
use crate::domain::suite::{Suite, SuiteId, SuiteKind};

const SECRET: &str = "suite.secret";
const TOKEN: &str = "suite.token";
const AES_KEY: &str = "suite.aes_key";
const TICKET: &str = "suite.ticket";

/// What a suite proves itself with, and how WeCom does.
#[derive(Debug, Clone)]
pub(crate) struct SuiteSecrets {
    /// `suite_secret`.
    pub(crate) secret: SecretString,
    /// Signs callbacks.
    pub(crate) token: SecretString,
    /// Encrypts callbacks (`EncodingAESKey`).
    pub(crate) aes_key: SecretString,
    /// The newest `suite_ticket`.
    pub(crate) ticket: Option<SecretString>,
}

/// Adds a suite in its first version, or replaces the version before, its ticket excepted; `false` when that is not there.
pub(crate) async fn put(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    suite: &Suite,
    secrets: &SuiteSecrets,
) -> Result<bool, DbErr> {
    let seal = |place: &str, secret: &SecretString| {
        Set(keys.seal(suite.corp, place, secret.expose_secret().as_bytes()).into_bytes())
    };
    let row = ActiveModel {
        name: Set(suite.name.as_str().to_owned()),
        corp_id: Set(suite.corp),
        wecom_id: Set(suite.suite_id.as_str().to_owned()),
        kind: Set(suite.kind.as_str().to_owned()),
        provider_corp: Set(suite.provider_corp.as_ref().map(|corp| corp.as_str().to_owned())),
        secret: seal(SECRET, &secrets.secret),
        token: seal(TOKEN, &secrets.token),
        aes_key: seal(AES_KEY, &secrets.aes_key),
        api_url: Set(suite.api_url.as_ref().map(|url| url.as_str().to_owned())),
        ticket: NotSet,
        ticket_at: NotSet,
        updated_at: Set(suite.updated_at),
        version: Set(suite.version),
    };
    let replace = OnConflict::column(Column::Name)
        .update_columns([
            Column::ProviderCorp,
            Column::Secret,
            Column::Token,
            Column::AesKey,
            Column::ApiUrl,
            Column::UpdatedAt,
            Column::Version,
        ])
        .action_and_where(Expr::col((Entity, Column::CorpId)).eq(suite.corp))
        .action_and_where(Expr::col((Entity, Column::WecomId)).eq(suite.suite_id.as_str()))
        .action_and_where(Expr::col((Entity, Column::Kind)).eq(suite.kind.as_str()))
        .action_and_where(Expr::col((Entity, Column::Version)).eq(suite.version - 1))
        .to_owned();
    Ok(Entity::insert(row).on_conflict(replace).exec_without_returning(connection).await? > 0)
}

/// Keeps a ticket unless a newer one is there: they may come in any order.
pub(crate) async fn note_ticket(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    corp: CorpId,
    name: &str,
    ticket: &str,
    made_at: Timestamp,
) -> Result<(), DbErr> {
    let older = Condition::any().add(Column::TicketAt.is_null()).add(Column::TicketAt.lt(made_at));
    Entity::update_many()
        .col_expr(Column::Ticket, Expr::value(keys.seal(corp, TICKET, ticket.as_bytes()).into_bytes()))
        .col_expr(Column::TicketAt, Expr::value(made_at))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Name.eq(name))
        .filter(older)
        .exec(connection)
        .await?;
    Ok(())
}

/// Keeps others from changing who authorised a suite until the transaction ends.
pub(crate) async fn lock(txn: &Txn, name: &str) -> Result<(), DbErr> {
    let row = Entity::find_by_id(name).select_only().column(Column::Name);
    row.lock_exclusive().into_tuple::<String>().one(txn).await.map(drop)
}

/// Returns the suites of an enterprise by name.
pub(crate) async fn all(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Vec<Suite>, DbErr> {
    let rows =
        Entity::find().filter(Column::CorpId.eq(corp)).order_by_asc(Column::Name).all(connection).await?;
    rows.iter().map(suite_of).collect()
}

/// Returns a suite and its secrets by name, whichever enterprise it belongs to: its address is all that a callback tells.
pub(crate) async fn open(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    name: &str,
) -> Result<Option<(Suite, SuiteSecrets)>, DbErr> {
    let Some(row) = Entity::find_by_id(name).one(connection).await? else { return Ok(None) };
    let suite = suite_of(&row)?;
    let unseal = |place: &str, bytes: Vec<u8>| {
        let plain = keys
            .open(suite.corp, place, &Sealed::from_bytes(bytes))
            .map_err(|error| DbErr::Custom(format!("{place} of {name}: {error}")))?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| inconsistent("suite", place, name))
    };
    let secrets = SuiteSecrets {
        secret: unseal(SECRET, row.secret)?,
        token: unseal(TOKEN, row.token)?,
        aes_key: unseal(AES_KEY, row.aes_key)?,
        ticket: row.ticket.map(|ticket| unseal(TICKET, ticket)).transpose()?,
    };
    Ok(Some((suite, secrets)))
}

fn suite_of(row: &Model) -> Result<Suite, DbErr> {
    let bad = |column| inconsistent("suite", column, &row.name);
    let provider_corp = row.provider_corp.as_deref().map(WecomCorpId::parse).transpose();
    let api_url = row.api_url.as_deref().map(ApiUrl::parse).transpose();
    Ok(Suite {
        name: AppName::parse(&row.name).map_err(|_| bad("name"))?,
        corp: row.corp_id,
        suite_id: SuiteId::parse(&row.wecom_id).map_err(|_| bad("wecom_id"))?,
        kind: SuiteKind::parse(&row.kind).ok_or_else(|| bad("kind"))?,
        provider_corp: provider_corp.map_err(|_| bad("provider_corp"))?,
        api_url: api_url.map_err(|_| bad("api_url"))?,
        ticket_at: row.ticket_at,
        version: row.version,
        updated_at: row.updated_at,
    })
}
