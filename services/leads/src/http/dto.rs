//! What goes in and comes out, as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, LeadId, Page, StaffId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::lead::{Lead, Stage};

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
    /// WeCom's id of the customer; null while nobody has the person as contact.
    external_user_id: Option<String>,
    /// What the person is called, as a form said it.
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
    /// `pending` until the customer's profile was read from WeCom.
    profile: &'static str,
    welcome: WelcomeOut,
}

/// Who works on a lead.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadOwner)]
struct OwnerOut {
    /// Null until the member is known here.
    staff_id: Option<StaffId>,
    /// WeCom's id, in the spelling of the event.
    user_id: String,
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
    /// `none`: this lead gets no welcome message.
    state: &'static str,
    at: Option<Moment>,
}

impl From<Lead> for LeadOut {
    fn from(lead: Lead) -> Self {
        let stage = lead.stage.as_str();
        let (owner, assigned_at) = match lead.stage {
            Stage::Pool => (None, None),
            Stage::Assigned { owner, at } => {
                let owner = OwnerOut { staff_id: owner.staff, user_id: owner.user.into(), name: None };
                (Some(owner), Some(at.into()))
            }
        };
        let (source, group) = lead.origin.map(|origin| (origin.source, origin.group)).unzip();
        Self {
            id: lead.id,
            external_user_id: lead.person.map(String::from),
            name: lead.name,
            reason: ReasonOut { code: lead.reason.code.as_str(), text: lead.reason.text },
            owner,
            channel: lead.channel,
            source,
            group,
            stage,
            received_at: lead.received_at.into(),
            assigned_at,
            profile: "pending",
            welcome: WelcomeOut { state: "none", at: None },
        }
    }
}

/// A page of leads.
#[derive(Serialize, ToSchema)]
pub(super) struct LeadsOut {
    items: Vec<LeadOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<Lead>> for LeadsOut {
    fn from(page: Page<Lead>) -> Self {
        let Page { items, next_cursor } = page.map(LeadOut::from);
        Self { items, next_cursor }
    }
}
