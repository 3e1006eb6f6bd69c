//! Decisions about leads and transfers, as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, TransferId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::transfer::{OBJECTION, State, Transfer};

/// Who shall have a lead.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReassignIn)]
pub(super) struct ReassignIn {
    /// WeCom's id of the member, who must not be known to be disabled or gone.
    pub(super) user_id: String,
    /// Why, up to 100 characters: part of the lead's reason, which the new owner reads.
    pub(super) reason: Option<String>,
    /// Whether WeCom hands the customer over; true: or nothing at all is done; absent: if the former owner has them as
    /// contact.
    pub(super) transfer: Option<bool>,
    /// What WeCom tells the customer about it, up to 200 characters; its own words when absent.
    pub(super) message: Option<String>,
}

/// The way of a customer from one member to another in WeCom.
#[derive(Serialize, ToSchema)]
#[schema(as = Transfer)]
pub(super) struct TransferOut {
    id: TransferId,
    /// `wanted`, `calling`: WeCom is being asked; `waiting`: the customer may refuse for 24 hours; `done`; `refused`: by
    /// the customer; `failed`: WeCom did not do it; `unknown`: nobody can tell, look in WeCom.
    state: &'static str,
    /// When that was so: when it was wanted, when WeCom had begun, or when it was over.
    at: Moment,
    /// What did not work last, in words.
    reason: Option<String>,
    /// WeCom's code of that.
    errcode: Option<i64>,
    /// How often WeCom was asked.
    attempts: i32,
    /// Until when the customer may refuse, while it waits.
    ends_at: Option<Moment>,
    /// Who has the customer.
    from_user_id: String,
    /// Who shall have them.
    to_user_id: String,
    /// What the customer is told; null for WeCom's own words.
    message: Option<String>,
    requested_at: Moment,
    requested_by: String,
}

impl From<&Transfer> for TransferOut {
    fn from(transfer: &Transfer) -> Self {
        let progress = &transfer.progress;
        let trouble = progress.trouble.as_ref();
        let at = match progress.state {
            State::Wanted | State::Calling => progress.requested_at,
            State::Waiting => progress.accepted_at.unwrap_or(progress.requested_at),
            _ => progress.settled_at.unwrap_or(progress.requested_at),
        };
        let ends_at = (progress.state == State::Waiting).then(|| Moment::from(at + OBJECTION));
        Self {
            id: transfer.id,
            state: progress.state.as_str(),
            at: at.into(),
            reason: trouble.map(|trouble| trouble.words.clone()),
            errcode: trouble.and_then(|trouble| trouble.errcode),
            attempts: progress.attempts,
            ends_at,
            from_user_id: transfer.from.as_str().to_owned(),
            to_user_id: transfer.to.as_str().to_owned(),
            message: transfer.message.as_ref().map(|message| message.as_str().to_owned()),
            requested_at: progress.requested_at.into(),
            requested_by: transfer.requested_by.clone(),
        }
    }
}

/// The transfers of a lead.
#[derive(Serialize, ToSchema)]
#[schema(as = Transfers)]
pub(super) struct TransfersOut {
    pub(super) items: Vec<TransferOut>,
    pub(super) next_cursor: Option<Cursor>,
}
