//! WeCom's own ids, wrapped so that they cannot be mixed up with each other or with ours.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// Why a string cannot be an id of WeCom's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWecomId {
    /// Nothing is left after trimming.
    #[error("is empty")]
    Empty,
    /// Longer than WeCom ever makes one.
    #[error("has {0} bytes, at most {1} are allowed")]
    TooLong(usize, usize),
    /// Holds a control character.
    #[error("holds a control character")]
    Control,
}

fn checked(text: &str, most: usize) -> Result<String, BadWecomId> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BadWecomId::Empty);
    }
    if text.len() > most {
        return Err(BadWecomId::TooLong(text.len(), most));
    }
    if text.chars().any(char::is_control) {
        return Err(BadWecomId::Control);
    }
    Ok(text.to_owned())
}

macro_rules! wecom_id {
    ($($(#[$doc:meta])+ $name:ident, $most:literal;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// Trims and checks a string from outside.
            pub fn parse(text: &str) -> Result<Self, BadWecomId> {
                checked(text, $most).map(Self)
            }

            /// Returns WeCom's spelling.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        wecom_id!(@common $name);
    )+};
    (@common $name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadWecomId;

            fn try_from(text: String) -> Result<Self, BadWecomId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }
    };
}

wecom_id! {
    /// WeCom's id of an enterprise (`corpid`, prefix `ww` or `wx`).
    WecomCorpId, 64;
    /// WeCom's id of a customer (`external_userid`, prefix `wm` or `wo`); compared byte by byte.
    ExternalUserId, 64;
}

/// WeCom's id of a member (`userid`).
///
/// WeCom compares them without regard to case, so this type does too; the spelling received is kept.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct WecomUserId(String);

impl WecomUserId {
    /// Trims and checks a string from outside (1 to 64 bytes, WeCom document 90195).
    pub fn parse(text: &str) -> Result<Self, BadWecomId> {
        checked(text, 64).map(Self)
    }

    /// Returns the spelling received.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form that is compared and indexed.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

wecom_id!(@common WecomUserId);

impl PartialEq for WecomUserId {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for WecomUserId {}

impl Hash for WecomUserId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_userid_compares_folded_and_keeps_its_spelling() {
        let upper = WecomUserId::parse(" LiLei ").unwrap();
        assert_eq!(upper, WecomUserId::parse("lilei").unwrap());
        assert_eq!(upper.as_str(), "LiLei");
    }

    #[test]
    fn what_cannot_be_an_id_is_refused() {
        assert_eq!(ExternalUserId::parse("  "), Err(BadWecomId::Empty));
        assert_eq!(ExternalUserId::parse(&"w".repeat(65)), Err(BadWecomId::TooLong(65, 64)));
        assert_eq!(ExternalUserId::parse("wm\u{0}1"), Err(BadWecomId::Control));
        assert!(serde_json::from_str::<ExternalUserId>("\"\"").is_err());
    }
}
