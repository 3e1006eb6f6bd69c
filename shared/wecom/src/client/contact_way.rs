//! Contact ways (联系我, 渠道活码): codes through which customers add members.
//!
//! Temporary chats, which only medical enterprises have, are left out.

use scrm_kernel::{Timestamp, WecomUserId};
use serde::{Deserialize, Serialize};

use super::endpoint::{ADD_WAY, DELETE_WAY, UPDATE_WAY, WAY, WAYS};
use super::error::CallError;
use super::page::{self, Chunk, Items};
use super::reply::Done;
use super::{Speaker, lenient};

/// Rows of a page of `list_contact_way` at most.
const MOST_WAYS: u32 = 1000;

/// How many members answer a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum WayKind {
    /// Exactly one.
    Single,
    /// Several, named or by department.
    Several,
}

impl From<WayKind> for u8 {
    fn from(kind: WayKind) -> Self {
        match kind {
            WayKind::Single => 1,
            WayKind::Several => 2,
        }
    }
}

/// A way to make, shown as a QR code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewContactWay {
    /// How many members answer it.
    #[serde(rename = "type")]
    pub kind: WayKind,
    /// A note for people, up to 30 characters.
    pub remark: String,
    /// Whether a customer is connected without the member's consent.
    pub skip_verify: bool,
    /// Comes back in the event of every customer who uses it: our id of the channel, up to 30 characters.
    pub state: String,
    /// Members who answer; with departments' members up to 100.
    #[serde(rename = "user")]
    pub users: Vec<WecomUserId>,
    /// Departments whose members answer.
    #[serde(rename = "party")]
    pub departments: Vec<i64>,
    /// Whether one customer may add only one of the members.
    pub is_exclusive: bool,
}

/// A way that was made. Whoever loses the id loses the way: no console shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WayCreated {
    /// WeCom's id of the way.
    pub config_id: String,
    /// The public address of the picture of its QR code.
    pub qr_code: Option<String>,
}

/// What to change about a way; `None` leaves as it is, a list replaces all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactWayChange {
    /// WeCom's id of the way.
    pub config_id: String,
    /// A note for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Whether a customer is connected without the member's consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_verify: Option<bool>,
    /// Our id of the channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Members who answer.
    #[serde(rename = "user", skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<WecomUserId>>,
    /// Departments whose members answer.
    #[serde(rename = "party", skip_serializing_if = "Option::is_none")]
    pub departments: Option<Vec<i64>>,
}

impl ContactWayChange {
    /// Changes nothing yet.
    pub fn of(config_id: impl Into<String>) -> Self {
        Self {
            config_id: config_id.into(),
            remark: None,
            skip_verify: None,
            state: None,
            users: None,
            departments: None,
        }
    }
}

/// A way as WeCom has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ContactWay {
    /// WeCom's id of the way.
    pub config_id: String,
    /// 1 for one member, 2 for several.
    #[serde(rename = "type")]
    pub kind: Option<i64>,
    /// 1 a button in a mini program, 2 a QR code.
    pub scene: Option<i64>,
    /// A note for people.
    #[serde(default)]
    pub remark: String,
    /// Whether a customer is connected without the member's consent; WeCom's default is yes.
    pub skip_verify: Option<bool>,
    /// What comes back in events.
    #[serde(default)]
    pub state: String,
    /// The public address of the picture of its QR code.
    pub qr_code: Option<String>,
    /// Members who answer.
    #[serde(default, rename = "user", deserialize_with = "lenient::rows")]
    pub users: Vec<WecomUserId>,
    /// Departments whose members answer.
    #[serde(default, rename = "party", deserialize_with = "lenient::rows")]
    pub departments: Vec<i64>,
}

#[derive(Serialize)]
struct AddBody<'a> {
    /// A QR code.
    scene: u8,
    #[serde(flatten)]
    way: &'a NewContactWay,
}

#[derive(Serialize)]
struct WayBody<'a> {
    config_id: &'a str,
}

#[derive(Deserialize)]
struct WayReply {
    contact_way: ContactWay,
}

#[derive(Serialize)]
struct WaysBody<'a> {
    start_time: i64,
    end_time: i64,
    cursor: &'a str,
    limit: u32,
}

#[derive(Deserialize)]
struct WayRow {
    config_id: String,
}

#[derive(Deserialize)]
struct WaysReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    contact_way: Vec<WayRow>,
    next_cursor: Option<String>,
}

impl Speaker {
    /// Makes a way (`externalcontact/add_contact_way`).
    ///
    /// When it ends unclear, look through the ways of the last hour for its `state` before making another.
    pub async fn add_contact_way(&self, way: &NewContactWay) -> Result<WayCreated, CallError> {
        self.post(&ADD_WAY, &AddBody { scene: 2, way }).await
    }

    /// Returns a way (`externalcontact/get_contact_way`).
    pub async fn contact_way(&self, config_id: &str) -> Result<ContactWay, CallError> {
        let reply: WayReply = self.post(&WAY, &WayBody { config_id }).await?;
        Ok(reply.contact_way)
    }

    /// Lists the ids of ways made in a span of time (`externalcontact/list_contact_way`); none older than 2021-07-10.
    pub fn contact_ways(&self, from: Timestamp, to: Timestamp) -> Items<String> {
        let speaker = self.clone();
        let (start_time, end_time) = (from.timestamp(), to.timestamp());
        page::items(move |cursor| {
            let speaker = speaker.clone();
            async move {
                let body = WaysBody { start_time, end_time, cursor: &cursor, limit: MOST_WAYS };
                let reply: WaysReply = speaker.post(&WAYS, &body).await?;
                let rows = reply.contact_way.into_iter().map(|row| row.config_id).collect();
                Ok(Chunk { rows, next: reply.next_cursor })
            }
        })
    }

    /// Changes a way (`externalcontact/update_contact_way`). States what should be: may be repeated.
    pub async fn update_contact_way(&self, change: &ContactWayChange) -> Result<(), CallError> {
        self.post::<Done>(&UPDATE_WAY, change).await.map(drop)
    }

    /// Ends a way (`externalcontact/del_contact_way`); a repeat is refused, because there is none any more.
    pub async fn delete_contact_way(&self, config_id: &str) -> Result<(), CallError> {
        self.post::<Done>(&DELETE_WAY, &WayBody { config_id }).await.map(drop)
    }
}
