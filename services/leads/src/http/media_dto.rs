//! Files as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, MediaId, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::media::{Kind, Media};

/// What sort of file it is.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MediaKind)]
pub(super) enum KindIn {
    /// JPG or PNG, up to 10 MB.
    Image,
    /// MP4, up to 10 MB.
    Video,
    /// Anything, up to 20 MB.
    File,
}

impl From<KindIn> for Kind {
    fn from(kind: KindIn) -> Self {
        match kind {
            KindIn::Image => Self::Image,
            KindIn::Video => Self::Video,
            KindIn::File => Self::File,
        }
    }
}

/// What a file is to be kept as.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct MediaIn {
    /// `image`: JPG or PNG up to 10 MB; `video`: MP4 up to 10 MB; `file`: anything up to 20 MB.
    #[param(inline)]
    pub(super) kind: KindIn,
    /// Its name, as customers see it.
    pub(super) name: String,
}

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
