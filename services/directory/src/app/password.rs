//! Passwords: whether they are good enough, and their hashes (argon2id, RFC 9106).

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use scrm_kernel::FieldError;
use tokio::sync::Semaphore;
use zxcvbn::{Score, zxcvbn};

use super::Error;

/// Letters of a password. Longer ones cost time and add nothing.
const LETTERS: std::ops::RangeInclusive<usize> = 8..=128;
/// Hashes that are computed at once: each fills a core and 19 MiB for a while.
const AT_ONCE: usize = 2;

/// What a hash costs.
#[derive(Debug, Clone, Copy)]
pub enum Cost {
    /// As OWASP recommends: 19 MiB, two passes.
    Usual,
    /// As little as possible, for tests.
    Least,
}

/// Makes and compares hashes of passwords.
pub(crate) struct Hasher {
    params: Params,
    turns: Semaphore,
}

impl Hasher {
    pub(crate) fn new(cost: Cost) -> Self {
        let (memory, passes) = match cost {
            Cost::Usual => (19 * 1024, 2),
            Cost::Least => (Params::MIN_M_COST, 1),
        };
        let params = Params::new(memory, passes, 1, None).expect("these costs are within the bounds");
        Self { params, turns: Semaphore::new(AT_ONCE) }
    }

    /// Returns the hash of a password, in the form of PHC.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Error> {
        let argon2 = self.argon2();
        let hash = move || argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string());
        self.compute(hash).await?.map_err(|error| Error::Cryptography(error.to_string()))
    }

    /// Reports whether a password is that of a hash. Without a hash it takes as long and never is.
    pub(crate) async fn is_of(&self, password: String, hash: Option<String>) -> Result<bool, Error> {
        let argon2 = self.argon2();
        let compare = move || match hash.as_deref().map(PasswordHash::new) {
            Some(Ok(hash)) => argon2.verify_password(password.as_bytes(), &hash).is_ok(),
            _ => argon2.hash_password(password.as_bytes()).is_err(),
        };
        self.compute(compare).await
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let _turn = self.turns.acquire().await.map_err(|error| Error::Cryptography(error.to_string()))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::Cryptography(error.to_string()))
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }
}

/// Returns what is wrong with a new password of somebody of whom something is known, in `field`.
pub(crate) fn problem(field: &str, password: &str, known: &[&str]) -> Option<FieldError> {
    let letters = password.chars().count();
    if !LETTERS.contains(&letters) {
        let message = format!("must be {} to {} letters", LETTERS.start(), LETTERS.end());
        return Some(FieldError::new(field, message));
    }
    let is_weak = zxcvbn(password, known).score() < Score::Three;
    is_weak.then(|| FieldError::new(field, "is easily guessed: make it longer, or of several unusual words"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_easily_guessed_or_too_long_is_refused() {
        for bad in ["short", "password1", "wangfang2026", "1234567890", &"x".repeat(129)] {
            assert!(problem("password", bad, &["wangfang"]).is_some(), "{bad}");
        }
        assert!(problem("password", "nine green cranes at dusk", &["wangfang"]).is_none());
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_alone() {
        let hasher = Hasher::new(Cost::Least);
        let hash = hasher.hash("one two three".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
        assert!(hasher.is_of("one two three".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.is_of("one two four".to_owned(), Some(hash)).await.unwrap());
        assert!(!hasher.is_of("one two three".to_owned(), Some("damaged".to_owned())).await.unwrap());
        assert!(!hasher.is_of("one two three".to_owned(), None).await.unwrap());
    }
}
