//! The keys that sign tokens: each has its turn.
//!
//! They are made from the installation's newest key and the number of the turn (HKDF), so all services of an installation
//! have the same ones at the same time, with nothing to hand round and nothing to lose. A new installation key makes new
//! ones at once: tokens signed before are refused then, and whoever had one gets another with their session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use scrm_kernel::{Clock, KeyRing};
use serde_json::{Value, json};

use crate::token::LONGEST_LIFE;

const PURPOSE: &str = "token signing";
/// How long a key signs.
const TURN: Duration = Duration::from_hours(30 * 24);
/// By how much clocks of one installation may differ.
const SKEW: Duration = Duration::from_mins(1);

/// A key pair that signs tokens.
pub(crate) struct SigningKey {
    pub(crate) signing: EncodingKey,
    pub(crate) verifying: DecodingKey,
    public: Vec<u8>,
}

impl SigningKey {
    fn of_seed(seed: &[u8]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are the seed of a pair");
        let der = pair.to_pkcs8v1().expect("an Ed25519 key has a PKCS #8 form");
        let public = pair.public_key().as_ref().to_vec();
        Self {
            signing: EncodingKey::from_ed_der(der.as_ref()),
            verifying: DecodingKey::from_ed_der(&public),
            public,
        }
    }
}

/// All keys of an installation that sign or may still be needed.
pub(crate) struct SigningKeys {
    ring: KeyRing,
    clock: Clock,
    /// By the number of the turn.
    made: Mutex<HashMap<i64, (String, Arc<SigningKey>)>>,
}

impl SigningKeys {
    pub(crate) fn new(ring: KeyRing, clock: Clock) -> Self {
        Self { ring, clock, made: Mutex::default() }
    }

    /// Returns the key that signs now, and its name.
    pub(crate) fn newest(&self) -> (String, Arc<SigningKey>) {
        self.of_turn(turn_of(self.now()))
    }

    /// Returns the key of a name, if it signs now, did within the life of a token, or does by a clock that is a little ahead.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<SigningKey>> {
        let first = turn_of(self.now() - seconds(LONGEST_LIFE + SKEW));
        let last = turn_of(self.now() + seconds(SKEW));
        (first..=last).map(|turn| self.of_turn(turn)).find(|(known, _)| known == name).map(|(_, key)| key)
    }

    /// Returns the public keys of now, of the turn that may just have ended, and of the next one (RFC 7517, RFC 8037).
    pub(crate) fn public_keys(&self) -> Value {
        let present = turn_of(self.now());
        let ended = turn_of(self.now() - seconds(LONGEST_LIFE + SKEW));
        let mut turns = vec![present, present + 1];
        turns.extend((ended < present).then_some(ended));
        let keys: Vec<Value> = turns.into_iter().map(|turn| published(&self.of_turn(turn))).collect();
        json!({ "keys": keys })
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp()
    }

    fn of_turn(&self, turn: i64) -> (String, Arc<SigningKey>) {
        let mut keys = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        // Of more than these nobody asks.
        if keys.len() > 8 {
            keys.clear();
        }
        let make = || {
            let (id, seed) = self.ring.derived(PURPOSE, turn);
            (format!("{id}.{turn}"), Arc::new(SigningKey::of_seed(&seed)))
        };
        keys.entry(turn).or_insert_with(make).clone()
    }
}

fn published((name, key): &(String, Arc<SigningKey>)) -> Value {
    json!({
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
        "kid": name, "x": URL_SAFE_NO_PAD.encode(&key.public),
    })
}

const fn seconds(duration: Duration) -> i64 {
    duration.as_secs().cast_signed()
}

const fn turn_of(second: i64) -> i64 {
    second.div_euclid(seconds(TURN))
}
