//! What members answered: every press of a button, and which leads are taken up.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use scrm_db::Txn;
use scrm_kernel::{CorpId, LeadId, Timestamp, WecomUserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};

use super::entity::{acknowledgement, card_click};
use crate::domain::card::{Code, TaskId};

/// Notes a press of a button; `false` when it was noted before.
pub(crate) async fn note_click(
    txn: &Txn,
    corp: CorpId,
    task: &TaskId,
    user: &WecomUserId,
    button_key: &str,
    code: &Code,
    clicked_at: Timestamp,
) -> Result<bool, DbErr> {
    let row = card_click::ActiveModel {
        corp_id: Set(corp),
        code_hash: Set(digest(&SHA256, code.text.as_bytes()).as_ref().to_vec()),
        task_id: Set(task.as_str().to_owned()),
        user_id: Set(user.as_str().to_owned()),
        button_key: Set(button_key.to_owned()),
        clicked_at: Set(clicked_at),
    };
    let inserted = card_click::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}

/// Notes that a member takes a lead up.
pub(crate) async fn note(
    txn: &Txn,
    corp: CorpId,
    lead: LeadId,
    user: &WecomUserId,
    at: Timestamp,
) -> Result<(), DbErr> {
    let row = acknowledgement::ActiveModel {
        corp_id: Set(corp),
        lead_id: Set(lead),
        user_key: Set(user.folded()),
        acknowledged_at: Set(at),
    };
    acknowledgement::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Returns since when leads are taken up, by lead and case-folded member.
pub(crate) async fn of_leads(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    leads: impl IntoIterator<Item = LeadId>,
) -> Result<HashMap<(LeadId, String), Timestamp>, DbErr> {
    let rows = acknowledgement::Entity::find()
        .filter(acknowledgement::Column::CorpId.eq(corp))
        .filter(acknowledgement::Column::LeadId.is_in(leads))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| ((row.lead_id, row.user_key), row.acknowledged_at)).collect())
}
