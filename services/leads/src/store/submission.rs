//! Submissions: one row for each form that a person sent, with what was decided about it.

use std::collections::HashSet;
use std::iter::repeat_n;

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{CorpId, KeyRing, LeadId, SubmissionId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::entity::submission::{ActiveModel, Column, Entity};
use crate::domain::reason::Reason;
use crate::domain::submission::Submission;

const ANSWERS: &str = "submission.answers";

/// Reports whether a submission was handled before.
pub(crate) async fn is_known(txn: &Txn, corp: CorpId, id: SubmissionId) -> Result<bool, DbErr> {
    Ok(Entity::find_by_id((corp, id)).one(txn).await?.is_some())
}

/// Returns those of some submissions that were handled before.
pub(crate) async fn known(
    txn: &Txn,
    corp: CorpId,
    ids: &[SubmissionId],
) -> Result<HashSet<SubmissionId>, DbErr> {
    let Some(last) = ids.last() else { return Ok(HashSet::new()) };
    // Asked for as many as a power of two: few texts, which the statement cache can hold.
    let asked = ids.iter().chain(repeat_n(last, ids.len().next_power_of_two() - ids.len()));
    let known = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Id.is_in(asked.copied()))
        .into_tuple()
        .all(txn)
        .await?;
    Ok(known.into_iter().collect())
}

/// Notes a submission, the lead that it belongs to, and why.
pub(crate) async fn note(
    txn: &Txn,
    keys: &KeyRing,
    corp: CorpId,
    submission: &Submission,
    lead: LeadId,
    reason: &Reason,
) -> Result<(), DbErr> {
    note_all(txn, keys, corp, std::iter::once((submission, lead, reason))).await
}

/// Notes submissions, each with the lead that it belongs to, and why.
pub(crate) async fn note_all(
    txn: &Txn,
    keys: &KeyRing,
    corp: CorpId,
    submissions: impl Iterator<Item = (&Submission, LeadId, &Reason)>,
) -> Result<(), DbErr> {
    let row = |(submission, lead, reason): (&Submission, LeadId, &Reason)| ActiveModel {
        corp_id: Set(corp),
        id: Set(submission.id),
        lead_id: Set(lead),
        source: Set(submission.source.clone()),
        channel: Set(submission.channel.clone()),
        region: Set(submission.region.clone()),
        product: Set(submission.product.clone()),
        remark: Set(submission.remark.clone()),
        answers: Set(keys.seal(corp, ANSWERS, submission.answers.as_bytes()).into_bytes()),
        reason_code: Set(reason.code.as_str().to_owned()),
        reason_text: Set(reason.text.clone()),
        received_at: Set(submission.received_at),
        handled_at: Set(txn.now()),
    };
    sql::insert_all(txn, submissions.map(row).collect(), Known::Refuse).await.map(drop)
}
