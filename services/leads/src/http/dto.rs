//! What goes in and comes out, as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, LeadId, Page, StaffId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::LeadView;
use crate::domain::greeting::{Greeting, Link};
use crate::domain::welcome::State;

/// Which leads are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct LeadsIn {
    /// WeCom's id of the customer.
    pub(super) external_user_id: Option<String>,
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// A lead.
#[derive(Serialize, ToSchema)]
pub(super) struct LeadOut {
    id: LeadId,
    /// WeCom's id of the customer.
    external_user_id: String,
    owner: OwnerOut,
    /// The `state` of the contact way; null when the customer came without one.
    channel: Option<String>,
    stage: &'static str,
    /// When ingest had read the request.
    received_at: Moment,
    assigned_at: Moment,
    reason: ReasonOut,
    /// The customer's name; null until the profile was read from WeCom, or while WeCom withholds it.
    name: Option<String>,
    /// `pending` until the customer's profile was read from WeCom, then `complete`.
    profile: &'static str,
    welcome: WelcomeOut,
    /// When the owner pressed «我来跟进» on the card in WeCom.
    followed_up_at: Option<Moment>,
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
    /// `none`: there is none to send; `wanted`, `calling`: on its way; `sent`; `expired`: the 20 seconds were over;
    /// `refused`: WeCom did not take it; `unknown`: nobody can tell whether WeCom took it.
    state: &'static str,
    /// When that became certain.
    at: Option<Moment>,
}

impl From<LeadView> for LeadOut {
    fn from(view: LeadView) -> Self {
        let LeadView { lead, name, welcome, followed_up_at } = view;
        let (welcome, at) = welcome.unzip();
        Self {
            followed_up_at: followed_up_at.map(Moment::from),
            profile: if name.is_some() { "complete" } else { "pending" },
            name: name.filter(|name| !name.is_empty()),
            id: lead.id,
            external_user_id: lead.person.into(),
            reason: ReasonOut { code: lead.reason.code(), text: lead.reason.text(&lead.owner.user) },
            owner: OwnerOut { staff_id: lead.owner.staff, user_id: lead.owner.user.into(), name: None },
            channel: lead.channel,
            stage: lead.stage.as_str(),
            received_at: lead.received_at.into(),
            assigned_at: lead.assigned_at.into(),
            welcome: WelcomeOut {
                state: welcome.map_or("none", State::as_str),
                at: at.flatten().map(Moment::from),
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
    /// Up to 4000 bytes; `{customer|您}` is the customer's name, or 您 when it is not known within two seconds.
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
