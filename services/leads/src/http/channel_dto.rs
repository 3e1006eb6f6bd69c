//! Channels as JSON.

use scrm_http::Moment;
use scrm_kernel::{ChannelId, Cursor, Page, WecomUserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::ChannelView;
use crate::domain::channel::{Place, Shortfall};
use crate::domain::channel_draft::{Draft, PlaceDraft};

/// Which channels are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelsIn {
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

/// What a channel is to be like.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChannelIn)]
pub(super) struct ChannelIn {
    /// What people call it, up to 60 characters.
    name: String,
    /// What WeCom sends along with every customer, up to 30 characters; made from the id when absent. Cannot be changed.
    state: Option<String>,
    /// A note that WeCom keeps, up to 30 characters.
    #[serde(default)]
    remark: String,
    /// Whether a customer is connected without the member's consent.
    #[serde(default = "yes")]
    skip_verify: bool,
    /// Off, the code leads to the backup.
    #[serde(default = "yes")]
    is_on: bool,
    /// Who answers the code, in order: 1 to 100 members.
    staff: Vec<PlaceIn>,
    /// Who answers when nobody else is on duty and below the cap.
    backup_user_id: Option<String>,
    /// WeCom's ids of the tags that its customers are to have, up to 20.
    #[serde(default)]
    tags: Vec<String>,
}

/// A member on a channel.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChannelPlace)]
struct PlaceIn {
    /// WeCom's id.
    user_id: String,
    /// The share of customers in proportion to those of the others, 1 to 1000.
    #[serde(default = "one")]
    weight: u32,
    /// Customers a day at most; null means no cap.
    daily_cap: Option<u32>,
    /// Hours of duty for seven days, Monday first, such as `09:00-12:00,13:30-18:00`; an empty text for a day off. Null
    /// means always.
    week: Option<Vec<String>>,
}

impl From<ChannelIn> for Draft {
    fn from(channel: ChannelIn) -> Self {
        let ChannelIn { name, state, remark, skip_verify, is_on, staff, backup_user_id: backup, tags } =
            channel;
        let place =
            |PlaceIn { user_id: user, weight, daily_cap, week }| PlaceDraft { user, weight, daily_cap, week };
        let staff = staff.into_iter().map(place).collect();
        Self { name, state, remark, skip_verify, is_on, staff, backup, tags }
    }
}

impl From<Place> for PlaceIn {
    fn from(place: Place) -> Self {
        let Place { user, weight, daily_cap, week } = place;
        let week = week.map(|week| week.0.iter().map(ToString::to_string).collect());
        Self { user_id: user.into(), weight, daily_cap, week }
    }
}

/// A channel: one code, and who answers it.
#[derive(Serialize, ToSchema)]
#[schema(as = Channel)]
pub(super) struct ChannelOut {
    id: ChannelId,
    name: String,
    /// What WeCom sends along with every customer who comes through it: a lead's `channel`.
    state: String,
    remark: String,
    skip_verify: bool,
    is_on: bool,
    staff: Vec<PlaceIn>,
    backup_user_id: Option<String>,
    /// WeCom's ids of the tags that its customers are to have.
    tags: Vec<String>,
    /// The public address of the picture of its QR code; null until WeCom has made it.
    qr_code: Option<String>,
    /// Whom the code is to lead to now.
    wanted: Vec<WecomUserId>,
    /// Whom it leads to, as WeCom took it last; null while there is no code.
    applied: Option<Vec<WecomUserId>>,
    /// Why the code leads to somebody it should not lead to: `nobody_free` or `off_without_backup`. WeCom lets no code
    /// lead to nobody.
    problem: Option<&'static str>,
    sync: SyncOut,
    today: TodayOut,
    /// For `If-Match`.
    version: i64,
    created_at: Moment,
    /// When an administrator changed it last.
    updated_at: Moment,
}

/// How far WeCom has come.
#[derive(Serialize, ToSchema)]
#[schema(as = ChannelSync)]
struct SyncOut {
    /// `synced`: WeCom has what is wanted; `waiting`, `calling`: a call is due or on its way; `failed`: WeCom refused;
    /// `ending`: the code is being deleted.
    state: &'static str,
    /// What WeCom said against it.
    problem: Option<String>,
}

/// What a channel brought on the corp's present calendar day.
#[derive(Serialize, ToSchema)]
#[schema(as = ChannelToday)]
struct TodayOut {
    /// As `2026-03-02`.
    day: String,
    adds: u32,
    /// Those of the adds that came to a member who was beyond the cap or not on the list any more.
    overshoot: u32,
    members: Vec<CountOut>,
}

/// What one member got.
#[derive(Serialize, ToSchema)]
#[schema(as = ChannelCount)]
struct CountOut {
    user_id: String,
    adds: u32,
    overshoot: u32,
}

impl From<ChannelView> for ChannelOut {
    fn from(view: ChannelView) -> Self {
        let ChannelView { channel, day, counts } = view;
        let (settings, sync) = (channel.settings, channel.sync);
        let members = counts.into_iter().map(|count| CountOut {
            user_id: count.user,
            adds: count.adds,
            overshoot: count.overshoot,
        });
        let members: Vec<_> = members.collect();
        Self {
            id: channel.id,
            name: settings.name,
            state: channel.tag,
            remark: settings.remark,
            skip_verify: settings.skip_verify,
            is_on: settings.plan.is_on,
            staff: settings.plan.staff.into_iter().map(PlaceIn::from).collect(),
            backup_user_id: settings.plan.backup.map(String::from),
            tags: settings.tags,
            qr_code: channel.qr_code,
            wanted: sync.wanted.users,
            applied: sync.applied.map(|way| way.users),
            problem: channel.shortfall.map(Shortfall::code),
            sync: SyncOut {
                state: if sync.is_ended { "ending" } else { sync.state.as_str() },
                problem: sync.problem,
            },
            today: TodayOut {
                day,
                adds: members.iter().map(|count| count.adds).sum(),
                overshoot: members.iter().map(|count| count.overshoot).sum(),
                members,
            },
            version: channel.version,
            created_at: channel.created_at.into(),
            updated_at: channel.updated_at.into(),
        }
    }
}

/// A page of channels.
#[derive(Serialize, ToSchema)]
#[schema(as = Channels)]
pub(super) struct ChannelsOut {
    items: Vec<ChannelOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<ChannelView>> for ChannelsOut {
    fn from(page: Page<ChannelView>) -> Self {
        let Page { items, next_cursor } = page.map(ChannelOut::from);
        Self { items, next_cursor }
    }
}
