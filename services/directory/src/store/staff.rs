//! Members of the staff.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use scrm_db::{Txn, sql};
use scrm_kernel::{CorpId, Page, PageRequest, Scope, StaffId, WecomUserId};
use scrm_people::among;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{LikeExpr, OnConflict, Query};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, Iterable as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::entity::staff::{ActiveModel, Column, Entity, Model};
use super::entity::{staff_department, staff_tenure};
use super::{inconsistent, json_of, of_json};
use crate::domain::roster::{Person, Roster};
use crate::domain::staff::{Fact, Member, Place, Profile, Reading, State};

/// Returns some people of a locked roster, apart from their ids.
pub(super) async fn people(
    txn: &Txn,
    corp: CorpId,
    ids: impl Iterator<Item = StaffId>,
) -> Result<BTreeMap<StaffId, Person>, DbErr> {
    let rows = Entity::find().filter(Column::CorpId.eq(corp)).filter(Column::Id.is_in(ids)).all(txn).await?;
    let mut places = places_of(txn, corp, rows.iter().map(|row| row.id)).await?;
    let person = |row: Model| {
        let (id, version, same_as) = (row.id, row.version, row.same_as);
        let read = row.read_at.zip(row.read_seq);
        let profile = profile_of(row, places.remove(&id).unwrap_or_default())?;
        let reading = read
            .map(|(occurred_at, received_seq)| Reading { fact: Fact { occurred_at, received_seq }, profile });
        Ok((id, Person { version, reading, same_as }))
    };
    rows.into_iter().map(person).collect()
}

async fn places_of(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    ids: impl Iterator<Item = StaffId>,
) -> Result<HashMap<StaffId, Vec<Place>>, DbErr> {
    let rows = staff_department::Entity::find()
        .filter(staff_department::Column::CorpId.eq(corp))
        .filter(staff_department::Column::StaffId.is_in(ids))
        .order_by_asc(staff_department::Column::DepartmentId)
        .all(connection)
        .await?;
    let mut places: HashMap<StaffId, Vec<Place>> = HashMap::new();
    for row in rows {
        let place = Place { department: row.department_id, leads: row.leads };
        places.entry(row.staff_id).or_default().push(place);
    }
    Ok(places)
}

fn profile_of(row: Model, places: Vec<Place>) -> Result<Profile, DbErr> {
    let state = State::parse(&row.read_state).ok_or_else(|| inconsistent("staff", "read_state", row.id))?;
    Ok(Profile {
        name: row.name,
        alias: row.alias,
        position: row.position,
        avatar: row.avatar,
        main_department: row.main_department,
        places,
        leaders: of_json(row.leader_user_ids)?,
        state,
    })
}

fn member_of(row: Model, places: Vec<Place>) -> Result<Member, DbErr> {
    let (id, version, same_as) = (row.id, row.version, row.same_as);
    let bad = |column: &str| inconsistent("staff", column, id);
    let user = row.user_id.as_deref().map(WecomUserId::parse).transpose().map_err(|_| bad("user_id"))?;
    let state = State::parse(&row.state).ok_or_else(|| bad("state"))?;
    let former = of_json(row.former_user_ids.clone())?;
    Ok(Member { id, version, user, former, profile: profile_of(row, places)?, state, same_as })
}

/// Writes one of a locked roster.
pub(super) async fn put(txn: &Txn, corp: CorpId, roster: &Roster, id: StaffId) -> Result<(), DbErr> {
    let Some((person, member)) = roster.people.get(&id).zip(roster.member(id)) else { return Ok(()) };
    let profile = &member.profile;
    let read = person.reading.as_ref().map(|reading| reading.fact);
    let row = ActiveModel {
        id: Set(id),
        corp_id: Set(corp),
        version: Set(member.version),
        user_id: Set(member.user.as_ref().map(|user| user.as_str().to_owned())),
        former_user_ids: Set(json_of(&member.former)?),
        state: Set(member.state.as_str().to_owned()),
        same_as: Set(member.same_as),
        read_at: Set(read.map(|read| read.occurred_at)),
        read_seq: Set(read.map(|read| read.received_seq)),
        read_state: Set(profile.state.as_str().to_owned()),
        name: Set(profile.name.clone()),
        alias: Set(profile.alias.clone()),
        position: Set(profile.position.clone()),
        avatar: Set(profile.avatar.clone()),
        main_department: Set(profile.main_department),
        leader_user_ids: Set(json_of(&profile.leaders)?),
        search_text: Set(search_text(&member)),
    };
    let all_but_id = Column::iter().filter(|column| !matches!(column, Column::Id | Column::CorpId));
    let replace = OnConflict::column(Column::Id).update_columns(all_but_id).to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(txn).await?;
    replace_places(txn, corp, id, &profile.places).await
}

