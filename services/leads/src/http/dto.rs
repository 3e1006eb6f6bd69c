//! What goes in and comes out, as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, LeadId, Page, StaffId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::transfer_dto::TransferOut;
use crate::app::{LeadView, WelcomeView};
use crate::domain::lead::Stage;

/// Which leads are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct LeadsIn {
    /// WeCom's id of the customer.
    pub(super) external_user_id: Option<String>,
    /// A phone number, in any spelling.
    pub(super) phone: Option<String>,
    /// A lead source, by its name in its address.
    pub(super) source: Option<String>,
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// A lead.
#[derive(Serialize, ToSchema)]
pub(super) struct LeadOut {
    id: LeadId,
    /// For a change's `If-Match`.
    version: i64,
    /// WeCom's id of the customer; null while nobody has the person as contact.
    external_user_id: Option<String>,
    /// What the person is called: as WeCom has it, or else as a form said it.
    name: Option<String>,
    /// Null while the lead is in the pool.
    owner: Option<OwnerOut>,
    /// The `state` of the contact way, or what the lead source says; null when the customer came without one.
    channel: Option<String>,
    /// The lead source that it came from, if it came from one.
    source: Option<String>,
    /// The routing group that decides, if one does.
    group: Option<String>,
    /// `pool` or `assigned`.
    stage: &'static str,
    /// When ingest had read the request.
    received_at: Moment,
    /// Null while the lead is in the pool.
    assigned_at: Option<Moment>,
    reason: ReasonOut,
    /// `pending` until the customer's profile was read from WeCom, then `complete`.
    profile: &'static str,
    welcome: WelcomeOut,
    /// When the owner pressed «我来跟进» on the card in WeCom.
    followed_up_at: Option<Moment>,
    /// The newest transfer of the customer from one member to another in WeCom.
    transfer: Option<TransferOut>,
}

/// Who works on a lead.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadOwner)]
struct OwnerOut {
    /// Null until the member is known here.
    staff_id: Option<StaffId>,
    /// WeCom's id, in the spelling of the event.
    user_id: String,
    /// Null until the member is known here, or when WeCom withholds it.
    name: Option<String>,
}

/// Why they do.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadReason)]
struct ReasonOut {
    code: &'static str,
    /// In words.
    text: String,
}

/// What became of the welcome message.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadWelcome)]
struct WelcomeOut {
    /// `none`: there is none to send; `wanted`, `calling`: on its way; `sent`; `expired`: the 20 seconds were over;
    /// `refused`: WeCom did not take it; `unknown`: nobody can tell whether WeCom took it.
    state: &'static str,
    /// When that became certain.
    at: Option<Moment>,
    /// What went wrong; with `sent`: which part of it is missing, and why.
    problem: Option<String>,
}

impl From<Option<WelcomeView>> for WelcomeOut {
    fn from(view: Option<WelcomeView>) -> Self {
        match view {
            None => Self { state: "none", at: None, problem: None },
            Some(WelcomeView { state, at, problem }) => {
                Self { state: state.as_str(), at: at.map(Moment::from), problem }
            }
        }
    }
}

impl From<LeadView> for LeadOut {
    fn from(view: LeadView) -> Self {
        let LeadView { lead, wecom_name, welcome, owner: known, followed_up_at, transfer } = view;
        let stage = lead.stage.as_str();
        let (owner, assigned_at) = match lead.stage {
            Stage::Pool => (None, None),
            Stage::Assigned { owner, at } => {
                let (staff_id, name) = known.map(|known| (known.id, known.name)).unzip();
                let owner = OwnerOut { staff_id, user_id: owner.into(), name: name.flatten() };
                (Some(owner), Some(at.into()))
            }
        };
        let (source, group) = lead.origin.map(|origin| (origin.source, origin.group)).unzip();
        Self {
            followed_up_at: followed_up_at.map(Moment::from),
            transfer: transfer.as_ref().map(TransferOut::from),
            id: lead.id,
            version: lead.version,
            profile: if wecom_name.is_some() { "complete" } else { "pending" },
            external_user_id: lead.person.map(String::from),
            name: wecom_name.filter(|name| !name.is_empty()).or(lead.name),
            reason: ReasonOut { code: lead.reason.code.as_str(), text: lead.reason.text },
            owner,
            channel: lead.channel,
            source,
            group,
            stage,
            received_at: lead.received_at.into(),
            assigned_at,
            welcome: welcome.into(),
        }
    }
}

/// A page of leads.
#[derive(Serialize, ToSchema)]
pub(super) struct LeadsOut {
    items: Vec<LeadOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<LeadView>> for LeadsOut {
    fn from(page: Page<LeadView>) -> Self {
        let Page { items, next_cursor } = page.map(LeadOut::from);
        Self { items, next_cursor }
    }
}
