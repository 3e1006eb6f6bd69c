//! Submissions: one row for each form that a person sent, with what was decided about it.

use scrm_db::Txn;
use scrm_kernel::{CorpId, KeyRing, LeadId, SubmissionId};
use sea_orm::ActiveValue::Set;
use sea_orm::{DbErr, EntityTrait as _};

use super::entity::submission::{ActiveModel, Entity};
use crate::domain::reason::Reason;
use crate::domain::submission::Submission;

const ANSWERS: &str = "submission.answers";

/// Reports whether a submission was handled before.
pub(crate) async fn is_known(txn: &Txn, corp: CorpId, id: SubmissionId) -> Result<bool, DbErr> {
    Ok(Entity::find_by_id((corp, id)).one(txn).await?.is_some())
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
    let row = ActiveModel {
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
    Entity::insert(row).exec_without_returning(txn).await?;
    Ok(())
}
