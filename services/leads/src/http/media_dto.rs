//! Files as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, MediaId, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::media::Media;

/// What a file is to be kept as.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct MediaIn {
    /// `image`: JPG or PNG up to 10 MB; `video`: MP4 up to 10 MB; `file`: anything up to 20 MB.
    pub(super) kind: String,
    /// Its name, as customers see it.
    pub(super) name: String,
}

/// The bytes of a file, as they are.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct FileContent(#[expect(dead_code, reason = "only the document tells of it")] Vec<u8>);

/// Which files are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct MediaListIn {
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// A file.
#[derive(Serialize, ToSchema)]
#[schema(as = Media)]
pub(super) struct MediaOut {
    id: MediaId,
    /// `image`, `video` or `file`.
    kind: &'static str,
    name: String,
    /// How large it is.
    bytes: u64,
    /// Of its content, in hex.
    sha256: String,
    created_at: Moment,
}

impl From<Media> for MediaOut {
    fn from(media: Media) -> Self {
        Self {
            id: media.id,
            kind: media.kind.as_str(),
            name: media.name,
            bytes: media.bytes,
            sha256: hex::encode(media.sha256),
            created_at: media.created_at.into(),
        }
    }
}

/// A page of files.
#[derive(Serialize, ToSchema)]
#[schema(as = MediaList)]
pub(super) struct MediaListOut {
    items: Vec<MediaOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<Media>> for MediaListOut {
    fn from(page: Page<Media>) -> Self {
        let Page { items, next_cursor } = page.map(MediaOut::from);
        Self { items, next_cursor }
    }
}
