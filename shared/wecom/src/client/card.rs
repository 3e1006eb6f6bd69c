//! Interactive cards (模板卡片) with buttons.

use scrm_kernel::WecomUserId;
use serde::Serialize;

use super::endpoint::UPDATE_CARD;
use super::error::CallError;
use super::reply::Done;
use super::{Speaker, prints_nothing};

/// A card with up to six buttons (`button_interaction`, WeCom document 90236).
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ButtonCard {
    /// Unique for the app; digits, letters and `_-@`, up to 128 bytes. Comes back with every click.
    pub task_id: String,
    /// About 36 characters.
    #[serde(rename = "main_title", serialize_with = "titled")]
    pub title: String,
    /// About 160 characters.
    #[serde(rename = "sub_title_text", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Up to six lines of a name and a value.
    #[serde(rename = "horizontal_content_list", skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<CardLine>,
    /// Where a click on the card itself leads.
    #[serde(rename = "card_action", skip_serializing_if = "Option::is_none")]
    pub link: Option<CardLink>,
    /// One to six.
    #[serde(rename = "button_list")]
    pub buttons: Vec<Button>,
}

/// A line of a card.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct CardLine {
    /// About five characters.
    #[serde(rename = "keyname")]
    pub name: String,
    /// About 26 characters.
    pub value: String,
}

prints_nothing!(ButtonCard, CardLine, CardUpdate, CardChange);

/// Where a click on a card leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardLink {
    /// An address with its scheme.
    pub url: String,
}

impl Serialize for CardLink {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        LinkBody { kind: 1, url: &self.url }.serialize(serializer)
    }
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Button {
    /// About ten characters.
    pub text: String,
    /// Its look.
    pub style: ButtonStyle,
    /// What the click is told as, up to 1024 bytes.
    pub key: String,
}

/// The look of a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum ButtonStyle {
    /// The one to press.
    Primary,
    /// Any other.
    Plain,
    /// One that ends something.
    Warning,
}

impl From<ButtonStyle> for u8 {
    fn from(style: ButtonStyle) -> Self {
        match style {
            ButtonStyle::Primary => 1,
            ButtonStyle::Plain => 2,
            ButtonStyle::Warning => 3,
        }
    }
}

/// How a card that was sent shall look now.
#[derive(Clone, PartialEq, Eq)]
pub struct CardUpdate {
    /// For whom; up to 1000.
    pub users: Vec<WecomUserId>,
    /// From the sending or from a click; good for one change within 24 hours at least.
    pub response_code: String,
    /// What to change.
    pub change: CardChange,
}

/// What to change about a card.
#[derive(Clone, PartialEq, Eq)]
pub enum CardChange {
    /// The clicked button can no longer be clicked and reads so.
    Button(String),
    /// Another card in its place; with a text, its buttons can no longer be clicked and read so.
    Card {
        /// The new card.
        card: ButtonCard,
        /// What the buttons read.
        replace_text: Option<String>,
    },
}

#[derive(Serialize)]
struct LinkBody<'a> {
    #[serde(rename = "type")]
    kind: u8,
    url: &'a str,
}

#[derive(Serialize)]
struct TitleBody<'a> {
    title: &'a str,
}

fn titled<S: serde::Serializer>(title: &str, serializer: S) -> Result<S::Ok, S::Error> {
    TitleBody { title }.serialize(serializer)
}

/// A card with the name of its sort.
#[derive(Serialize)]
pub(super) struct CardBody<'a> {
    card_type: &'static str,
    #[serde(flatten)]
    card: &'a ButtonCard,
    #[serde(skip_serializing_if = "Option::is_none")]
    replace_text: Option<&'a str>,
}

impl<'a> CardBody<'a> {
    pub(super) const fn new(card: &'a ButtonCard, replace_text: Option<&'a str>) -> Self {
        Self { card_type: "button_interaction", card, replace_text }
    }
}

#[derive(Serialize)]
struct ButtonBody<'a> {
    replace_name: &'a str,
}

#[derive(Serialize)]
struct UpdateBody<'a> {
    userids: &'a [WecomUserId],
    agentid: i64,
    response_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    button: Option<ButtonBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_card: Option<CardBody<'a>>,
}

impl Speaker {
    /// Changes a card that was sent (`message/update_template_card`). 60140: the code was used or is too old.
    pub async fn update_card(&self, update: &CardUpdate) -> Result<(), CallError> {
        let (button, template_card) = match &update.change {
            CardChange::Button(replace_name) => (Some(ButtonBody { replace_name }), None),
            CardChange::Card { card, replace_text } => {
                (None, Some(CardBody::new(card, replace_text.as_deref())))
            }
        };
        let body = UpdateBody {
            userids: &update.users,
            agentid: self.grant().await?.agent_id,
            response_code: &update.response_code,
            button,
            template_card,
        };
        self.post::<Done>(&UPDATE_CARD, &body).await.map(drop)
    }
}
