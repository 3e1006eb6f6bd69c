//! Lead sources and their sealed secrets.

use std::collections::BTreeMap;

use scrm_kernel::{CorpId, KeyRing, Sealed};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::entity::lead_source::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::lead_source::{Field, LeadSource, Mapping, Pointer, SourceName};

const SECRET: &str = "lead_source.secret";

/// Adds a source in its first version, or replaces the version before; `false` when that is not there.
pub(crate) async fn put(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    source: &LeadSource,
    secret: &SecretString,
) -> Result<bool, DbErr> {
    let sealed = keys.seal(source.corp, SECRET, secret.expose_secret().as_bytes());
    let row = ActiveModel {
        name: Set(source.name.as_str().to_owned()),
        corp_id: Set(source.corp),
        title: Set(source.title.clone()),
        routing_group: Set(source.group.clone()),
        mapping: Set(text_of(&source.mapping)),
        secret: Set(sealed.into_bytes()),
        updated_at: Set(source.updated_at),
        version: Set(source.version),
    };
    let replace = OnConflict::column(Column::Name)
        .update_columns([
            Column::Title,
            Column::RoutingGroup,
            Column::Mapping,
            Column::Secret,
            Column::UpdatedAt,
            Column::Version,
        ])
        .action_and_where(Expr::col((Entity, Column::CorpId)).eq(source.corp))
        .action_and_where(Expr::col((Entity, Column::Version)).eq(source.version - 1))
        .to_owned();
    let changed = Entity::insert(row).on_conflict(replace).exec_without_returning(connection).await?;
    Ok(changed > 0)
}

/// Returns the sources of an enterprise by name.
pub(crate) async fn all(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Vec<LeadSource>, DbErr> {
    let rows =
        Entity::find().filter(Column::CorpId.eq(corp)).order_by_asc(Column::Name).all(connection).await?;
    rows.iter().map(source_of).collect()
}

/// Returns a source of an enterprise and its secret.
pub(crate) async fn open(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    corp: CorpId,
    name: &SourceName,
) -> Result<Option<(LeadSource, SecretString)>, DbErr> {
    let row = Entity::find_by_id(name.as_str()).filter(Column::CorpId.eq(corp)).one(connection).await?;
    row.map(|row| opened(keys, &row)).transpose()
}

/// Returns the sources of all enterprises with their secrets: their address is all that a stranger tells.
pub(crate) async fn open_all(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
) -> Result<Vec<(LeadSource, SecretString)>, DbErr> {
    Entity::find().all(connection).await?.iter().map(|row| opened(keys, row)).collect()
}

fn opened(keys: &KeyRing, row: &Model) -> Result<(LeadSource, SecretString), DbErr> {
    let plain = keys
        .open(row.corp_id, SECRET, &Sealed::from_bytes(row.secret.clone()))
        .map_err(|error| DbErr::Custom(format!("{SECRET} of {}: {error}", row.name)))?;
    let secret = String::from_utf8(plain).map_err(|_| inconsistent("lead_source", "secret", &row.name))?;
    Ok((source_of(row)?, SecretString::from(secret)))
}

fn source_of(row: &Model) -> Result<LeadSource, DbErr> {
    let bad = |column| inconsistent("lead_source", column, &row.name);
    Ok(LeadSource {
        name: SourceName::parse(&row.name).map_err(|_| bad("name"))?,
        corp: row.corp_id,
        title: row.title.clone(),
        group: row.routing_group.clone(),
        mapping: mapping_of(&row.mapping).ok_or_else(|| bad("mapping"))?,
        version: row.version,
        updated_at: row.updated_at,
    })
}

fn text_of(mapping: &Mapping) -> String {
    let fields: BTreeMap<_, _> =
        mapping.0.iter().map(|(field, pointer)| (field.as_str(), pointer.as_str())).collect();
    serde_json::to_string(&fields).expect("texts have a JSON form")
}

fn mapping_of(text: &str) -> Option<Mapping> {
    let fields: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
    let parsed =
        fields.iter().map(|(field, pointer)| Some((Field::parse(field)?, Pointer::parse(pointer).ok()?)));
    parsed.collect::<Option<_>>().map(Mapping)
}
