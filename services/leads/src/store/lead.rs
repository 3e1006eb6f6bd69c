//! Leads.

use std::collections::HashMap;

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{
    BlindIndex, CorpId, ExternalUserId, KeyRing, LeadId, Page, PageRequest, Scope, WecomUserId,
};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::{Expr, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};

use super::entity::lead::{ActiveModel, Column, Entity, Model};
use super::{inconsistent, staff};
use crate::domain::lead::{Claim, Lead, Origin, Stage};
use crate::domain::reason::{Reason, ReasonCode};
use crate::domain::submission::Submission;

const PHONE: &str = "lead.phone";
const EMAIL: &str = "lead.email";

/// Returns the columns that a lead itself tells.
fn row_of(lead: &Lead) -> ActiveModel {
    let (owner, at) = match &lead.stage {
        Stage::Pool => (None, None),
        Stage::Assigned { owner, at } => (Some(owner), Some(*at)),
    };
    let origin = lead.origin.as_ref();
    ActiveModel {
        id: Set(lead.id),
        corp_id: Set(lead.corp),
        external_user_id: Set(lead.person.as_ref().map(|person| person.as_str().to_owned())),
        owner_user_id: Set(owner.map(|owner| owner.as_str().to_owned())),
        owner_key: Set(owner.map(WecomUserId::folded)),
        reason_code: Set(lead.reason.code.as_str().to_owned()),
        reason_text: Set(Some(lead.reason.text.clone())),
        claimed_at: Set(lead.claim.occurred_at),
        claimed_seq: Set(lead.claim.received_seq),
        channel: Set(lead.channel.clone()),
        stage: Set(lead.stage.as_str().to_owned()),
        received_at: Set(lead.received_at),
        assigned_at: Set(at),
        source: Set(origin.map(|origin| origin.source.clone())),
        routing_group: Set(origin.map(|origin| origin.group.clone())),
        submission_id: Set(origin.map(|origin| origin.submission)),
        name: Set(lead.name.clone()),
        ..<ActiveModel as Default>::default()
    }
}

impl TryFrom<Model> for Lead {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let bad = |column: &str| inconsistent("lead", column, row.id);
        let person = row.external_user_id.as_deref().map(ExternalUserId::parse).transpose();
        let user = row.owner_user_id.as_deref().map(WecomUserId::parse).transpose();
        let user = user.map_err(|_| bad("owner_user_id"))?;
        let code = ReasonCode::parse(&row.reason_code).ok_or_else(|| bad("reason_code"))?;
        let reason = match (row.reason_text, &user) {
            (Some(text), _) => Reason { code, text },
            (None, Some(user)) if code == ReasonCode::AddedByContact => Reason::added_by_contact(user),
            (None, _) => return Err(bad("reason_text")),
        };
        let stage = match (row.stage.as_str(), user, row.assigned_at) {
            ("pool", None, None) => Stage::Pool,
            ("assigned", Some(owner), Some(at)) => Stage::Assigned { owner, at },
            _ => return Err(bad("stage")),
        };
        let origin = match (row.source, row.routing_group, row.submission_id) {
            (Some(source), Some(group), Some(submission)) => Some(Origin { source, group, submission }),
            _ => None,
        };
        Ok(Self {
            person: person.map_err(|_| bad("external_user_id"))?,
            name: row.name,
            origin,
            stage,
            reason,
            id: row.id,
            corp: row.corp_id,
            version: row.version,
            claim: Claim { occurred_at: row.claimed_at, received_seq: row.claimed_seq },
            channel: row.channel,
            received_at: row.received_at,
        })
    }
}

/// Adds a lead of a person whose marks it holds.
pub(crate) async fn insert(txn: &Txn, lead: &Lead) -> Result<(), DbErr> {
    Entity::insert(row_of(lead)).exec_without_returning(txn).await?;
    Ok(())
}

/// Adds leads of people whose marks they hold.
pub(crate) async fn insert_all(txn: &Txn, leads: impl Iterator<Item = &Lead>) -> Result<(), DbErr> {
    sql::insert_all(txn, leads.map(row_of).collect(), Known::Refuse).await.map(drop)
}

/// Adds a lead with what its first submission told of the person.
pub(crate) async fn insert_submitted(
    txn: &Txn,
    keys: &KeyRing,
    lead: &Lead,
    submission: &Submission,
) -> Result<(), DbErr> {
    insert_all_submitted(txn, keys, std::iter::once((lead, submission))).await
}

/// Adds leads, each with what its first submission told of the person.
pub(crate) async fn insert_all_submitted(
    txn: &Txn,
    keys: &KeyRing,
    leads: impl Iterator<Item = (&Lead, &Submission)>,
) -> Result<(), DbErr> {
    let row = |(lead, submission): (&Lead, &Submission)| {
        let sealed = Personal::of(keys, lead.corp, submission);
        ActiveModel {
            unionid: Set(submission.union_id.clone()),
            phone_index: Set(sealed.phone_index),
            phone: Set(sealed.phone),
            email: Set(sealed.email),
            ..row_of(lead)
        }
    };
    sql::insert_all(txn, leads.map(row).collect(), Known::Refuse).await.map(drop)
}

/// What is personal in a submission, as a lead keeps it.
struct Personal {
    phone_index: Option<Vec<u8>>,
    phone: Option<Vec<u8>>,
    email: Option<Vec<u8>>,
}