async fn replace_places(txn: &Txn, corp: CorpId, id: StaffId, places: &[Place]) -> Result<(), DbErr> {
    let known = places_of(txn, corp, std::iter::once(id)).await?.remove(&id).unwrap_or_default();
    if known == places {
        return Ok(());
    }
    staff_department::Entity::delete_many()
        .filter(staff_department::Column::CorpId.eq(corp))
        .filter(staff_department::Column::StaffId.eq(id))
        .exec(txn)
        .await?;
    if places.is_empty() {
        return Ok(());
    }
    let row = |place: &Place| staff_department::ActiveModel {
        corp_id: Set(corp),
        staff_id: Set(id),
        department_id: Set(place.department),
        leads: Set(place.leads),
    };
    staff_department::Entity::insert_many(places.iter().map(row)).exec_without_returning(txn).await?;
    Ok(())
}

/// Returns what a search looks through: SQLite and PostgreSQL know different small letters, so they are made here.
fn search_text(member: &Member) -> String {
    let ids = member.user.iter().chain(&member.former).map(WecomUserId::folded);
    let names = [&member.profile.name, &member.profile.alias].map(|name| name.to_lowercase());
    names.into_iter().chain(ids).collect::<Vec<_>>().join("\n")
}

/// Which members are asked for; all of them when nothing is said.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// Who stands so.
    pub(crate) state: Option<State>,
    /// Who belongs to one of these departments.
    pub(crate) departments: Option<&'a BTreeSet<i64>>,
    /// Whose name, alias or id has this in it.
    pub(crate) text: Option<&'a str>,
}

impl Wanted<'_> {
    fn condition(&self, connection: &impl ConnectionTrait, corp: CorpId) -> Condition {
        let state = self.state.map(|state| Column::State.eq(state.as_str()));
        let text = self.text.map(|text| {
            let small = text.to_lowercase();
            let plain = small.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            Column::SearchText.like(LikeExpr::new(format!("%{plain}%")).escape('\\'))
        });
        let departments = self.departments.map(|numbers| {
            let numbers: Vec<i64> = numbers.iter().copied().collect();
            let number = (staff_department::Entity, staff_department::Column::DepartmentId);
            let members = Query::select()
                .column(staff_department::Column::StaffId)
                .from(staff_department::Entity)
                .and_where(staff_department::Column::CorpId.eq(corp))
                .and_where(sql::one_of(connection, number, &numbers))
                .to_owned();
            Column::Id.in_subquery(members)
        });
        Condition::all().add_option(state).add_option(text).add_option(departments)
    }
}

fn visible(scope: &Scope) -> Condition {
    let corp = Condition::all().add(Column::CorpId.eq(scope.corp));
    corp.add_option(among((Entity, Column::Id), scope))
}

/// Returns a member that `scope` sees, also one that turned out to be another.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    id: StaffId,
) -> Result<Option<Member>, DbErr> {
    let row = Entity::find_by_id(id).filter(visible(scope)).one(connection).await?;
    let rows = row.into_iter().collect();
    Ok(members_of(connection, scope.corp, rows).await?.pop())
}

/// Returns the departments to which a member belongs, by WeCom's numbers.
pub(crate) async fn departments(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    id: StaffId,
) -> Result<Vec<i64>, DbErr> {
    let mut places = places_of(connection, corp, std::iter::once(id)).await?;
    Ok(places.remove(&id).unwrap_or_default().iter().map(|place| place.department).collect())
}

/// Returns the member who has an id of WeCom's now.
pub(crate) async fn holder(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    user: &WecomUserId,
) -> Result<Option<Member>, DbErr> {
    let rows = staff_tenure::Entity::find()
        .filter(staff_tenure::Column::CorpId.eq(corp))
        .filter(staff_tenure::Column::UserKey.eq(user.folded()))
        .filter(staff_tenure::Column::EndedAt.is_null())
        .all(connection)
        .await?;
    let Some(tenure) = rows.first() else { return Ok(None) };
    let row = Entity::find_by_id(tenure.staff_id).filter(Column::CorpId.eq(corp)).one(connection).await?;
    Ok(members_of(connection, corp, row.into_iter().collect()).await?.pop())
}

/// Lists the members that `scope` sees, in the order in which they were entered; `after` is the last one of the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    wanted: &Wanted<'_>,
    page: &PageRequest,
    after: Option<StaffId>,
) -> Result<Page<Member>, DbErr> {
    let rows = Entity::find()
        .filter(visible(scope))
        .filter(Column::SameAs.is_null())
        .filter(wanted.condition(connection, scope.corp))
        .filter(Condition::all().add_option(after.map(|after| Column::Id.gt(after))))
        .order_by_asc(Column::Id)
        .limit(page.limit + 1)
        .all(connection)
        .await?;
    let members = members_of(connection, scope.corp, rows).await?;
    Ok(Page::of(members, page.limit, |member| member.id))
}

async fn members_of(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    rows: Vec<Model>,
) -> Result<Vec<Member>, DbErr> {
    let mut places = places_of(connection, corp, rows.iter().map(|row| row.id)).await?;
    let member = |row: Model| {
        let own = places.remove(&row.id).unwrap_or_default();
        member_of(row, own)
    };
    rows.into_iter().map(member).collect()
}
