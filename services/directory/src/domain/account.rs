//! Somebody who signs in.

use scrm_kernel::access::BuiltIn;
use scrm_kernel::{AccountId, CorpId, StaffId};

/// Letters of a login.
const LOGIN_LETTERS: std::ops::RangeInclusive<usize> = 2..=64;
/// Letters of the name that is shown.
pub const LONGEST_NAME: usize = 60;

/// By what somebody says who they are; compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login(String);

/// A text is no login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 2 to 64 letters, digits or signs, without spaces")]
pub struct BadLogin;

impl Login {
    /// Reads a login; spaces around it are left out.
    pub fn parse(text: &str) -> Result<Self, BadLogin> {
        let text = text.trim();
        let is_good = |letter: char| !letter.is_whitespace() && !letter.is_control();
        let is_login = LOGIN_LETTERS.contains(&text.chars().count()) && text.chars().all(is_good);
        if is_login { Ok(Self(text.to_owned())) } else { Err(BadLogin) }
    }

    /// Returns it as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns it as it is compared.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

/// Whether an account lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Active,
    /// It does not.
    Disabled,
}

impl State {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|known| known.as_str() == text)
    }
}

/// Somebody who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Ours.
    pub id: AccountId,
    /// The tenant.
    pub corp: CorpId,
    /// Counts its changes, from 1.
    pub version: i64,
    /// None for who signs in by WeCom alone.
    pub login: Option<Login>,
    /// What is shown.
    pub display_name: String,
    /// Which member of the staff they are, if they are one.
    pub staff: Option<StaffId>,
    /// Whether it lets in.
    pub state: State,
    /// As what.
    pub roles: Vec<BuiltIn>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_one_word_and_the_same_in_any_case() {
        assert_eq!(Login::parse(" Admin ").unwrap().folded(), "admin");
        assert_eq!(Login::parse("王芳@example.com").unwrap().as_str(), "王芳@example.com");
        for bad in ["", "a", "two words", "tab\there", "nul\0l", &"x".repeat(65)] {
            assert_eq!(Login::parse(bad), Err(BadLogin), "{bad:?}");
        }
    }
}
