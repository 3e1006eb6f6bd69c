//! What can be attached to a message to customers (WeCom document 92599).

use scrm_kernel::MediaId;

use super::media::Kind;

/// Bytes of a link's title, description and addresses at most.
const MOST_TITLE: usize = 128;
const MOST_DESCRIPTION: usize = 512;
const MOST_URL: usize = 2048;
/// Bytes of a mini program's title, id and page at most.
const MOST_PROGRAM_TITLE: usize = 64;
const MOST_APP_ID: usize = 128;
const MOST_PAGE: usize = 1024;

/// Something attached to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attachment {
    /// A picture that is kept.
    Image(MediaId),
    /// A video that is kept.
    Video(MediaId),
    /// A file that is kept.
    File(MediaId),
    /// A link.
    Link(Link),
    /// A mini program.
    MiniProgram(MiniProgram),
}

/// A link attached to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Up to 128 bytes.
    pub title: String,
    /// Up to 512 bytes.
    pub description: Option<String>,
    /// Where it leads.
    pub url: String,
    /// The address of its picture.
    pub picture_url: Option<String>,
}

/// A mini program attached to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MiniProgram {
    /// Up to 64 bytes.
    pub title: String,
    /// WeChat's id of it.
    pub app_id: String,
    /// The page in it.
    pub page: String,
    /// Its picture; WeCom takes no address for it.
    pub media: MediaId,
}

impl Attachment {
    /// Returns the file that it needs, and of which kind.
    pub const fn media(&self) -> Option<(MediaId, Kind)> {
        match self {
            Self::Image(id) => Some((*id, Kind::Image)),
            Self::MiniProgram(program) => Some((program.media, Kind::Image)),
            Self::Video(id) => Some((*id, Kind::Video)),
            Self::File(id) => Some((*id, Kind::File)),
            Self::Link(_) => None,
        }
    }

    /// Returns the fields that WeCom would not take, and why.
    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Image(_) | Self::Video(_) | Self::File(_) => Vec::new(),
            Self::Link(link) => link.problems(),
            Self::MiniProgram(program) => program.problems(),
        }
    }
}

impl Link {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let description = self.description.as_deref().unwrap_or_default();
        let picture_url = self.picture_url.as_deref().unwrap_or_default();
        let mut problems = too_long(&[
            ("title", &self.title, MOST_TITLE),
            ("description", description, MOST_DESCRIPTION),
            ("url", &self.url, MOST_URL),
            ("picture_url", picture_url, MOST_URL),
        ]);
        if self.title.trim().is_empty() {
            problems.push(("title", "is empty".to_owned()));
        }
        let is_web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if !is_web(&self.url) {
            problems.push(("url", "must begin with https:// or http://".to_owned()));
        }
        if !picture_url.is_empty() && !is_web(picture_url) {
            problems.push(("picture_url", "must begin with https:// or http://".to_owned()));
        }
        problems
    }
}

impl MiniProgram {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let fields = [
            ("title", self.title.as_str(), MOST_PROGRAM_TITLE),
            ("app_id", &self.app_id, MOST_APP_ID),
            ("page", &self.page, MOST_PAGE),
        ];
        let mut problems = too_long(&fields);
        let empty = fields.iter().filter(|(_, text, _)| text.trim().is_empty());
        problems.extend(empty.map(|(field, _, _)| (*field, "is empty".to_owned())));
        problems
    }
}

fn too_long(fields: &[(&'static str, &str, usize)]) -> Vec<(&'static str, String)> {
    let long = fields.iter().filter(|(_, text, most)| text.len() > *most);
    long.map(|(field, text, most)| (*field, format!("has {} bytes; WeCom takes {most}", text.len())))
        .collect()
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    #[test]
    fn what_wecom_would_not_take_is_named_by_field() {
        let link = Link {
            title: String::new(),
            description: Some("长".repeat(171)),
            url: "javascript:1".to_owned(),
            picture_url: Some("x".to_owned()),
        };
        let program = MiniProgram {
            title: "t".repeat(65),
            app_id: String::new(),
            page: " ".to_owned(),
            media: MediaId::mint(from_millis(0)),
        };
        let fields = |attachment: Attachment| {
            attachment.problems().into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert_eq!(fields(Attachment::Link(link)), ["description", "title", "url", "picture_url"]);
        assert_eq!(fields(Attachment::MiniProgram(program)), ["title", "app_id", "page"]);
    }
}
