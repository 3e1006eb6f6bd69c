//! Bearer tokens: JWT signed with Ed25519 (RFC 8037).

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use scrm_kernel::{Clock, CorpId, KeyRing};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Role};

const ISSUER: &str = "hongyan";
const AUDIENCE: &str = "hongyan";

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file cannot be read or written.
    #[error("key file {path}: {source}")]
    File {
        /// Its path.
        path: String,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The key file holds no Ed25519 key in PKCS #8.
    #[error("key file {0} holds no Ed25519 key")]
    Malformed(String),
}

/// Why a token is not accepted. The client learns none of it.
#[derive(Debug, thiserror::Error)]
#[error("token is not accepted")]
pub struct BadToken(#[source] jsonwebtoken::errors::Error);

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    corp: CorpId,
    role: Role,
    iat: i64,
    exp: i64,
}

/// The key pair that signs tokens.
#[derive(Clone)]
pub struct TokenKeys {
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl TokenKeys {
    /// Makes a new key pair; returns its PKCS #8 form too, which is secret.
    pub fn generate() -> (Self, Vec<u8>) {
        let pair = Ed25519KeyPair::generate().expect("the operating system gives random bytes");
        let der = pair.to_pkcs8v1().expect("an Ed25519 key has a PKCS #8 form").as_ref().to_vec();
        (Self::of(&pair, &der), der)
    }

    /// Reads a key pair from a PKCS #8 file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let der = std::fs::read(path)
            .map_err(|source| KeyError::File { path: path.display().to_string(), source })?;
        let pair =
            Ed25519KeyPair::from_pkcs8(&der).map_err(|_| KeyError::Malformed(path.display().to_string()))?;
        Ok(Self::of(&pair, &der))
    }

    fn of(pair: &Ed25519KeyPair, der: &[u8]) -> Self {
        Self {
            signing: EncodingKey::from_ed_der(der),
            verifying: DecodingKey::from_ed_der(pair.public_key().as_ref()),
        }
    }
}

/// Purpose of the secret with which one service asks another.
pub const BETWEEN_SERVICES: &str = "between services";

/// Signs and checks tokens.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    keys: TokenKeys,
    clock: Clock,
    /// Where other services may ask; none where they all run in this process.
    services: Option<KeyRing>,
    checked: Mutex<Checked>,
}

/// Whom tokens let in, and until which second, by the SHA-256 of the token: a signature costs more to check than most
/// requests do otherwise, and whoever asks, asks again.
type Checked = HashMap<Vec<u8>, (Caller, i64)>;

/// Tokens that are remembered at most.
const REMEMBERED: usize = 1000;

impl Tokens {
    /// Makes a signer and checker.
    pub fn new(keys: TokenKeys, clock: Clock) -> Self {
        Self(Arc::new(Inner { keys, clock, services: None, checked: Mutex::default() }))
    }

    /// Makes a signer and checker that also lets other services of the installation in, which prove themselves with
    /// a secret of the same keys.
    pub fn admitting_services(keys: TokenKeys, clock: Clock, services: KeyRing) -> Self {
        Self(Arc::new(Inner { keys, clock, services: Some(services), checked: Mutex::default() }))
    }

    /// Reports whether this bearer is another service of the installation.
    pub fn is_service(&self, bearer: &str) -> bool {
        self.0.services.as_ref().is_some_and(|keys| keys.is_shared_secret(BETWEEN_SERVICES, bearer))
    }

    /// Signs a token that lets `caller` in for `life`.
    pub fn sign(&self, caller: &Caller, life: Duration) -> Result<String, BadToken> {
        let now = self.0.clock.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: caller.subject.clone(),
            corp: caller.corp,
            role: caller.role,
            iat: now.timestamp(),
            exp: (now + life).timestamp(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.0.keys.signing).map_err(BadToken)
    }

    /// Returns who a token lets in.
    pub fn check(&self, token: &str) -> Result<Caller, BadToken> {
        let now = self.0.clock.now().timestamp();
        let hash = digest(&SHA256, token.as_bytes()).as_ref().to_vec();
        if let Some((caller, _)) = self.checked().get(&hash).filter(|(_, expiry)| *expiry > now) {
            return Ok(caller.clone());
        }
        let (caller, expiry) = self.verify(token)?;
        if expiry <= now {
            return Err(BadToken(jsonwebtoken::errors::ErrorKind::ExpiredSignature.into()));
        }
        let mut checked = self.checked();
        if checked.len() >= REMEMBERED {
            checked.clear();
        }
        checked.insert(hash, (caller.clone(), expiry));
        Ok(caller)
    }

    fn checked(&self) -> MutexGuard<'_, Checked> {
        self.0.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns who signed claims let in, and until which second.
    fn verify(&self, token: &str) -> Result<(Caller, i64), BadToken> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // The caller looks at the expiry, by our clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.0.keys.verifying, &validation)
            .map_err(BadToken)?
            .claims;
        Ok((Caller { corp: claims.corp, role: claims.role, subject: claims.sub }, claims.exp))
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    fn caller() -> Caller {
        Caller { corp: CorpId::mint(from_millis(1)), role: Role::Admin, subject: "cli".to_owned() }
    }

    #[test]
    fn a_token_lets_in_until_it_expires() {
        let clock = Clock::mock(from_millis(1_700_000_000_000));
        let tokens = Tokens::new(TokenKeys::generate().0, clock.clone());
        let token = tokens.sign(&caller(), Duration::from_hours(1)).unwrap();
        for _ in 0..2 {
            assert_eq!(tokens.check(&token).unwrap().subject, "cli");
        }
        clock.advance(Duration::from_hours(1));
        assert!(tokens.check(&token).is_err());
    }

    #[test]
    fn a_token_of_another_key_or_algorithm_is_refused() {
        let tokens = Tokens::new(TokenKeys::generate().0, Clock::system());
        let others = Tokens::new(TokenKeys::generate().0, Clock::system());
        let token = others.sign(&caller(), Duration::from_hours(1)).unwrap();
        assert!(tokens.check(&token).is_err());

        let (_, rest) = token.split_once('.').unwrap();
        // {"alg":"none","typ":"JWT"}
        assert!(others.check(&format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{rest}")).is_err());
        assert!(others.check("").is_err());
    }

    #[test]
    fn a_key_file_is_read_again() {
        let (keys, der) = TokenKeys::generate();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.pk8");
        std::fs::write(&path, der).unwrap();
        let token = Tokens::new(keys, Clock::system()).sign(&caller(), Duration::from_hours(1)).unwrap();
        let again = Tokens::new(TokenKeys::read(&path).unwrap(), Clock::system());
        std::fs::remove_file(&path).unwrap();
        assert!(again.check(&token).is_ok());
        assert!(TokenKeys::read(&path).is_err());
    }
}
