//! A customer: who they are, as WeCom tells it.

use scrm_kernel::{CorpId, CustomerId, ExternalUserId, Timestamp};

use super::standing::Fact;

/// Where a customer's account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Nobody told.
    #[default]
    Unknown,
    /// In WeChat.
    Wechat,
    /// In another enterprise's WeCom.
    Wecom,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Unknown, Self::Wechat, Self::Wecom];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Wechat => "wechat",
            Self::Wecom => "wecom",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Reads WeCom's number.
    pub const fn of_number(number: i64) -> Self {
        match number {
            1 => Self::Wechat,
            2 => Self::Wecom,
            _ => Self::Unknown,
        }
    }
}

/// What a customer says of their gender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gender {
    /// Nothing.
    #[default]
    Unknown,
    /// Male.
    Male,
    /// Female.
    Female,
}

impl Gender {
    const ALL: [Self; 3] = [Self::Unknown, Self::Male, Self::Female];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Male => "male",
            Self::Female => "female",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gender| gender.as_str() == text)
    }

    /// Reads WeCom's number.
    pub const fn of_number(number: i64) -> Self {
        match number {
            1 => Self::Male,
            2 => Self::Female,
            _ => Self::Unknown,
        }
    }
}

/// What WeCom tells of a customer; a text is empty when it withholds it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// What the customer is called.
    pub name: String,
    /// Where the account is.
    pub kind: Kind,
    /// The gender.
    pub gender: Gender,
    /// The address of the picture.
    pub avatar: String,
    /// WeChat's id across apps.
    pub unionid: String,
    /// The enterprise that the customer works for.
    pub corp_name: String,
    /// The customer's position there.
    pub position: String,
}

impl Profile {
    /// Returns the names of the fields that are otherwise in another one.
    pub fn changed_fields(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name != other.name),
            ("type", self.kind != other.kind),
            ("gender", self.gender != other.gender),
            ("avatar", self.avatar != other.avatar),
            ("unionid", self.unionid != other.unionid),
            ("corp_name", self.corp_name != other.corp_name),
            ("position", self.position != other.position),
        ];
        fields.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name).collect()
    }
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Our id.
    pub id: CustomerId,
    /// The tenant.
    pub corp: CorpId,
    /// WeCom's id.
    pub person: ExternalUserId,
    /// Who they are.
    pub profile: Profile,
    /// The newest reading that told who they are.
    pub profiled: Option<Fact>,
    /// The newest reading, also one that found nobody who has them as contact.
    pub read: Option<Fact>,
    /// Whether nobody has them as contact any more.
    pub is_gone: bool,
    /// Counts the changes that can be seen.
    pub version: i64,
    /// When we first heard of them.
    pub created_at: Timestamp,
    /// When anything changed that can be seen.
    pub updated_at: Timestamp,
}

impl Customer {
    /// Returns a customer of whom nothing was told yet.
    pub fn unheard_of(id: CustomerId, corp: CorpId, person: ExternalUserId, now: Timestamp) -> Self {
        Self {
            id,
            corp,
            person,
            profile: Profile::default(),
            profiled: None,
            read: None,
            is_gone: true,
            version: 0,
            created_at: now,
            updated_at: now,
        }
    }
}
