//! Messages of the app to members (应用消息).

use std::time::Duration;

use scrm_kernel::WecomUserId;
use serde::{Deserialize, Serialize};

use super::card::{ButtonCard, CardBody};
use super::endpoint::SEND;
use super::error::CallError;
use super::{Speaker, lenient, prints_nothing};

/// A message to members.
#[derive(Clone, PartialEq, Eq)]
pub struct AppMessage {
    /// To whom: up to 1000. WeCom silently drops what one member gets beyond 30 a minute.
    pub users: Vec<WecomUserId>,
    /// What it says.
    pub content: Content,
    /// For how long WeCom takes the same content to the same members for a repeat and drops it; up to 4 hours.
    pub drop_repeats_for: Option<Duration>,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Up to 2048 bytes; WeCom cuts what is longer.
    Text(String),
    /// A card with buttons.
    ButtonCard(ButtonCard),
}

prints_nothing!(AppMessage, Content);

/// A message that WeCom took. Members it could not reach are no error, unless it is all of them (81013).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sent {
    /// Who cannot be reached, in small letters whatever their spelling.
    #[serde(default, rename = "invaliduser", deserialize_with = "lenient::joined")]
    pub invalid_users: Vec<String>,
    /// Who has no licence, in small letters.
    #[serde(default, rename = "unlicenseduser", deserialize_with = "lenient::joined")]
    pub unlicensed_users: Vec<String>,
    /// WeCom's id, to recall it by.
    #[serde(rename = "msgid")]
    pub message_id: Option<String>,
    /// To change a card by, once.
    pub response_code: Option<String>,
}

#[derive(Serialize)]
struct TextBody<'a> {
    content: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    touser: String,
    agentid: i64,
    msgtype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_card: Option<CardBody<'a>>,
    enable_duplicate_check: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_check_interval: Option<u64>,
}

impl Speaker {
    /// Sends a message to members (`message/send`, WeCom document 90236).
    ///
    /// With [`drop_repeats_for`](AppMessage::drop_repeats_for) it may be repeated when it ends unclear.
    pub async fn send_message(&self, message: &AppMessage) -> Result<Sent, CallError> {
        let (msgtype, text, template_card) = match &message.content {
            Content::Text(content) => ("text", Some(TextBody { content }), None),
            Content::ButtonCard(card) => ("template_card", None, Some(CardBody::new(card, None))),
        };
        let body = Body {
            touser: receivers(&message.users)?,
            agentid: self.grant().await?.agent_id,
            msgtype,
            text,
            template_card,
            enable_duplicate_check: u8::from(message.drop_repeats_for.is_some()),
            duplicate_check_interval: message.drop_repeats_for.map(|time| time.as_secs()),
        };
        self.post(&SEND, &body).await
    }
}

/// Joins userids. None of WeCom's begins with `@` or holds `|`; such a one would address everybody, or others.
fn receivers(users: &[WecomUserId]) -> Result<String, CallError> {
    let users: Vec<&str> = users.iter().map(WecomUserId::as_str).collect();
    if users.iter().any(|user| user.starts_with('@') || user.contains('|')) {
        return Err(CallError::NotSent("a receiver is no userid".to_owned()));
    }
    Ok(users.join("|"))
}
