//! The room behind the door: a decrypted message, XML or JSON, as a typed event.
//!
//! Both envelopes are read into one shape: self-built apps (`Event`) and suites (`InfoType`) name the same events. What
//! this version does not know becomes [`Body::Unknown`]; the caller keeps the raw message. An event is a hint and WeCom's
//! API is the truth: order, number and even arrival of events are not guaranteed.

mod acquisition;
mod app;
mod approval;
mod archive;
mod book;
mod contact;
mod field;
mod group;
mod message;
mod service;
mod suite;
mod table;
mod tag;

use scrm_kernel::WecomUserId;

pub use acquisition::Acquisition;
pub use app::{App, CardType, Selected};
pub use approval::{
    Approval, ApprovalStatus, Comment, Node, NodeItem, OpenApproval, SystemApproval, SystemApprover,
    SystemRecord,
};
pub use archive::Archive;
pub use book::{Attribute, Book, MemberStatus, Profile};
pub use contact::{Contact, DeleteSource, FailReason};
pub use field::{Commas, Told};
pub use group::{Group, GroupDetail, JoinScene, QuitScene};
pub use message::Message;
pub use service::Service;
pub use suite::Suite;
pub use tag::{Tag, TagType};

use crate::tree::{BadDocument, Element};
use field::Field as _;

/// Why a decrypted message is no event. Never holds any of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not a document within the limits.
    #[error("message cannot be read")]
    Document(#[from] BadDocument),
    /// An element is missing or empty without which the event says nothing.
    #[error("element {element} is missing")]
    Missing {
        /// Path of the element.
        element: &'static str,
    },
    /// An element holds no value of its type.
    #[error("element {element} has no valid value")]
    Invalid {
        /// Path of the element.
        element: &'static str,
    },
}

/// One event or message of WeCom's.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Whose event it is: `AuthCorpId` or `ToUserName`, unchecked.
    pub corp: Option<String>,
    /// The suite it was sent to, for third-party apps.
    pub suite: Option<String>,
    /// `FromUserName`: a userid, or `sys`.
    pub sender: Option<String>,
    /// Number of the app.
    pub agent_id: Option<String>,
    /// When it happened, in Unix seconds.
    pub time: Option<i64>,
    /// What happened.
    pub body: Body,
}

impl Event {
    /// Returns the member who sent a message or clicked something; WeCom's own events have none.
    pub fn member(&self) -> Option<WecomUserId> {
        let sender = self.sender.as_deref().filter(|sender| *sender != "sys")?;
        WecomUserId::parse(sender).ok()
    }
}

/// Reads a decrypted message.
pub fn parse(message: &[u8]) -> Result<Event, Unreadable> {
    let root = Element::parse(message)?;
    Ok(Event {
        corp: Option::read(&root, "AuthCorpId|ToUserName")?,
        suite: Option::read(&root, "SuiteId")?,
        sender: Option::read(&root, "FromUserName")?,
        agent_id: Option::read(&root, "AgentID")?,
        time: Option::read(&root, "CreateTime|TimeStamp")?,
        body: Body::read(&root)?,
    })
}

/// How an event is named on the wire.
#[derive(Clone, Copy)]
struct Kind<'a> {
    event: &'a str,
    change_type: Option<&'a str>,
}

impl Kind<'_> {
    /// Compares with one row of a table; a row without a change type takes any.
    fn is(self, event: &str, change_type: &[&str]) -> bool {
        let has =
            |expected: &&str| self.change_type.is_some_and(|actual| actual.eq_ignore_ascii_case(expected));
        self.event.eq_ignore_ascii_case(event) && change_type.iter().all(has)
    }
}

macro_rules! body {
    ($($(#[$doc:meta])+ $family:ident,)+) => {
        /// What happened, by family.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body {
            $($(#[$doc])+ $family($family),)+
            /// A message that a member sent to an app.
            Message(Message),
            /// An event that this version does not know.
            Unknown {
                /// `Event`, `InfoType`, or for messages `MsgType`.
                event: String,
                /// `ChangeType`.
                change_type: Option<String>,
            },
        }

        impl Body {
            fn read_event(kind: Kind<'_>, root: &Element) -> Result<Option<Self>, Unreadable> {
                $(if let Some(event) = $family::read(kind, root)? {
                    return Ok(Some(Self::$family(event)));
                })+
                Ok(None)
            }

            /// Returns the event's stable name, such as `contact_added`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$family(event) => event.name(),)+
                    Self::Message(message) => message.name(),
                    Self::Unknown { .. } => "unknown",
                }
            }

            /// Returns every name that [`name`](Self::name) may return.
            pub fn names() -> impl Iterator<Item = &'static str> {
                let families = [$($family::NAMES,)+ Message::NAMES, &["unknown"]];
                families.into_iter().flatten().copied()
            }
        }
    };
}

body! {
    /// A relation between a member and a customer.
    Contact,
    /// A group chat with customers.
    Group,
    /// The corp's library of customer tags.
    Tag,
    /// Customer-acquisition links.
    Acquisition,
    /// Members, departments and their tags.
    Book,
    /// The chat archive.
    Archive,
    /// WeChat customer service.
    Service,
    /// What a member does in an app, and what happens to the app.
    App,
    /// Approvals.
    Approval,
    /// A third-party app or a template: installation, orders, licences.
    Suite,
}

impl Body {
    fn read(root: &Element) -> Result<Self, Unreadable> {
        let text = |name: &str| root.first(name).and_then(Element::text);
        let change_type = text("ChangeType");
        let message_type = text("MsgType").filter(|name| *name != "event");
        let (event, known) = match (text("InfoType|Event"), message_type) {
            (None, None) => return Err(Unreadable::Missing { element: "InfoType|Event" }),
            (None, Some(event)) => {
                (event, Message::read(Kind { event, change_type }, root)?.map(Self::Message))
            }
            (Some(event), _) => (event, Self::read_event(Kind { event, change_type }, root)?),
        };
        Ok(known.unwrap_or_else(|| Self::Unknown {
            event: event.to_owned(),
            change_type: change_type.map(str::to_owned),
        }))
    }

    /// Returns whether the event only says "go and look".
    ///
    /// Such events carry no state, and two of one second are byte for byte the same: a repeat is no duplicate, it means
    /// to look again.
    pub fn is_go_and_look(&self) -> bool {
        match self {
            Self::Contact(event) => matches!(event, Contact::Edited { .. }),
            Self::Group(event) => matches!(event, Group::Updated { .. }),
            Self::Tag(_) => true,
            Self::Archive(event) => matches!(
                event,
                Archive::MessagesWaiting | Archive::ConversationWaiting { .. } | Archive::KeywordHit { .. }
            ),
            Self::Service(event) => matches!(event, Service::MessagesWaiting { .. }),
            Self::Suite(event) => matches!(event, Suite::AuthChanged { .. }),
            Self::Acquisition(_)
            | Self::Book(_)
            | Self::App(_)
            | Self::Approval(_)
            | Self::Message(_)
            | Self::Unknown { .. } => false,
        }
    }
}
