//! What the service does, one use case a file.

mod answer_card;
mod assign_lead;
mod attach_media;
mod capture_contact;
mod capture_submission;
mod capture_submissions;
mod drain_pool;
mod follow_transfers;
mod gather_cards;
mod greet_contact;
mod hand_over;
mod keep_channel;
mod keep_media;
mod know_names;
mod know_staff;
mod put_group;
mod read_cards;
mod read_channels;
mod read_leads;
mod reassign_lead;
mod renew_copies;
mod say_welcome;
mod set_channel;
mod tell_channelled;
mod tell_owner;
mod tune_channel;
mod word_greeting;

pub(crate) use answer_card::{Click, ToChange};
pub(crate) use gather_cards::ToGather;
pub(crate) use greet_contact::ToGreet;
pub(crate) use keep_channel::{ToKeep, WayAnswer};
pub use keep_media::{Kept, NewMedia};
pub use read_cards::CardView;
pub use read_channels::{ChannelView, DayCount};
pub use read_leads::{LeadView, WelcomeView};
pub use reassign_lead::{Handing, Reassigned, Reassignment};
pub use set_channel::{Created, Repeatable};
pub(crate) use tell_owner::ToTell;

use scrm_db::Db;
use scrm_kernel::access::NotAllowed;
use scrm_kernel::page::BadCursor;
use scrm_kernel::{ChannelId, Classify, ErrorKind, FieldError, KeyRing, LeadId, MediaId, WecomUserId};
use scrm_media::{MediaError, MediaStore};
use scrm_wecom::client::Client;
use sea_orm::DbErr;
use tokio::sync::Notify;

use self::know_names::Names;
use crate::domain::lead::SameOwner;
use crate::domain::staff::State;

pub use put_group::{GroupForm, GroupToday, MemberForm};
pub use read_leads::LeadFilter;

