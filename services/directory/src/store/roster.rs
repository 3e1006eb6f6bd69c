//! The part of a corp's roster that some ids are about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use scrm_db::Txn;
use scrm_kernel::{CorpId, StaffId, WecomUserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, Condition, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::{member_gone, roster, staff_tenure};
use super::{inconsistent, staff};
use crate::domain::roster::Roster;
use crate::domain::staff::Fact;
use crate::domain::tenure::{Begin, End, Tenure};

/// Locks a corp's roster until the transaction ends; returns when its departments were listed last.
pub(crate) async fn lock(txn: &Txn, corp: CorpId) -> Result<Option<Fact>, DbErr> {
    let row = roster::ActiveModel { corp_id: Set(corp), listed_at: Set(None), listed_seq: Set(None) };
    roster::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    let row = roster::Entity::find_by_id(corp).lock_exclusive().one(txn).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("a roster that was just made".to_owned()))?;
    let listed = row.listed_at.zip(row.listed_seq);
    Ok(listed.map(|(occurred_at, received_seq)| Fact { occurred_at, received_seq }))
}

/// Notes when the departments of a locked roster were listed.
pub(crate) async fn note_listing(txn: &Txn, corp: CorpId, fact: Fact) -> Result<(), DbErr> {
    use sea_orm::sea_query::Expr;
    roster::Entity::update_many()
        .col_expr(roster::Column::ListedAt, Expr::value(fact.occurred_at))
        .col_expr(roster::Column::ListedSeq, Expr::value(fact.received_seq))
        .filter(roster::Column::CorpId.eq(corp))
        .exec(txn)
        .await?;
    Ok(())
}

/// Returns of a locked roster who has or had one of some ids, with all their ids.
pub(crate) async fn about(txn: &Txn, corp: CorpId, users: &[&WecomUserId]) -> Result<Roster, DbErr> {
    use staff_tenure::Column;
    let keys = || users.iter().map(|user| user.folded());
    let of_ids = tenures(txn, corp, Condition::all().add(Column::UserKey.is_in(keys()))).await?;
    let ids: BTreeSet<StaffId> = of_ids.iter().map(|row| row.staff_id).collect();
    let own =
        Condition::any().add(Column::StaffId.is_in(ids.iter().copied())).add(Column::UserKey.is_in(keys()));
    let tenures = tenures(txn, corp, own).await?;
    let people: BTreeMap<_, _> = staff::people(txn, corp, ids.iter().copied()).await?;
    let gone = member_gone::Entity::find()
        .filter(member_gone::Column::CorpId.eq(corp))
        .filter(
            member_gone::Column::UserKey.is_in(keys().chain(tenures.iter().map(|row| row.user_key.clone()))),
        )
        .all(txn)
        .await?;
    let fact =
        |row: &member_gone::Model| Fact { occurred_at: row.occurred_at, received_seq: row.received_seq };
    Ok(Roster {
        people,
        tenures: tenures.iter().map(tenure_of).collect::<Result<_, _>>()?,
        gone: gone.into_iter().map(|row| (row.user_key.clone(), fact(&row))).collect(),
    })
}

async fn tenures(txn: &Txn, corp: CorpId, condition: Condition) -> Result<Vec<staff_tenure::Model>, DbErr> {
    staff_tenure::Entity::find()
        .filter(staff_tenure::Column::CorpId.eq(corp))
        .filter(condition)
        .order_by_asc(staff_tenure::Column::StaffId)
        .order_by_asc(staff_tenure::Column::Place)
        .all(txn)
        .await
}

fn tenure_of(row: &staff_tenure::Model) -> Result<Tenure, DbErr> {
    let bad = |column: &str| inconsistent("staff_tenure", column, row.staff_id);
    Ok(Tenure {
        staff: row.staff_id,
        user: WecomUserId::parse(&row.user_id).map_err(|_| bad("user_id"))?,
        begin: match row.began_by.as_str() {
            SEEN => Begin::Seen(row.began_at),
            RENAMED => Begin::Renamed(row.began_at),
            _ => return Err(bad("began_by")),
        },
        end: match (row.ended_by.as_deref(), row.ended_at) {
            (None, None) => End::Open,
            (Some(RENAMED), Some(at)) => End::Renamed(at),
            (Some(TAKEN), Some(at)) => End::Taken(at),
            _ => return Err(bad("ended_by")),
        },
    })
}

const SEEN: &str = "seen";
const RENAMED: &str = "renamed";
const TAKEN: &str = "taken";

/// Writes what has become of a part of a locked roster, but not whom everybody is told of.
pub(crate) async fn save(txn: &Txn, corp: CorpId, before: &Roster, after: &Roster) -> Result<(), DbErr> {
    if before.tenures != after.tenures {
        replace_tenures(txn, corp, before, after).await?;
    }
    for (user_key, fact) in &after.gone {
        if before.gone.get(user_key) != Some(fact) {
            note_gone(txn, corp, user_key, *fact).await?;
        }
    }
    for (id, person) in &after.people {
        if before.people.get(id) != Some(person) {
            staff::put(txn, corp, after, *id).await?;
        }
    }
    Ok(())
}

async fn replace_tenures(txn: &Txn, corp: CorpId, before: &Roster, after: &Roster) -> Result<(), DbErr> {
    let known: BTreeSet<StaffId> = before.tenures.iter().map(|tenure| tenure.staff).collect();
    staff_tenure::Entity::delete_many()
        .filter(staff_tenure::Column::CorpId.eq(corp))
        .filter(staff_tenure::Column::StaffId.is_in(known))
        .exec(txn)
        .await?;
    let mut places: HashMap<StaffId, i32> = HashMap::new();
    let rows = after.tenures.iter().map(|tenure| {
        let place = places.entry(tenure.staff).or_default();
        *place += 1;
        row_of(corp, tenure, *place)
    });
    staff_tenure::Entity::insert_many(rows).exec_without_returning(txn).await?;
    Ok(())
}

fn row_of(corp: CorpId, tenure: &Tenure, place: i32) -> staff_tenure::ActiveModel {
    let began_by = match tenure.begin {
        Begin::Seen(_) => SEEN,
        Begin::Renamed(_) => RENAMED,
    };
    let ended_by = match tenure.end {
        End::Open => None,
        End::Renamed(_) => Some(RENAMED),
        End::Taken(_) => Some(TAKEN),
    };
    staff_tenure::ActiveModel {
        corp_id: Set(corp),
        staff_id: Set(tenure.staff),
        place: Set(place),
        user_key: Set(tenure.user.folded()),
        user_id: Set(tenure.user.as_str().to_owned()),
        began_at: Set(tenure.begin.at()),
        began_by: Set(began_by.to_owned()),
        ended_at: Set(tenure.end.at()),
        ended_by: Set(ended_by.map(str::to_owned)),
    }
}

async fn note_gone(txn: &Txn, corp: CorpId, user_key: &str, fact: Fact) -> Result<(), DbErr> {
    use member_gone::Column;
    let row = member_gone::ActiveModel {
        corp_id: Set(corp),
        user_key: Set(user_key.to_owned()),
        occurred_at: Set(fact.occurred_at),
        received_seq: Set(fact.received_seq),
    };
    let replace = OnConflict::columns([Column::CorpId, Column::UserKey])
        .update_columns([Column::OccurredAt, Column::ReceivedSeq])
        .to_owned();
    member_gone::Entity::insert(row).on_conflict(replace).exec_without_returning(txn).await?;
    Ok(())
}
