//! Transfers of customers.

use std::collections::HashMap;

use scrm_db::{Db, Txn};
use scrm_kernel::{CorpId, ExternalUserId, KeyRing, LeadId, Sealed, Timestamp, TransferId, WecomUserId};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType, OnConflict, Order, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::transfer::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::transfer::{Message, Progress, State, Transfer, Trouble};

const MESSAGE: &str = "transfer.success_msg";

/// Adds a transfer; `false` when one of the lead is not settled.
pub(crate) async fn insert(txn: &Txn, keys: &KeyRing, transfer: &Transfer) -> Result<bool, DbErr> {
    let inserted = Entity::insert(row_of(keys, transfer).into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}

/// Returns a transfer, locked until the transaction ends.
pub(crate) async fn lock(
    txn: &Txn,
    keys: &KeyRing,
    corp: CorpId,
    id: TransferId,
) -> Result<Option<Transfer>, DbErr> {
    let row = Entity::find_by_id(id).filter(Column::CorpId.eq(corp)).lock_exclusive().one(txn).await?;
    row.map(|row| transfer_of(keys, row)).transpose()
}

/// Which of the two members of a transfer is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side<'a> {
    /// Who had the customer.
    From(&'a WecomUserId),
    /// Who shall have them.
    To(&'a WecomUserId),
}

/// Returns a customer's transfer that is not settled and has this member on that side, locked.
pub(crate) async fn lock_open(
    txn: &Txn,
    keys: &KeyRing,
    corp: CorpId,
    person: &ExternalUserId,
    side: Side<'_>,
) -> Result<Option<Transfer>, DbErr> {
    let member = match side {
        Side::From(member) => Column::FromUserKey.eq(member.folded()),
        Side::To(member) => Column::ToUserKey.eq(member.folded()),
    };
    let row = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.eq(person.as_str()))
        .filter(Column::SettledAt.is_null())
        .filter(member)
        .lock_exclusive()
        .one(txn)
        .await?;
    row.map(|row| transfer_of(keys, row)).transpose()
}

/// Reports whether a transfer of a locked lead is not settled.
pub(crate) async fn is_open(txn: &Txn, corp: CorpId, lead: LeadId) -> Result<bool, DbErr> {
    let open = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::LeadId.eq(lead))
        .filter(Column::SettledAt.is_null())
        .one(txn)
        .await?;
    Ok(open.is_some())
}

/// Writes how far a locked transfer is.
pub(crate) async fn save(txn: &Txn, transfer: &Transfer) -> Result<(), DbErr> {
    let progress = &transfer.progress;
    let trouble = progress.trouble.as_ref();
    let changed = ActiveModel {
        id: Unchanged(transfer.id),
        state: Set(progress.state.as_str().to_owned()),
        attempts: Set(progress.attempts),
        is_unclear: Set(progress.is_unclear),
        lease_until: Set(progress.lease_until),
        accepted_at: Set(progress.accepted_at),
        look_at: Set(progress.look_at),
        settled_at: Set(progress.settled_at),
        errcode: Set(trouble.and_then(|trouble| trouble.errcode)),
        problem: Set(trouble.map(|trouble| trouble.words.clone())),
        ..<ActiveModel as Default>::default()
    };
    Entity::update(changed).exec_without_returning(txn).await?;
    Ok(())
}

/// Returns the transfers of a lead, newest first.
pub(crate) async fn of_lead(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    corp: CorpId,
    lead: LeadId,
) -> Result<Vec<Transfer>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::LeadId.eq(lead))
        .order_by_desc(Column::Id)
        .all(connection)
        .await?;
    rows.into_iter().map(|row| transfer_of(keys, row)).collect()
}

/// Returns the newest transfer of each of some leads; who has none is not among them.
pub(crate) async fn newest_of(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    corp: CorpId,
    leads: impl IntoIterator<Item = LeadId>,
) -> Result<HashMap<LeadId, Transfer>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::LeadId.is_in(leads))
        .order_by_asc(Column::Id)
        .all(connection)
        .await?;
    // Of a lead the newest comes last and stays.
    rows.into_iter().map(|row| Ok((row.lead_id, transfer_of(keys, row)?))).collect()
}