impl Personal {
    fn of(keys: &KeyRing, corp: CorpId, submission: &Submission) -> Self {
        let seal = |place: &str, text: &Option<String>| {
            text.as_ref().map(|text| keys.seal(corp, place, text.as_bytes()).into_bytes())
        };
        Self {
            phone_index: submission.phone_index.as_ref().and_then(|index| hex::decode(index).ok()),
            phone: seal(PHONE, &submission.phone),
            email: seal(EMAIL, &submission.email),
        }
    }
}

/// Fills in what a lead did not know of its person.
pub(crate) async fn fill(
    txn: &Txn,
    keys: &KeyRing,
    lead: &Lead,
    submission: &Submission,
) -> Result<(), DbErr> {
    let sealed = Personal::of(keys, lead.corp, submission);
    let person = submission.person.as_ref().map(|person| person.as_str().to_owned());
    let keep = |column: Column, value: SimpleExpr| -> (Column, SimpleExpr) {
        (column, Func::coalesce([Expr::col(column), value]).into())
    };
    let mut update = Entity::update_many();
    for (column, value) in [
        keep(Column::ExternalUserId, Expr::value(person)),
        keep(Column::Name, Expr::value(submission.name.clone())),
        keep(Column::Unionid, Expr::value(submission.union_id.clone())),
        keep(Column::PhoneIndex, Expr::value(sealed.phone_index)),
        keep(Column::Phone, Expr::value(sealed.phone)),
        keep(Column::Email, Expr::value(sealed.email)),
        keep(Column::Source, Expr::value(submission.source.clone())),
        keep(Column::RoutingGroup, Expr::value(submission.group.clone())),
        keep(Column::SubmissionId, Expr::value(submission.id)),
    ] {
        update = update.col_expr(column, value);
    }
    update.filter(Column::CorpId.eq(lead.corp)).filter(Column::Id.eq(lead.id)).exec(txn).await?;
    Ok(())
}

/// Returns an open lead and keeps it locked until the transaction ends.
pub(crate) async fn lock(txn: &Txn, corp: CorpId, id: LeadId) -> Result<Option<Lead>, DbErr> {
    let row = Entity::find_by_id(id)
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ClosedAt.is_null())
        .lock_exclusive()
        .one(txn)
        .await?;
    row.map(Lead::try_from).transpose()
}

/// Counts the open leads of some people; who has none is not among them.
pub(crate) async fn open_of(
    txn: &Txn,
    corp: CorpId,
    people: &[String],
) -> Result<HashMap<String, i64>, DbErr> {
    let counts = Entity::find()
        .select_only()
        .column(Column::OwnerKey)
        .column_as(Column::Id.count(), "open")
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ClosedAt.is_null())
        .filter(Column::OwnerKey.is_in(people))
        .group_by(Column::OwnerKey)
        .into_tuple::<(String, i64)>()
        .all(txn)
        .await?;
    Ok(counts.into_iter().collect())
}

/// Writes what may change of a locked lead, which is one version further then.
pub(crate) async fn save(txn: &Txn, lead: &Lead) -> Result<(), DbErr> {
    let version = Set(lead.version + 1);
    let row = ActiveModel { id: Unchanged(lead.id), version, ..row_of(lead) };
    Entity::update(row).exec_without_returning(txn).await?;
    Ok(())
}

fn visible(scope: &Scope) -> Condition {
    let corp = Condition::all().add(Column::CorpId.eq(scope.corp));
    // An owner stands in the row as the event spelled it; who that is may be known later.
    corp.add_option(staff::keys_within(scope).map(|keys| {
        let is_one_of = |keys| Column::OwnerKey.in_subquery(keys);
        Condition::any().add(is_one_of(keys.present)).add(is_one_of(keys.former))
    }))
}

/// Returns a lead that `scope` sees.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    id: LeadId,
) -> Result<Option<Lead>, DbErr> {
    let row = Entity::find_by_id(id).filter(visible(scope)).one(connection).await?;
    row.map(Lead::try_from).transpose()
}

/// Returns those of some leads that there are.
pub(crate) async fn find_all(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    ids: impl IntoIterator<Item = LeadId>,
) -> Result<HashMap<LeadId, Lead>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Id.is_in(sql::padded(ids)))
        .all(connection)
        .await?;
    rows.into_iter().map(|row| Ok((row.id, Lead::try_from(row)?))).collect()
}

/// Which leads a list is about.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// The lead of this customer.
    pub(crate) person: Option<&'a ExternalUserId>,
    /// Leads of whoever has this phone.
    pub(crate) phone: Option<BlindIndex>,
    /// Leads of this source.
    pub(crate) source: Option<&'a str>,
}

impl Wanted<'_> {
    fn condition(&self) -> Condition {
        let person = self.person.map(|person| Column::ExternalUserId.eq(person.as_str()));
        let phone = self.phone.map(|phone| Column::PhoneIndex.eq(phone.as_bytes().to_vec()));
        let source = self.source.map(|source| Column::Source.eq(source));
        Condition::all().add_option(person).add_option(phone).add_option(source)
    }
}

/// Lists the leads that `scope` sees, newest first; `before` is the last one of the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    wanted: &Wanted<'_>,
    page: &PageRequest,
    before: Option<LeadId>,
) -> Result<Page<Lead>, DbErr> {
    let rows = listed(scope, wanted, before).limit(page.limit + 1).all(connection).await?;
    let leads = rows.into_iter().map(Lead::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(leads, page.limit, |lead| lead.id))
}

fn listed(scope: &Scope, wanted: &Wanted<'_>, before: Option<LeadId>) -> Select<Entity> {
    Entity::find()
        .filter(visible(scope))
        .filter(wanted.condition())
        .filter(Condition::all().add_option(before.map(|before| Column::Id.lt(before))))
        .order_by_desc(Column::Id)
}

#[cfg(test)]
mod tests;
