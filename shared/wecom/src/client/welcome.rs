//! Welcome messages to new customers (欢迎语).

use serde::Serialize;

use super::endpoint::WELCOME;
use super::error::CallError;
use super::reply::Done;
use super::{Speaker, prints_nothing};

/// A welcome message; text or attachments must be there.
#[derive(Clone, PartialEq, Eq)]
pub struct Welcome {
    /// From the event; good for 20 seconds and one success.
    pub code: String,
    /// Up to 4000 bytes.
    pub text: Option<String>,
    /// Up to nine.
    pub attachments: Vec<Attachment>,
}

/// What can be attached to a message to customers.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Attachment {
    /// A picture, uploaded before.
    Image {
        /// From `media/upload`.
        media_id: String,
    },
    /// A link.
    Link {
        /// Up to 128 bytes.
        title: String,
        /// The address of a picture.
        #[serde(rename = "picurl", skip_serializing_if = "Option::is_none")]
        picture_url: Option<String>,
        /// Up to 512 bytes.
        #[serde(rename = "desc", skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Up to 2048 bytes.
        url: String,
    },
    /// A mini program.
    MiniProgram {
        /// Up to 64 bytes.
        title: String,
        /// From `media/upload`.
        #[serde(rename = "pic_media_id")]
        picture_media_id: String,
        /// WeChat's id of it.
        #[serde(rename = "appid")]
        app_id: String,
        /// The page in it.
        page: String,
    },
    /// A video, uploaded before.
    Video {
        /// From `media/upload`.
        media_id: String,
    },
    /// A file, uploaded before.
    File {
        /// From `media/upload`.
        media_id: String,
    },
}

prints_nothing!(Welcome, Attachment);

impl Attachment {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Image { .. } => "image",
            Self::Link { .. } => "link",
            Self::MiniProgram { .. } => "miniprogram",
            Self::Video { .. } => "video",
            Self::File { .. } => "file",
        }
    }
}

#[derive(Serialize)]
struct Text<'a> {
    content: &'a str,
}

#[derive(Serialize)]
struct AttachmentBody<'a> {
    msgtype: &'static str,
    #[serde(flatten)]
    attachment: &'a Attachment,
}

#[derive(Serialize)]
struct Body<'a> {
    welcome_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<AttachmentBody<'a>>,
}

impl Speaker {
    /// Sends a welcome message (`externalcontact/send_welcome_msg`, WeCom document 92599).
    ///
    /// When it ends unclear, repeat it with the same code inside the 20 seconds: 41051 then says that it was sent.
    /// 41050: too late. 41096: another app is at it, repeat shortly.
    pub async fn send_welcome(&self, welcome: &Welcome) -> Result<(), CallError> {
        let attachments = welcome.attachments.iter();
        let body = Body {
            welcome_code: &welcome.code,
            text: welcome.text.as_deref().map(|content| Text { content }),
            attachments: attachments
                .map(|attachment| AttachmentBody { msgtype: attachment.kind(), attachment })
                .collect(),
        };
        self.post::<Done>(&WELCOME, &body).await.map(drop)
    }
}
