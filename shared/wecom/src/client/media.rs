//! Temporary media (临时素材): uploaded once, usable for three days.

use bytes::Bytes;
use scrm_kernel::Timestamp;
use serde::Deserialize;

use super::call::Payload;
use super::endpoint::UPLOAD;
use super::error::CallError;
use super::{Speaker, lenient};

/// What sort of file it is, with WeCom's limits (document 90253).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// JPG or PNG, up to 10 MB.
    Image,
    /// AMR, up to 2 MB and 60 seconds.
    Voice,
    /// MP4, up to 10 MB.
    Video,
    /// Anything, up to 20 MB.
    File,
}

impl MediaKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::File => "file",
        }
    }
}

/// A file that WeCom has now.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UploadedMedia {
    /// What messages name it by.
    pub media_id: String,
    /// Since when; it ends three days later.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub created_at: Option<Timestamp>,
}

impl Speaker {
    /// Uploads a file (`media/upload`). A repeat makes another copy, which harms nobody.
    pub async fn upload_media(
        &self,
        kind: MediaKind,
        file_name: &str,
        content: Bytes,
    ) -> Result<UploadedMedia, CallError> {
        let payload = Payload::File { kind: kind.as_str(), name: plain_name(file_name), content };
        self.call(&UPLOAD, payload).await
    }
}

/// The name stands in a header line in quotes: what would end either becomes an underscore.
fn plain_name(name: &str) -> String {
    let ends = |char: char| char.is_control() || matches!(char, '"' | '\\');
    name.chars().map(|char| if ends(char) { '_' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(plain_name("报价\"; x=\"\r\n.pdf"), "报价_; x=___.pdf");
    }
}
