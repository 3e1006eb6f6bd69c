//! Bearer tokens: JWT signed with Ed25519 (RFC 8037).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::{Algorithm, Header, Validation};
use scrm_kernel::access::{Actor, Asked, Permissions};
use scrm_kernel::{Clock, CorpId, KeyRing, SessionId, StaffId};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::signing_key::SigningKeys;

const ISSUER: &str = "hongyan";
const AUDIENCE: &str = "hongyan";

/// How long a token lets in at most; a key outlives its turn by as much.
pub const LONGEST_LIFE: Duration = Duration::from_hours(1);

/// Why a token is not accepted. The client learns none of it.
#[derive(Debug, thiserror::Error)]
#[error("token is not accepted")]
pub struct BadToken(#[source] jsonwebtoken::errors::Error);

impl BadToken {
    fn because(kind: jsonwebtoken::errors::ErrorKind) -> Self {
        Self(kind.into())
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The account, or the command of the operator's.
    sub: String,
    /// The session in which the account signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    corp: CorpId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    staff: Option<StaffId>,
    can: Permissions,
    iat: i64,
    exp: i64,
}

/// Purpose of the secret with which one service asks another.
pub const BETWEEN_SERVICES: &str = "between services";

/// Signs and checks tokens.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    signing: SigningKeys,
    clock: Clock,
    /// Where other services may ask; none where they all run in this process.
    services: Option<KeyRing>,
    checked: Mutex<Checked>,
    /// Sessions that have ended, and until which second one of their tokens may live.
    ended: Mutex<HashMap<SessionId, i64>>,
}

/// Whom tokens let in, and until which second, by the SHA-256 of the token: a signature costs more to check than most
/// requests do otherwise, and whoever asks, asks again.
type Checked = HashMap<Vec<u8>, (Caller, i64)>;

/// Tokens that are remembered at most.
const REMEMBERED: usize = 1000;

impl Tokens {
    /// Makes a signer and checker with the keys of an installation.
    pub fn new(keys: &KeyRing, clock: Clock) -> Self {
        Self::made(keys, clock, None)
    }

    /// Makes a signer and checker that also lets other services of the installation in, which prove themselves with
    /// a secret of the same keys.
    pub fn admitting_services(keys: &KeyRing, clock: Clock) -> Self {
        Self::made(keys, clock, Some(keys.clone()))
    }

    fn made(keys: &KeyRing, clock: Clock, services: Option<KeyRing>) -> Self {
        let signing = SigningKeys::new(keys.clone(), clock.clone());
        Self(Arc::new(Inner { signing, clock, services, checked: Mutex::default(), ended: Mutex::default() }))
    }

    /// Reports whether this bearer is another service of the installation.
    pub fn is_service(&self, bearer: &str) -> bool {
        self.0.services.as_ref().is_some_and(|keys| keys.is_shared_secret(BETWEEN_SERVICES, bearer))
    }

    /// Returns the public keys with which tokens can be checked now and until the next turn (RFC 7517).
    pub fn public_keys(&self) -> serde_json::Value {
        self.0.signing.public_keys()
    }

    /// Signs a token that lets `caller` in for `life`, at most [`LONGEST_LIFE`].
    pub fn sign(&self, caller: &Caller, life: Duration) -> Result<String, BadToken> {
        let now = self.0.clock.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: caller.subject.clone(),
            sid: caller.session,
            corp: caller.corp,
            staff: caller.staff,
            can: Permissions::clone(&caller.permissions),
            iat: now.timestamp(),
            exp: (now + life.min(LONGEST_LIFE)).timestamp(),
        };
        let (name, key) = self.0.signing.newest();
        let header = Header { kid: Some(name), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &key.signing).map_err(BadToken)
    }

    /// Lets nobody in any more with the tokens of a session.
    pub fn end_session(&self, session: SessionId) {
        let now = self.0.clock.now();
        let mut ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, until| *until > now.timestamp());
        ended.insert(session, (now + LONGEST_LIFE).timestamp());
    }

    fn has_ended(&self, caller: &Caller) -> bool {
        let ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        caller.session.is_some_and(|session| ended.contains_key(&session))
    }

    /// Returns who a token lets in.
    pub fn check(&self, token: &str) -> Result<Caller, BadToken> {
        let caller = self.check_alone(token)?;
        if self.has_ended(&caller) {
            return Err(BadToken::because(jsonwebtoken::errors::ErrorKind::ExpiredSignature));
        }
        Ok(caller)
    }

    /// Returns who a token lets in unless their session has ended.
    fn check_alone(&self, token: &str) -> Result<Caller, BadToken> {
        let now = self.0.clock.now().timestamp();
        let hash = digest(&SHA256, token.as_bytes()).as_ref().to_vec();
        if let Some((caller, _)) = self.checked().get(&hash).filter(|(_, expiry)| *expiry > now) {
            return Ok(caller.clone());
        }
        let (caller, expiry) = self.verify(token)?;
        if expiry <= now {
            return Err(BadToken::because(jsonwebtoken::errors::ErrorKind::ExpiredSignature));
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
        let header = jsonwebtoken::decode_header(token).map_err(BadToken)?;
        let name = header.kid.unwrap_or_default();
        let unknown = || BadToken::because(jsonwebtoken::errors::ErrorKind::InvalidSignature);
        let key = self.0.signing.named(&name).ok_or_else(unknown)?;

        // Whatever the token says of its algorithm, this is the only one.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // The caller looks at the expiry, by our clock.
        validation.validate_exp = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key.verifying, &validation).map_err(BadToken)?.claims;
        let actor = Actor {
            corp: claims.corp,
            subject: claims.sub,
            staff: claims.staff,
            permissions: Arc::new(claims.can),
            asked: Asked::default(),
        };
        Ok((Caller { actor, session: claims.sid, issued_at: claims.iat }, claims.exp))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::EncodingKey;
    use scrm_kernel::time::from_millis;

    use super::*;

    fn caller() -> Caller {
        Caller::of(Actor::administrator(CorpId::mint(from_millis(1)), "cli"))
    }

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_token_lets_in_until_it_expires() {
        let clock = Clock::mock(from_millis(1_700_000_000_000));
        let tokens = Tokens::new(&KeyRing::generate(), clock.clone());
        let caller = caller();
        let token = tokens.sign(&caller, Duration::from_hours(9)).unwrap();
        for _ in 0..2 {
            assert_eq!(tokens.check(&token).unwrap().actor, caller.actor);
        }
        clock.advance(HOUR);
        assert!(tokens.check(&token).is_err());
    }

    #[test]
    fn a_token_of_another_installation_or_algorithm_is_refused() {
        let tokens = Tokens::new(&KeyRing::generate(), Clock::system());
        let others = Tokens::new(&KeyRing::generate(), Clock::system());
        let token = others.sign(&caller(), HOUR).unwrap();
        assert!(tokens.check(&token).is_err());
        assert!(tokens.check("").is_err());

        // The public key is known to everybody: it must not do as a secret of another algorithm.
        let own = tokens.sign(&caller(), HOUR).unwrap();
        let (head, rest) = own.split_once('.').unwrap();
        let (claims, _) = rest.split_once('.').unwrap();
        let header: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
        let none = serde_json::json!({"alg": "none", "typ": "JWT", "kid": header["kid"]});
        let none = URL_SAFE_NO_PAD.encode(none.to_string());
        assert!(tokens.check(&format!("{none}.{claims}.")).is_err());
        let public = tokens.public_keys()["keys"][0]["x"].as_str().unwrap().to_owned();
        let header =
            Header { kid: header["kid"].as_str().map(str::to_owned), ..Header::new(Algorithm::HS256) };
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        for secret in [public.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(&public).unwrap()] {
            let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
            assert!(tokens.check(&forged).is_err());
        }
        assert!(tokens.check(&own).is_ok());
    }

    #[test]
    fn the_end_of_a_session_ends_its_tokens_and_no_others() {
        let tokens = Tokens::new(&KeyRing::generate(), Clock::system());
        let [one, other] = [1, 2].map(|at| SessionId::mint(from_millis(at)));
        let of = |session| tokens.sign(&Caller { session: Some(session), ..caller() }, HOUR).unwrap();
        let (ending, going_on) = (of(one), [of(other), tokens.sign(&caller(), HOUR).unwrap()]);
        assert!(tokens.check(&ending).is_ok());
        tokens.end_session(one);
        assert!(tokens.check(&ending).is_err() && tokens.check(&of(one)).is_err());
        assert!(going_on.iter().all(|token| tokens.check(token).is_ok()));
    }

    #[test]
    fn a_changed_token_is_refused() {
        let tokens = Tokens::new(&KeyRing::generate(), Clock::system());
        let token = tokens.sign(&caller(), HOUR).unwrap();
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character of a signature has bits that mean nothing; a strict reader refuses them too.
            assert!(changed == token || tokens.check(&changed).is_err(), "{place}");
        }
    }

    #[test]
    fn a_token_of_the_turn_before_lets_in_while_it_lives() {
        let clock = Clock::mock(from_millis(1_700_000_000_000));
        let keys = KeyRing::generate();
        let tokens = Tokens::new(&keys, clock.clone());
        let name = |tokens: &Tokens| tokens.public_keys()["keys"][0]["kid"].clone();
        let before = name(&tokens);
        // Comes to a minute before the next turn, in steps of one.
        let mut token = tokens.sign(&caller(), HOUR).unwrap();
        while tokens.sign(&caller(), HOUR).is_ok_and(|next| {
            let header = jsonwebtoken::decode_header(&next).unwrap();
            let is_same = header.kid == before.as_str().map(str::to_owned);
            if is_same {
                token = next;
            }
            is_same
        }) {
            clock.advance(Duration::from_mins(30));
        }
        assert!(tokens.check(&token).is_ok(), "of the turn before");
        assert!(
            Tokens::new(&keys, clock.clone()).check(&token).is_ok(),
            "of the turn before, after a restart"
        );
        let known: Vec<_> = tokens.public_keys()["keys"].as_array().unwrap().clone();
        assert!(known.iter().any(|key| key["kid"] == before), "it is still published");
        clock.advance(Duration::from_hours(3));
        assert!(tokens.public_keys()["keys"].as_array().unwrap().iter().all(|key| key["kid"] != before));
    }
}
