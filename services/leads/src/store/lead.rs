//! Leads.

use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, LeadId, Page, PageRequest, People, Scope, WecomUserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::lead::{ActiveModel, Column, Entity, Model};
use crate::domain::lead::{Claim, Lead, Owner, Reason, Stage};

fn row_of(lead: &Lead) -> Model {
    Model {
        id: lead.id,
        corp_id: lead.corp,
        external_user_id: lead.person.as_str().to_owned(),
        owner_staff_id: lead.owner.staff,
        owner_user_id: lead.owner.user.as_str().to_owned(),
        reason_code: lead.reason.code().to_owned(),
        claimed_at: lead.claim.occurred_at,
        claimed_seq: lead.claim.received_seq,
        channel: lead.channel.clone(),
        stage: lead.stage.as_str().to_owned(),
        received_at: lead.received_at,
        assigned_at: lead.assigned_at,
        closed_at: None,
    }
}

impl TryFrom<Model> for Lead {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let bad =
            |column: &str| DbErr::Custom(format!("lead {}: column {column} holds no valid value", row.id));
        Ok(Self {
            person: ExternalUserId::parse(&row.external_user_id).map_err(|_| bad("external_user_id"))?,
            owner: Owner {
                staff: row.owner_staff_id,
                user: WecomUserId::parse(&row.owner_user_id).map_err(|_| bad("owner_user_id"))?,
            },
            reason: Reason::parse(&row.reason_code).ok_or_else(|| bad("reason_code"))?,
            stage: Stage::parse(&row.stage).ok_or_else(|| bad("stage"))?,
            id: row.id,
            corp: row.corp_id,
            claim: Claim { occurred_at: row.claimed_at, received_seq: row.claimed_seq },
            channel: row.channel,
            received_at: row.received_at,
            assigned_at: row.assigned_at,
        })
    }
}

/// Adds a lead; `false` when the person has an open one.
pub(crate) async fn insert(txn: &Txn, lead: &Lead) -> Result<bool, DbErr> {
    let inserted = Entity::insert(row_of(lead).into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}

/// Returns a person's open lead and keeps it locked until the transaction ends.
pub(crate) async fn lock_open(
    txn: &Txn,
    corp: CorpId,
    person: &ExternalUserId,
) -> Result<Option<Lead>, DbErr> {
    let row = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.eq(person.as_str()))
        .filter(Column::ClosedAt.is_null())
        .lock_exclusive()
        .one(txn)
        .await?;
    row.map(Lead::try_from).transpose()
}

/// Writes what may change of a locked lead.
pub(crate) async fn save(txn: &Txn, lead: &Lead) -> Result<(), DbErr> {
    let row = row_of(lead);
    let changed = ActiveModel {
        id: sea_orm::ActiveValue::Unchanged(row.id),
        owner_staff_id: Set(row.owner_staff_id),
        owner_user_id: Set(row.owner_user_id),
        reason_code: Set(row.reason_code),
        claimed_at: Set(row.claimed_at),
        claimed_seq: Set(row.claimed_seq),
        channel: Set(row.channel),
        stage: Set(row.stage),
        received_at: Set(row.received_at),
        assigned_at: Set(row.assigned_at),
        ..<ActiveModel as Default>::default()
    };
    changed.update(txn).await?;
    Ok(())
}

fn visible(scope: &Scope) -> Condition {
    let corp = Condition::all().add(Column::CorpId.eq(scope.corp));
    match &scope.people {
        People::Everybody => corp,
        People::Only(staff) => corp.add(Column::OwnerStaffId.is_in(staff.iter().copied())),
    }
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

/// Lists the leads that `scope` sees, newest first; `before` is the last one of the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    person: Option<&ExternalUserId>,
    page: &PageRequest,
    before: Option<LeadId>,
) -> Result<Page<Lead>, DbErr> {
    let rows = Entity::find()
        .filter(visible(scope))
        .filter(Condition::all().add_option(person.map(|person| Column::ExternalUserId.eq(person.as_str()))))
        .filter(Condition::all().add_option(before.map(|before| Column::Id.lt(before))))
        .order_by_desc(Column::Id)
        .limit(page.limit + 1)
        .all(connection)
        .await?;
    let leads = rows.into_iter().map(Lead::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(leads, page.limit, |lead| lead.id))
}
