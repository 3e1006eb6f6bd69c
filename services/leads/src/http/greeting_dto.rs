//! Words of welcome messages, as JSON.

use scrm_kernel::{Cursor, MediaId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::attachment::{Attachment, Link, MiniProgram};
use crate::domain::greeting::Greeting;

/// What a welcome message says.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GreetingIn)]
pub(super) struct GreetingIn {
    /// Up to 4000 bytes; `{customer|您}` is the customer's name, or 您 when it is not known within two seconds;
    /// `{staff|顾问}` is the name of the member who greets, or 顾问 when it is not known.
    #[serde(default)]
    pub(super) text: String,
    /// Up to nine, in the order in which the customer sees them.
    #[serde(default)]
    pub(super) attachments: Vec<AttachmentIn>,
}

/// Something attached to a welcome message. `media_id` is a file kept by `POST /api/v1/leads/media`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = GreetingAttachment)]
pub(super) enum AttachmentIn {
    /// A picture.
    Image {
        /// Of kind `image`.
        media_id: MediaId,
    },
    /// A video.
    Video {
        /// Of kind `video`.
        media_id: MediaId,
    },
    /// A file.
    File {
        /// Of kind `file`.
        media_id: MediaId,
    },
    /// A link.
    Link {
        /// Up to 128 bytes.
        title: String,
        /// Up to 512 bytes.
        description: Option<String>,
        /// Up to 2048 bytes.
        url: String,
        /// The address of its picture.
        picture_url: Option<String>,
    },
    /// A mini program (小程序).
    MiniProgram {
        /// Up to 64 bytes.
        title: String,
        /// WeChat's id of it; it must be bound to the enterprise.
        app_id: String,
        /// The page in it.
        page: String,
        /// Its picture, of kind `image`.
        media_id: MediaId,
    },
}

impl From<AttachmentIn> for Attachment {
    fn from(attachment: AttachmentIn) -> Self {
        match attachment {
            AttachmentIn::Image { media_id } => Self::Image(media_id),
            AttachmentIn::Video { media_id } => Self::Video(media_id),
            AttachmentIn::File { media_id } => Self::File(media_id),
            AttachmentIn::Link { title, description, url, picture_url } => {
                Self::Link(Link { title, description, url, picture_url })
            }
            AttachmentIn::MiniProgram { title, app_id, page, media_id } => {
                Self::MiniProgram(MiniProgram { title, app_id, page, media: media_id })
            }
        }
    }
}

impl From<Attachment> for AttachmentIn {
    fn from(attachment: Attachment) -> Self {
        match attachment {
            Attachment::Image(media_id) => Self::Image { media_id },
            Attachment::Video(media_id) => Self::Video { media_id },
            Attachment::File(media_id) => Self::File { media_id },
            Attachment::Link(Link { title, description, url, picture_url }) => {
                Self::Link { title, description, url, picture_url }
            }
            Attachment::MiniProgram(MiniProgram { title, app_id, page, media: media_id }) => {
                Self::MiniProgram { title, app_id, page, media_id }
            }
        }
    }
}

/// What welcome messages of a channel say.
#[derive(Serialize, ToSchema)]
#[schema(as = Greeting)]
pub(super) struct GreetingOut {
    /// The `state` of the contact way; null for everybody who has no words of their own.
    channel: Option<String>,
    text: String,
    attachments: Vec<AttachmentIn>,
    /// For `If-Match`.
    version: i64,
}

impl GreetingOut {
    pub(super) fn of(channel: Option<String>, greeting: Greeting, version: i64) -> Self {
        let text = greeting.text.to_string();
        let attachments = greeting.attachments.into_iter().map(Into::into).collect();
        Self { channel, text, attachments, version }
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
