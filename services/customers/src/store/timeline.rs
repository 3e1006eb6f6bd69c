//! What happened with customers. Whoever writes it holds the customer locked.

use std::collections::BTreeSet;
use std::time::Duration;

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
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

/// Adds what was noticed here of some customers.
pub(crate) async fn add_all(
    txn: &Txn,
    corp: CorpId,
    happened: &[(CustomerId, Happening)],
) -> Result<(), DbErr> {
    let row = |(customer, happening): &(CustomerId, Happening)| {
        let member = happening.member.as_ref();
        ActiveModel {
            id: Set(TimelineId::mint(txn.now())),
            corp_id: Set(corp),
            customer_id: Set(*customer),
            at: Set(happening.at),
            kind: Set(happening.event.kind().to_owned()),
            user_key: Set(member.map(WecomUserId::folded)),
            user_id: Set(member.map(|member| member.as_str().to_owned())),
            subject: Set(happening.event.subject().to_owned()),
            data: Set(data_of(&happening.event)),
        }
    };
    sql::insert_all(txn, happened.iter().map(row).collect(), Known::Refuse).await.map(drop)
}

/// Adds what was noticed here of a customer.
pub(crate) async fn add(
    txn: &Txn,
    corp: CorpId,
    customer: CustomerId,
    happening: Happening,
) -> Result<(), DbErr> {
    add_all(txn, corp, &[(customer, happening)]).await
}

/// Adds what was told of some customers, each thing unless it is known; then the earliest telling counts. Says of each
/// whether it was not. Nothing is told twice.
pub(crate) async fn note_all(
    txn: &Txn,
    corp: CorpId,
    told: &[(CustomerId, Happening)],
) -> Result<Vec<bool>, DbErr> {
    let kinds: BTreeSet<&str> = told.iter().map(|(_, happening)| happening.event.kind()).collect();
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let known = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::CustomerId.is_in(sql::padded(told.iter().map(|(customer, _)| *customer))))
        .filter(Column::Kind.is_in(sql::padded(kinds)))
        .order_by_asc(Column::At)
        .all(txn)
        .await?;
    let is_same = |entry: &Model, (customer, happening): &(CustomerId, Happening)| {
        let member = happening.member.as_ref().map(WecomUserId::folded);
        entry.customer_id == *customer
            && entry.kind == happening.event.kind()
            && entry.user_key == member
            && entry.subject == happening.event.subject()
            && (happening.at - SAME..=happening.at + SAME).contains(&entry.at)
    };
    let (mut new, mut are_new) = (Vec::new(), Vec::new());
    for one in told {
        let earliest = known.iter().find(|entry| is_same(entry, one));
        match earliest {
            None => new.push(one.clone()),
            Some(entry) if one.1.at < entry.at => {
                let earlier = ActiveModel {
                    id: Unchanged(entry.id),
                    at: Set(one.1.at),
                    ..<ActiveModel as Default>::default()
                };
                Entity::update(earlier).exec_without_returning(txn).await?;
            }
            Some(_) => {}
        }
        are_new.push(earliest.is_none());
    }
    add_all(txn, corp, &new).await?;
    Ok(are_new)
}

/// Adds what was told of a customer, unless it is known; then the earliest telling counts. `true` when it was not.
pub(crate) async fn note(
    txn: &Txn,
    corp: CorpId,
    customer: CustomerId,
    happening: &Happening,
) -> Result<bool, DbErr> {
    Ok(note_all(txn, corp, &[(customer, happening.clone())]).await?.contains(&true))
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
