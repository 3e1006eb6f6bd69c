//! Where leads come from besides WeCom, and where their fields stand in what a source sends.

use std::collections::BTreeMap;
use std::fmt;

use scrm_kernel::{CorpId, Timestamp};

use super::connection::{AppName, BadAppName};

/// Characters of a pointer at most.
const MOST_POINTER: usize = 200;
/// Characters of a title or group at most.
const MOST_LABEL: usize = 60;
/// Characters of a secret.
const SECRET: std::ops::RangeInclusive<usize> = 16..=128;

/// The name of a lead source: the last part of its address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceName(AppName);

impl SourceName {
    /// Checks a name from outside.
    pub fn parse(text: &str) -> Result<Self, BadAppName> {
        AppName::parse(text).map(Self)
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that cannot be a title or the name of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MOST_LABEL} characters without control characters or slashes")]
pub struct BadLabel;

/// Checks a short text for people: the title of a source or the name of a group.
pub fn checked_label(text: &str) -> Result<String, BadLabel> {
    let text = text.trim();
    let fits = (1..=MOST_LABEL).contains(&text.chars().count());
    let is_plain = !text.contains(|character: char| character.is_control() || character == '/');
    if fits && is_plain { Ok(text.to_owned()) } else { Err(BadLabel) }
}

/// A text that cannot be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {} to {} visible ASCII characters", SECRET.start(), SECRET.end())]
pub struct BadSecret;

/// Checks a secret that an administrator chose.
pub fn checked_secret(text: &str) -> Result<(), BadSecret> {
    let fits = SECRET.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(()) } else { Err(BadSecret) }
}

/// Something we know of a lead that a source may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The sender's own id of the submission, when no header tells it.
    Id,
    /// What the person is called.
    Name,
    /// Normalised to E.164.
    Phone,
    /// An address of e-mail.
    Email,
    /// Where they are.
    Region,
    /// What they are interested in.
    Product,
    /// How they came to the sender.
    Channel,
    /// What a person would note.
    Remark,
    /// WeCom's id of them as a customer.
    ExternalUserId,
    /// WeChat's id of them across the apps of one enterprise.
    UnionId,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Id,
        Self::Name,
        Self::Phone,
        Self::Email,
        Self::Region,
        Self::Product,
        Self::Channel,
        Self::Remark,
        Self::ExternalUserId,
        Self::UnionId,
    ];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Region => "region",
            Self::Product => "product",
            Self::Channel => "channel",
            Self::Remark => "remark",
            Self::ExternalUserId => "external_user_id",
            Self::UnionId => "unionid",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }
}

/// A JSON pointer (RFC 6901) into a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(String);

/// A text that is no JSON pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a JSON pointer such as /contact/phone, of at most {MOST_POINTER} characters")]
pub struct BadPointer;

impl Pointer {
    /// Checks a pointer from outside.
    pub fn parse(text: &str) -> Result<Self, BadPointer> {
        let fits = text.starts_with('/') && text.chars().count() <= MOST_POINTER;
        let is_plain = !text.contains(char::is_control);
        let is_escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if fits && is_plain && is_escaped { Ok(Self(text.to_owned())) } else { Err(BadPointer) }
    }

    /// Returns the pointer.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where the fields stand in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping(pub BTreeMap<Field, Pointer>);

impl Default for Mapping {
    /// Every field at the top, under its own name.
    fn default() -> Self {
        Self(Field::ALL.into_iter().map(|field| (field, Pointer(format!("/{}", field.as_str())))).collect())
    }
}

/// A lead source, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadSource {
    /// Its name in its address.
    pub name: SourceName,
    /// Whose it is.
    pub corp: CorpId,
    /// What people call it.
    pub title: String,
    /// The routing group that decides who gets its leads.
    pub group: String,
    /// Where the fields stand in what it sends.
    pub mapping: Mapping,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_begins_with_a_slash_and_is_escaped() {
        for good in ["/phone", "/contact/0/phone", "/a~1b/~0", "/", "/手机"] {
            assert!(Pointer::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "phone", "/a~2", "/a~", "/a\u{0}", &format!("/{}", "a".repeat(200))] {
            assert_eq!(Pointer::parse(bad), Err(BadPointer), "{bad}");
        }
    }

    #[test]
    fn labels_and_secrets_are_short_and_visible() {
        assert_eq!(checked_label(" 官网表单 ").unwrap(), "官网表单");
        for bad in ["", "  ", "a/b", "a\nb", &"长".repeat(61)] {
            assert_eq!(checked_label(bad), Err(BadLabel), "{bad}");
        }
        assert!(checked_secret("0123456789abcdef").is_ok());
        for bad in ["short", "0123456789abcde ", "0123456789abcdé", &"a".repeat(129)] {
            assert_eq!(checked_secret(bad), Err(BadSecret), "{bad}");
        }
    }
}
