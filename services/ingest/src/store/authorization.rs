//! Which enterprises authorised which suites, and the sealed right to speak for them.

use scrm_kernel::{CorpId, KeyRing, Page, PageRequest, Sealed, WecomCorpId};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::entity::authorization::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::connection::AppName;
use crate::domain::suite::{Authorization, Moment, Suite};

const CODE: &str = "suite_authorization.permanent_code";

/// Keeps an authorisation with its permanent code, unless the enterprise did something newer; `false` then.
pub(crate) async fn grant(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    suite: &Suite,
    authorization: &Authorization,
    permanent_code: &SecretString,
) -> Result<bool, DbErr> {
    let code = keys.seal(suite.corp, CODE, permanent_code.expose_secret().as_bytes());
    let row = ActiveModel {
        suite: Set(suite.name.as_str().to_owned()),
        wecom_corp: Set(authorization.wecom_corp.as_str().to_owned()),
        provider_id: Set(suite.corp),
        corp_id: Set(authorization.corp),
        corp_name: Set(authorization.corp_name.clone()),
        app: Set(authorization.app.as_ref().map(|app| app.as_str().to_owned())),
        permanent_code: Set(Some(code.into_bytes())),
        decided_at: Set(authorization.decided.at),
        decided_seq: Set(authorization.decided.seq),
    };
    let replace = OnConflict::columns([Column::Suite, Column::WecomCorp])
        .update_columns([
            Column::CorpId,
            Column::CorpName,
            Column::App,
            Column::PermanentCode,
            Column::DecidedAt,
            Column::DecidedSeq,
        ])
        .action_and_where(is_older(authorization.decided))
        .to_owned();
    Ok(Entity::insert(row).on_conflict(replace).exec_without_returning(connection).await? > 0)
}

/// Ends an authorisation, unless the enterprise gave it anew since. It need not be known.
pub(crate) async fn cancel(
    connection: &impl ConnectionTrait,
    suite: &str,
    provider: CorpId,
    wecom_corp: &WecomCorpId,
    moment: Moment,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        suite: Set(suite.to_owned()),
        wecom_corp: Set(wecom_corp.as_str().to_owned()),
        provider_id: Set(provider),
        corp_id: Set(None),
        corp_name: Set(String::new()),
        app: Set(None),
        permanent_code: Set(None),
        decided_at: Set(moment.at),
        decided_seq: Set(moment.seq),
    };
    let end = OnConflict::columns([Column::Suite, Column::WecomCorp])
        .update_columns([Column::PermanentCode, Column::DecidedAt, Column::DecidedSeq])
        .action_and_where(is_older(moment))
        .to_owned();
    Entity::insert(row).on_conflict(end).exec_without_returning(connection).await.map(drop)
}

/// A row that was decided before `moment`, or by it.
fn is_older(moment: Moment) -> Expr {
    let column = |column: Column| Expr::col((Entity, column));
    let before = column(Column::DecidedAt).lt(moment.at);
    let at_once = column(Column::DecidedAt).eq(moment.at).and(column(Column::DecidedSeq).lte(moment.seq));
    before.or(at_once)
}

/// Notes how an enterprise is called now.
pub(crate) async fn rename(
    connection: &impl ConnectionTrait,
    suite: &AppName,
    wecom_corp: &WecomCorpId,
    corp_name: &str,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::CorpName, Expr::value(corp_name))
        .filter(Column::Suite.eq(suite.as_str()))
        .filter(Column::WecomCorp.eq(wecom_corp.as_str()))
        .exec(connection)
        .await?;
    Ok(())
}

/// Returns an authorisation and, while it holds, its permanent code.
pub(crate) async fn open(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    suite: &AppName,
    wecom_corp: &WecomCorpId,
) -> Result<Option<(Authorization, Option<SecretString>)>, DbErr> {
    let row = Entity::find_by_id((suite.as_str().to_owned(), wecom_corp.as_str().to_owned()));
    let Some(row) = row.one(connection).await? else { return Ok(None) };
    let code = row.permanent_code.as_ref().map(|code| {
        let plain = keys.open(row.provider_id, CODE, &Sealed::from_bytes(code.clone()));
        let plain = plain.map_err(|error| DbErr::Custom(format!("{CODE} of {wecom_corp}: {error}")))?;
        let code = String::from_utf8(plain);
        code.map(SecretString::from).map_err(|_| inconsistent("suite_authorization", CODE, wecom_corp))
    });
    Ok(Some((authorization_of(&row)?, code.transpose()?)))
}

/// Returns where the events of an enterprise go that came to a suite: the enterprise here, and its app.
pub(crate) async fn place(
    connection: &impl ConnectionTrait,
    suite: &str,
    wecom_corp: &str,
) -> Result<Option<(CorpId, AppName)>, DbErr> {
    let row = Entity::find_by_id((suite.to_owned(), wecom_corp.to_owned())).one(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let authorization = authorization_of(&row)?;
    Ok(authorization.corp.zip(authorization.app))
}

/// Returns all enterprises that ever authorised a suite, by their id in WeCom, and their apps.
pub(crate) async fn places(
    connection: &impl ConnectionTrait,
    suite: &AppName,
) -> Result<Vec<(String, CorpId, AppName)>, DbErr> {
    let rows = Entity::find().filter(Column::Suite.eq(suite.as_str())).all(connection).await?;
    let mut places = Vec::with_capacity(rows.len());
    for row in rows {
        let authorization = authorization_of(&row)?;
        places
            .extend(authorization.corp.zip(authorization.app).map(|(corp, app)| (row.wecom_corp, corp, app)));
    }
    Ok(places)
}

/// Returns the names of an enterprise's apps whose authorisation holds.
pub(crate) async fn held_by(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Vec<String>, DbErr> {
    let held = Entity::find().select_only().column(Column::App).filter(Column::CorpId.eq(corp));
    let held = held.filter(Column::PermanentCode.is_not_null()).filter(Column::App.is_not_null());
    held.into_tuple().all(connection).await
}

/// Lists the authorisations of a suite by WeCom's id of the enterprise; `after` is the last one of the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    provider: CorpId,
    suite: &AppName,
    page: &PageRequest,
    after: Option<String>,
) -> Result<Page<Authorization>, DbErr> {
    let rows = Entity::find()
        .filter(Column::ProviderId.eq(provider))
        .filter(Column::Suite.eq(suite.as_str()))
        .filter(Condition::all().add_option(after.map(|after| Column::WecomCorp.gt(after))))
        .order_by_asc(Column::WecomCorp)
        .limit(page.limit + 1)
        .all(connection)
        .await?;
    let listed = rows.iter().map(authorization_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(listed, page.limit, |one| one.wecom_corp.as_str().to_owned()))
}

fn authorization_of(row: &Model) -> Result<Authorization, DbErr> {
    let bad = |column| inconsistent("suite_authorization", column, &row.wecom_corp);
    let app = row.app.as_deref().map(AppName::parse).transpose();
    Ok(Authorization {
        wecom_corp: WecomCorpId::parse(&row.wecom_corp).map_err(|_| bad("wecom_corp"))?,
        corp_name: row.corp_name.clone(),
        corp: row.corp_id,
        app: app.map_err(|_| bad("app"))?,
        is_active: row.permanent_code.is_some(),
        decided: Moment { at: row.decided_at, seq: row.decided_seq },
    })
}
