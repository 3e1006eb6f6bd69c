//! A time for which somebody is signed in on one device.

use std::time::Duration;

use scrm_kernel::{AccountId, CorpId, SessionId, Timestamp};

/// Who does nothing for so long has to sign in again.
const IDLE: Duration = Duration::from_hours(14 * 24);
/// So does everybody after so long.
pub const LONGEST: Duration = Duration::from_hours(90 * 24);

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By the person.
    SignedOut,
    /// A refresh token came that had been used: somebody else has a copy.
    Reuse,
    /// It was too old.
    Expired,
    /// The account lets in no more.
    Disabled,
}

impl End {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Reuse => "reuse",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
        }
    }
}

/// A session that has not ended, or has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Ours.
    pub id: SessionId,
    /// The tenant.
    pub corp: CorpId,
    /// Whose it is.
    pub account: AccountId,
    /// SHA-256 of the refresh token that is good now.
    pub token_hash: Vec<u8>,
    /// When somebody signed in.
    pub created_at: Timestamp,
    /// When the token was renewed last.
    pub refreshed_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Session {
    /// Reports whether it is too old to go on.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.refreshed_at + IDLE <= now || self.created_at + LONGEST <= now
    }
}
