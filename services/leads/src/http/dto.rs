//! What goes in and comes out, as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, LeadId, Page, StaffId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::transfer_dto::TransferOut;
use crate::app::LeadView;
use crate::domain::greeting::{Greeting, Link};
use crate::domain::lead::Stage;
use crate::domain::welcome::State;

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
}

impl From<LeadView> for LeadOut {
    fn from(view: LeadView) -> Self {
        let LeadView { lead, wecom_name, welcome, owner: known, followed_up_at, transfer } = view;
        let (welcome, welcomed_at) = welcome.unzip();
        let stage = lead.stage.as_str();
        let (owner, assigned_at) = match lead.stage {
            Stage::Pool => (None, None),
            Stage::Assigned { owner, at } => {
                let (staff_id, name) = known.map(|known| (known.id, known.name)).unzip();
                let staff_id = owner.staff.or(staff_id);
                let owner = OwnerOut { staff_id, user_id: owner.user.into(), name: name.flatten() };
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
            welcome: WelcomeOut {
                state: welcome.map_or("none", State::as_str),
                at: welcomed_at.flatten().map(Moment::from),
            },
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

/// What a welcome message says.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GreetingIn)]
pub(super) struct GreetingIn {
    /// Up to 4000 bytes; `{customer|您}` is the customer's name, or 您 when it is not known within two seconds;
    /// `{staff|顾问}` is the name of the member who greets, or 顾问 when it is not known.
    #[serde(default)]
    pub(super) text: String,
    /// Up to nine.
    #[serde(default)]
    pub(super) links: Vec<LinkIn>,
}

/// A link attached to a welcome message.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GreetingLink)]
pub(super) struct LinkIn {
    /// Up to 128 bytes.
    title: String,
    /// Up to 512 bytes.
    description: Option<String>,
    /// Up to 2048 bytes.
    url: String,
    /// The address of its picture.
    picture_url: Option<String>,
}

impl From<LinkIn> for Link {
    fn from(link: LinkIn) -> Self {
        let LinkIn { title, description, url, picture_url } = link;
        Self { title, description, url, picture_url }
    }
}

/// What welcome messages of a channel say.
#[derive(Serialize, ToSchema)]
#[schema(as = Greeting)]
pub(super) struct GreetingOut {
    /// The `state` of the contact way; null for everybody who has no words of their own.
    channel: Option<String>,
    text: String,
    links: Vec<LinkIn>,
}

impl GreetingOut {
    pub(super) fn of(channel: Option<String>, greeting: Greeting) -> Self {
        let link = |link: Link| LinkIn {
            title: link.title,
            description: link.description,
            url: link.url,
            picture_url: link.picture_url,
        };
        Self {
            channel,
            text: greeting.text.to_string(),
            links: greeting.links.into_iter().map(link).collect(),
        }
    }
}

/// All words of welcome messages.
#[derive(Serialize, ToSchema)]
#[schema(as = Greetings)]
pub(super) struct GreetingsOut {
    pub(super) items: Vec<GreetingOut>,
    pub(super) next_cursor: Option<Cursor>,
}

/// Whose words are meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct GreetingsIn {
    /// The `state` of a contact way; absent for everybody who has no words of their own.
    pub(super) channel: Option<String>,
}