/// Why the service does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A field of the request is wrong.
    #[error("{} of the request cannot be used", .0.field)]
    Invalid(FieldError),
    /// Some fields of the request are wrong.
    #[error("{} fields of the request cannot be used", .0.len())]
    InvalidFields(Vec<FieldError>),
    /// The cursor is none of this list's.
    #[error("cursor is not one that this list returned")]
    BadCursor(#[from] BadCursor),
    /// There is no such lead, or the caller may not see it.
    #[error("there is no lead {0}")]
    LeadNotFound(LeadId),
    /// Somebody or something changed the lead since the caller read it.
    #[error("the lead has changed: it is version {0} now")]
    LeadChanged(i64),
    /// It would go to whoever has it.
    #[error(transparent)]
    SameOwner(#[from] SameOwner),
    /// It would go to somebody of whom it is known that they cannot work.
    #[error("the member {user} {}", said_of(*.state))]
    MemberAway {
        /// Who it is.
        user: WecomUserId,
        /// How they stand.
        state: State,
    },
    /// Its customer is on the way already.
    #[error("the customer of lead {0} is being handed over")]
    TransferRunning(LeadId),
    /// The former owner does not have the customer as contact.
    #[error("nobody has the customer of lead {0} to hand over")]
    NothingToTransfer(LeadId),
    /// The channel has no words of its own.
    #[error("there are no words for this channel")]
    GreetingNotFound,
    /// There is no such file.
    #[error("there is no media {0}")]
    MediaNotFound(MediaId),
    /// Greetings use the file.
    #[error("the media is attached to {0} greetings")]
    MediaInUse(usize),
    /// The same content was there a moment ago and is removed now.
    #[error("the same media was removed at this moment; send it again")]
    MediaRemoved,
    /// Files cannot be kept or read now.
    #[error("media cannot be kept or read")]
    Media(#[source] MediaError),
    /// There is no such channel.
    #[error("there is no channel {0}")]
    ChannelNotFound(ChannelId),
    /// Somebody changed the channel since the caller read it.
    #[error("the channel has changed: it is version {0} now")]
    ChannelChanged(i64),
    /// The channel is being deleted.
    #[error("the channel is being deleted")]
    ChannelEnded,
    /// Another channel has this `state`.
    #[error("another channel has this state")]
    ChannelStateTaken,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// There is no such routing group.
    #[error("there is no routing group {0}")]
    GroupNotFound(String),
    /// Somebody else changed the group meanwhile.
    #[error("the routing group was changed meanwhile: its version is {0}")]
    GroupChanged(i64),
    /// Somebody else changed the words meanwhile.
    #[error("the words were changed meanwhile: their version is {0}")]
    GreetingChanged(i64),
    /// The database failed.
    #[error("database failed")]
    Database(#[from] DbErr),
}

impl From<MediaError> for Error {
    /// Whoever asks learns only that it does not work, so the log says why.
    fn from(error: MediaError) -> Self {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(error = %error, cause, "Media cannot be kept or read");
        Self::Media(error)
    }
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAllowed(_) => ErrorKind::Forbidden,
            Self::Invalid(_) | Self::InvalidFields(_) | Self::BadCursor(_) | Self::MemberAway { .. } => {
                ErrorKind::Invalid
            }
            Self::LeadNotFound(_)
            | Self::GreetingNotFound
            | Self::MediaNotFound(_)
            | Self::GroupNotFound(_)
            | Self::ChannelNotFound(_) => ErrorKind::NotFound,
            Self::LeadChanged(_)
            | Self::SameOwner(_)
            | Self::TransferRunning(_)
            | Self::NothingToTransfer(_)
            | Self::GroupChanged(_)
            | Self::GreetingChanged(_)
            | Self::ChannelChanged(_)
            | Self::ChannelEnded
            | Self::ChannelStateTaken
            | Self::MediaInUse(_)
            | Self::MediaRemoved
            | Self::KeyReused => ErrorKind::Conflict,
            Self::Media(_) => ErrorKind::Unavailable,
            Self::Database(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => NotAllowed::CODE,
            Self::Invalid(_) | Self::InvalidFields(_) => "invalid_request",
            Self::BadCursor(_) => "bad_cursor",
            Self::LeadNotFound(_) => "lead_not_found",
            Self::LeadChanged(_) => "lead_changed",
            Self::SameOwner(_) => "same_owner",
            Self::MemberAway { .. } => "member_away",
            Self::TransferRunning(_) => "transfer_running",
            Self::NothingToTransfer(_) => "nothing_to_transfer",
            Self::GreetingNotFound => "greeting_not_found",
            Self::MediaNotFound(_) => "media_not_found",
            Self::MediaInUse(_) => "media_in_use",
            Self::MediaRemoved => "media_removed",
            Self::Media(MediaError::NoPlace) => "media_not_configured",
            Self::Media(_) => "media_unavailable",
            Self::ChannelNotFound(_) => "channel_not_found",
            Self::ChannelChanged(_) => "channel_changed",
            Self::ChannelEnded => "channel_ended",
            Self::ChannelStateTaken => "channel_state_taken",
            Self::KeyReused => "idempotency_key_reused",
            Self::GroupNotFound(_) => "group_not_found",
            Self::GroupChanged(_) => "group_changed",
            Self::GreetingChanged(_) => "greeting_changed",
            Self::Database(_) => "internal",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(field) => vec![field.clone()],
            Self::InvalidFields(fields) => fields.clone(),
            Self::BadCursor(_) => vec![FieldError::new("cursor", "is not one that this list returned")],
            Self::MemberAway { state, .. } => {
                vec![FieldError::new("user_id", format!("names a member who {}", said_of(*state)))]
            }
            _ => Vec::new(),
        }
    }
}

/// Returns how somebody stands who cannot work, as the end of a sentence.
const fn said_of(state: State) -> &'static str {
    match state {
        State::Disabled => "is disabled in WeCom",
        State::Left => "has left",
        State::Active | State::Invited => "works here",
    }
}

/// The service, as its HTTP side and its consumers see it.
pub struct App {
    db: Db,
    keys: KeyRing,
    wecom: Client,
    names: Names,
    media: MediaStore,
    /// Wakes whoever uploads files to WeCom.
    copies_wanted: Notify,
}

impl App {
    pub(crate) fn new(db: Db, keys: KeyRing, wecom: Client, media: MediaStore) -> Self {
        let names = Names::of(db.clone());
        Self { db, keys, wecom, names, media, copies_wanted: Notify::new() }
    }
}
