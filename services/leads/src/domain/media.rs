//! Files that can be attached to messages: what WeCom takes, and how long it keeps them.

use std::time::Duration;

use scrm_kernel::{CorpId, FieldError, MediaId, Timestamp};

const MIB: usize = 1 << 20;
/// Bytes of any file at least (WeCom document 90253).
const LEAST_BYTES: usize = 6;
/// Bytes of a file's name at most.
const MOST_NAME: usize = 128;
/// How long a copy at WeCom is relied on. WeCom keeps it for 72 hours; clocks differ, and a message takes a while.
const LIFE: Duration = Duration::from_hours(71);
/// How old a copy is when it is made anew.
const RENEWAL: Duration = Duration::from_hours(60);

/// What sort of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JPG or PNG, up to 10 MB.
    Image,
    /// MP4, up to 10 MB.
    Video,
    /// Anything, up to 20 MB.
    File,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Image, Self::Video, Self::File];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::File => "file",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Returns how many bytes WeCom takes (document 90253).
    pub const fn most_bytes(self) -> usize {
        match self {
            Self::Image | Self::Video => 10 * MIB,
            Self::File => 20 * MIB,
        }
    }

    /// Returns what the bytes are by their beginning; none if they are nothing of this kind.
    fn format(self, content: &[u8]) -> Option<&'static str> {
        match self {
            Self::Image if content.starts_with(b"\xff\xd8\xff") => Some("image/jpeg"),
            Self::Image if content.starts_with(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
            Self::Video if content.get(4..8) == Some(b"ftyp") => Some("video/mp4"),
            Self::Image | Self::Video => None,
            Self::File => Some("application/octet-stream"),
        }
    }

    /// Returns the media type of content that was taken as this kind.
    pub fn content_type(self, content: &[u8]) -> &'static str {
        self.format(content).unwrap_or("application/octet-stream")
    }

    /// Returns what is wrong with a file of this kind.
    pub fn problems(self, name: &str, content: &[u8]) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let is_bad = |char: char| char.is_control() || matches!(char, '/' | '\\' | '"');
        if name.trim().is_empty() || name.len() > MOST_NAME || name.contains(is_bad) {
            let rule = format!(
                "must be a file's name of 1 to {MOST_NAME} bytes without slashes and quotation marks"
            );
            problems.push(FieldError::new("name", rule));
        }
        let (bytes, most) = (content.len(), self.most_bytes());
        if bytes < LEAST_BYTES {
            problems.push(FieldError::new(
                "body",
                format!("has {bytes} bytes; WeCom takes {LEAST_BYTES} at least"),
            ));
        } else if bytes > most {
            problems.push(self.too_large());
        } else if self.format(content).is_none() {
            let wanted = if self == Self::Image { "a JPG or PNG picture" } else { "an MP4 video" };
            problems.push(FieldError::new("body", format!("is not {wanted}")));
        }
        problems
    }

    /// Returns what is wrong with a file that has more bytes than WeCom takes.
    pub fn too_large(self) -> FieldError {
        let (kind, most) = (self.as_str(), self.most_bytes());
        FieldError::new("body", format!("is too large; WeCom takes {kind} of up to {most} bytes"))
    }
}

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// Whose it is.
    pub corp: CorpId,
    /// What sort of file.
    pub kind: Kind,
    /// What customers see it called.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
    /// The SHA-256 of its content; the same content is kept once for each kind.
    pub sha256: Vec<u8>,
    /// Since when it is kept.
    pub created_at: Timestamp,
}

/// What is known of a file's copy at WeCom, which messages of one app name it by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copy {
    /// WeCom's `media_id`, and since when WeCom has it.
    pub uploaded: Option<(String, Timestamp)>,
    /// Until then somebody uploads it, or nobody tries again.
    pub claimed_until: Option<Timestamp>,
    /// Why the last upload failed.
    pub problem: Option<String>,
}

/// What a message can do with a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use<'a> {
    /// Name it by this id.
    Ready(&'a str),
    /// Wait: it is on its way, or will be.
    Soon,
    /// Do without it, for this reason.
    Missing(&'a str),
}

impl Copy {
    /// Says what a message can do at `now`.
    pub fn at(&self, now: Timestamp) -> Use<'_> {
        match (&self.uploaded, &self.problem) {
            (Some((id, since)), _) if now < *since + LIFE => Use::Ready(id),
            (_, Some(problem)) if self.claimed_until.is_some_and(|until| now < until) => {
                Use::Missing(problem)
            }
            _ => Use::Soon,
        }
    }

    /// Returns the moment before which a copy must have been made at `now` to be made anew.
    pub fn renewed_before(now: Timestamp) -> Timestamp {
        now - RENEWAL
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n rest";
    const HOUR: i64 = 3_600_000;

    fn fields(kind: Kind, name: &str, content: &[u8]) -> Vec<String> {
        kind.problems(name, content).into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn a_file_is_known_by_its_beginning_and_its_size() {
        assert!(fields(Kind::Image, "a.png", PNG).is_empty());
        assert!(fields(Kind::Image, "a.jpg", b"\xff\xd8\xff\xe0 rest").is_empty());
        assert!(fields(Kind::Video, "a.mp4", b"\0\0\0\x18ftypmp42").is_empty());
        assert!(fields(Kind::File, "报价.pdf", b"%PDF-1.7").is_empty());
        assert_eq!(fields(Kind::Image, "a.gif", b"GIF89a rest"), ["body"]);
        assert_eq!(fields(Kind::Video, "a.mp4", PNG), ["body"]);
        assert_eq!(fields(Kind::File, "a", b"tiny"), ["body"]);
        let most = Kind::Image.most_bytes();
        let large = [PNG, &vec![0; most - PNG.len()]].concat();
        assert!(fields(Kind::Image, "a.png", &large).is_empty());
        assert_eq!(fields(Kind::Image, "a.png", &[large, vec![0]].concat()), ["body"]);
    }

    #[test]
    fn a_name_is_no_path_and_no_header() {
        for name in ["", " ", "../a.png", "a\\b", "a\r\nb", "a\"b", &"长".repeat(43)] {
            assert_eq!(fields(Kind::Image, name, PNG), ["name"], "{name:?}");
        }
    }

    #[test]
    fn a_copy_is_good_until_an_hour_before_its_end() {
        let uploaded = Some(("m1".to_owned(), from_millis(0)));
        let copy = Copy { uploaded, ..Copy::default() };
        assert_eq!(copy.at(from_millis(71 * HOUR - 1)), Use::Ready("m1"));
        assert_eq!(copy.at(from_millis(71 * HOUR)), Use::Soon);
        assert_eq!(Copy::renewed_before(from_millis(60 * HOUR)), from_millis(0));
    }

    #[test]
    fn a_failed_upload_makes_nobody_wait_until_it_is_tried_again() {
        let (claimed_until, problem) = (Some(from_millis(100)), Some("too large".to_owned()));
        let copy = Copy { claimed_until, problem, uploaded: None };
        assert_eq!(copy.at(from_millis(99)), Use::Missing("too large"));
        assert_eq!(copy.at(from_millis(100)), Use::Soon);
        assert_eq!(Copy { problem: None, ..copy }.at(from_millis(99)), Use::Soon);
        assert_eq!(Copy::default().at(from_millis(0)), Use::Soon);
    }
}
