//! Tags that are to be made in WeCom: one row for a name in a group, wanted anew by the same row.

use scrm_db::Txn;
use scrm_kernel::{CorpId, TagWishId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _, Iterable as _,
    QueryFilter as _, QuerySelect as _,
};

use super::entity::tag_wish::{Column, Entity, Model};
use super::inconsistent;
use crate::domain::tag_wish::{State, TagWish, WantedTag};

fn row_of(wish: &TagWish) -> Model {
    let (state, lease_until, tag_id, problem) = match wish.state.clone() {
        State::Waiting { problem } => ("waiting", None, None, problem),
        State::Calling { until } => ("calling", Some(until), None, None),
        State::Made { tag } => ("made", None, Some(tag), None),
        State::Refused { problem } => ("refused", None, None, Some(problem)),
    };
    Model {
        id: wish.id,
        corp_id: wish.corp,
        group_name: wish.tag.group.clone(),
        name: wish.tag.name.clone(),
        sort_order: wish.tag.order.map(i64::from),
        state: state.to_owned(),
        attempt: wish.attempt,
        lease_until,
        tag_id,
        problem,
        created_at: wish.created_at,
    }
}

impl TryFrom<Model> for TagWish {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let bad = |column: &str| inconsistent("tag_wish", column, row.id);
        let state = match row.state.as_str() {
            "waiting" => State::Waiting { problem: row.problem },
            "calling" => State::Calling { until: row.lease_until.ok_or_else(|| bad("lease_until"))? },
            "made" => State::Made { tag: row.tag_id.ok_or_else(|| bad("tag_id"))? },
            "refused" => State::Refused { problem: row.problem.ok_or_else(|| bad("problem"))? },
            _ => return Err(bad("state")),
        };
        let order = row.sort_order.map(u32::try_from).transpose().map_err(|_| bad("sort_order"))?;
        Ok(Self {
            id: row.id,
            corp: row.corp_id,
            tag: WantedTag { group: row.group_name, name: row.name, order },
            state,
            attempt: row.attempt,
            created_at: row.created_at,
        })
    }
}

/// Returns the wish for the name of `new`, which becomes it if there is none; the row stays locked until the transaction
/// ends.
pub(crate) async fn lock_or_make(txn: &Txn, new: &TagWish) -> Result<TagWish, DbErr> {
    Entity::insert(row_of(new).into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    let row = Entity::find()
        .filter(Column::CorpId.eq(new.corp))
        .filter(Column::GroupName.eq(&new.tag.group))
        .filter(Column::Name.eq(&new.tag.name))
        .lock_exclusive()
        .one(txn)
        .await?;
    row.ok_or_else(|| DbErr::RecordNotFound("a wish that was just made".to_owned()))?.try_into()
}

/// Returns a wish and keeps the row locked until the transaction ends.
pub(crate) async fn lock(txn: &Txn, corp: CorpId, id: TagWishId) -> Result<Option<TagWish>, DbErr> {
    let row = Entity::find_by_id(id).filter(Column::CorpId.eq(corp)).lock_exclusive().one(txn).await?;
    row.map(TagWish::try_from).transpose()
}

/// Returns a wish.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    id: TagWishId,
) -> Result<Option<TagWish>, DbErr> {
    let row = Entity::find_by_id(id).filter(Column::CorpId.eq(corp)).one(connection).await?;
    row.map(TagWish::try_from).transpose()
}

/// Writes a locked wish.
pub(crate) async fn save(txn: &Txn, wish: &TagWish) -> Result<(), DbErr> {
    let replace = OnConflict::column(Column::Id)
        .update_columns(Column::iter().filter(|column| !matches!(column, Column::Id)))
        .to_owned();
    let row = row_of(wish).into_active_model();
    Entity::insert(row).on_conflict(replace).exec_without_returning(txn).await?;
    Ok(())
}
