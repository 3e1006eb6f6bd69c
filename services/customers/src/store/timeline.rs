//! What happened with customers. Whoever writes it holds the customer locked.

use std::time::Duration;

use scrm_db::Txn;
use scrm_kernel::{CorpId, CustomerId, Page, PageRequest, TimelineId, Timestamp, WecomUserId};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::{Value, json};

use super::entity::timeline::{ActiveModel, Column, Entity, Model};
use super::relation;
use crate::domain::happening::{Event, Happening};

/// What two apps, or an event and a reading, tell of one thing is this close.
const SAME: Duration = Duration::from_secs(10);

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Our id.
    pub id: TimelineId,
    /// When it happened.
    pub at: Timestamp,
    /// What.
    pub kind: String,
    /// With which member.
    pub user: Option<String>,
    /// The channel or tag; empty when it is about neither.
    pub subject: String,
    /// What else is known: an object.
    pub data: Value,
}

fn data_of(event: &Event) -> Value {
    match event {
        Event::CameByChannel { id, name } => json!({"channel_id": id, "channel_name": name}),
        Event::ProfileChanged(fields) => json!({"fields": fields}),
        Event::Tagged(tag) | Event::Untagged(tag) => json!({"tag_id": tag}),
        Event::Added | Event::Removed(_) => json!({}),
    }
}

/// Adds what was noticed here.
pub(crate) async fn add(
    txn: &Txn,
    corp: CorpId,
    customer: CustomerId,
    happening: &Happening,
) -> Result<(), DbErr> {
    let member = happening.member.as_ref();
    let row = ActiveModel {
        id: Set(TimelineId::mint(txn.now())),
        corp_id: Set(corp),
        customer_id: Set(customer),
        at: Set(happening.at),
        kind: Set(happening.event.kind().to_owned()),
        user_key: Set(member.map(WecomUserId::folded)),
        user_id: Set(member.map(|member| member.as_str().to_owned())),
        subject: Set(happening.event.subject().to_owned()),
        data: Set(data_of(&happening.event)),
    };
    Entity::insert(row).exec_without_returning(txn).await?;
    Ok(())
}

/// Adds what was told, unless it is known; then the earliest telling counts. `true` when it was not.
pub(crate) async fn note(
    txn: &Txn,
    corp: CorpId,
    customer: CustomerId,
    happening: &Happening,
) -> Result<bool, DbErr> {
    let known = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::CustomerId.eq(customer))
        .filter(Column::Kind.eq(happening.event.kind()))
        .filter(Column::UserKey.eq(happening.member.as_ref().map(WecomUserId::folded)))
        .filter(Column::Subject.eq(happening.event.subject()))
        .filter(Column::At.between(happening.at - SAME, happening.at + SAME))
        .order_by_asc(Column::At)
        .one(txn)
        .await?;
    let Some(known) = known else {
        add(txn, corp, customer, happening).await?;
        return Ok(true);
    };
    if happening.at < known.at {
        let earlier = ActiveModel {
            id: Unchanged(known.id),
            at: Set(happening.at),
            ..<ActiveModel as Default>::default()
        };
        Entity::update(earlier).exec_without_returning(txn).await?;
    }
    Ok(false)
}

/// Gives what happened with a member under a former id to the present one, as long as the relations stand under the
/// former one.
pub(crate) async fn rename(
    txn: &Txn,
    corp: CorpId,
    former: &str,
    present: &WecomUserId,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::UserKey, Expr::value(present.folded()))
        .col_expr(Column::UserId, Expr::value(present.as_str()))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::CustomerId.in_subquery(relation::customers_of(corp, former)))
        .filter(Column::UserKey.eq(former))
        .exec(txn)
        .await
        .map(drop)
}

/// Forgets what was told twice of a customer, because a member was known by two ids; the earlier telling stays.
pub(crate) async fn forget_doubles(
    txn: &Txn,
    corp: CorpId,
    customer: CustomerId,
    user_keys: [&str; 2],
) -> Result<(), DbErr> {
    let entries = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::CustomerId.eq(customer))
        .filter(Column::UserKey.is_in(user_keys))
        .order_by_asc(Column::At)
        .order_by_asc(Column::Id)
        .all(txn)
        .await?;
    let is_double = |(place, entry): (usize, &Model)| {
        let mut earlier = entries[..place].iter().filter(|earlier| earlier.user_key != entry.user_key);
        let is_same = |earlier: &Model| {
            (&earlier.kind, &earlier.subject) == (&entry.kind, &entry.subject)
                && entry.at <= earlier.at + SAME
        };
        earlier.any(is_same).then_some(entry.id)
    };
    let doubles: Vec<TimelineId> = entries.iter().enumerate().filter_map(is_double).collect();
    if doubles.is_empty() {
        return Ok(());
    }
    Entity::delete_many().filter(Column::Id.is_in(doubles)).exec(txn).await.map(drop)
}

/// Lists what happened with a customer, newest first; `before` is the last entry of the page before, and `users` are
/// the members with whom it may have been.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    customer: CustomerId,
    users: Option<&[String]>,
    page: &PageRequest,
    before: Option<(Timestamp, TimelineId)>,
) -> Result<Page<Entry>, DbErr> {
    let earlier = before.map(|(at, id)| {
        Condition::any()
            .add(Column::At.lt(at))
            .add(Condition::all().add(Column::At.eq(at)).add(Column::Id.lt(id)))
    });
    let seen =
        users.map(|users| Condition::any().add(Column::UserKey.is_null()).add(Column::UserKey.is_in(users)));
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::CustomerId.eq(customer))
        .filter(Condition::all().add_option(earlier).add_option(seen))
        .order_by_desc(Column::At)
        .order_by_desc(Column::Id)
        .limit(page.limit + 1)
        .all(connection)
        .await?;
    let entry = |row: Model| Entry {
        id: row.id,
        at: row.at,
        kind: row.kind,
        user: row.user_id,
        subject: row.subject,
        data: row.data,
    };
    let entries = rows.into_iter().map(entry).collect();
    Ok(Page::of(entries, page.limit, |entry: &Entry| (entry.at, entry.id)))
}