/// Takes up to `most` transfers of any corp that are to be looked for, and puts them off until `next`: no other
/// process takes them before.
pub(crate) async fn take_due(
    db: &Db,
    keys: &KeyRing,
    next: Timestamp,
    most: u64,
) -> Result<Vec<Transfer>, DbErr> {
    let mut due = Query::select();
    due.column(Column::Id)
        .from(Entity)
        .and_where(Expr::col(Column::SettledAt).is_null())
        .and_where(Expr::col(Column::LookAt).lte(db.clock().now()))
        .order_by(Column::LookAt, Order::Asc)
        .limit(most);
    if !db.is_sqlite() {
        due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let take = Query::update()
        .table(Entity)
        .value(Column::LookAt, next)
        .and_where(Expr::col(Column::Id).in_subquery(due))
        .returning_all()
        .to_owned();
    let rows = db.writer().query_all(&take).await?;
    rows.iter().map(|row| transfer_of(keys, Model::from_query_result(row, "")?)).collect()
}

fn row_of(keys: &KeyRing, transfer: &Transfer) -> Model {
    let progress = &transfer.progress;
    let seal =
        |message: &Message| keys.seal(transfer.corp, MESSAGE, message.as_str().as_bytes()).into_bytes();
    Model {
        id: transfer.id,
        corp_id: transfer.corp,
        lead_id: transfer.lead,
        external_user_id: transfer.person.as_str().to_owned(),
        from_user_id: transfer.from.as_str().to_owned(),
        from_user_key: transfer.from.folded(),
        to_user_id: transfer.to.as_str().to_owned(),
        to_user_key: transfer.to.folded(),
        requested_by: transfer.requested_by.clone(),
        success_msg: transfer.message.as_ref().map(seal),
        state: progress.state.as_str().to_owned(),
        attempts: progress.attempts,
        is_unclear: progress.is_unclear,
        lease_until: progress.lease_until,
        requested_at: progress.requested_at,
        accepted_at: progress.accepted_at,
        look_at: progress.look_at,
        settled_at: progress.settled_at,
        errcode: progress.trouble.as_ref().and_then(|trouble| trouble.errcode),
        problem: progress.trouble.as_ref().map(|trouble| trouble.words.clone()),
    }
}

fn transfer_of(keys: &KeyRing, row: Model) -> Result<Transfer, DbErr> {
    let bad = |column: &str| inconsistent("transfer", column, row.id);
    let message = row.success_msg.map(|sealed| {
        let plain = keys.open(row.corp_id, MESSAGE, &Sealed::from_bytes(sealed)).ok();
        let text = plain.and_then(|plain| String::from_utf8(plain).ok());
        text.and_then(|text| Message::parse(&text).ok()).ok_or_else(|| bad("success_msg"))
    });
    Ok(Transfer {
        id: row.id,
        corp: row.corp_id,
        lead: row.lead_id,
        person: ExternalUserId::parse(&row.external_user_id).map_err(|_| bad("external_user_id"))?,
        from: WecomUserId::parse(&row.from_user_id).map_err(|_| bad("from_user_id"))?,
        to: WecomUserId::parse(&row.to_user_id).map_err(|_| bad("to_user_id"))?,
        message: message.transpose()?,
        progress: Progress {
            state: State::parse(&row.state).ok_or_else(|| bad("state"))?,
            attempts: row.attempts,
            is_unclear: row.is_unclear,
            lease_until: row.lease_until,
            requested_at: row.requested_at,
            accepted_at: row.accepted_at,
            look_at: row.look_at,
            settled_at: row.settled_at,
            trouble: row.problem.map(|words| Trouble { errcode: row.errcode, words }),
        },
        requested_by: row.requested_by,
    })
}
