//! Personal data at rest: sealed with AES-256-GCM, looked up through keyed hashes.
//!
//! What a seal protects: a stolen database, queue or backup tells nothing without the key file. What it does not
//! protect: a machine on which both are taken.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::id::CorpId;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// First byte of every sealed value: the layout below.
const LAYOUT: u8 = 1;
/// Layout byte and key id, before the nonce.
const HEAD_BYTES: usize = 5;

/// Why a sealed value does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// Too short, or of a layout that this version does not know.
    #[error("not a sealed value")]
    Malformed,
    /// The key ring has no such key.
    #[error("sealed with key {0}, which the key ring does not hold")]
    UnknownKey(u32),
    /// Changed since it was sealed, or sealed for another place.
    #[error("sealed value is damaged or belongs elsewhere")]
    Damaged,
}

/// Why a key ring cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKeyRing {
    /// A line is not `id base64`.
    #[error("key ring line {0}: expected a number and a base64 key of 32 bytes")]
    Line(usize),
    /// Two keys have one id.
    #[error("key ring line {0}: key ids must ascend")]
    Order(usize),
    /// There is no key at all.
    #[error("key ring is empty")]
    Empty,
}

/// A sealed value, as stored: layout, key id (u32, big-endian), nonce, ciphertext and tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Takes stored bytes; they are checked when they are opened.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes to store.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A keyed hash of a normalised value: equal values of one corp are found, nothing else is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlindIndex([u8; KEY_BYTES]);

impl BlindIndex {
    /// Returns the bytes to store and compare.
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

/// The installation's keys, oldest first; the newest seals, all of them open.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    keys: Vec<(u32, [u8; KEY_BYTES])>,
    random: SystemRandom,
    derived: RwLock<HashMap<(u32, CorpId), Arc<LessSafeKey>>>,
}

impl KeyRing {
    /// Makes a ring with one new random key.
    pub fn generate() -> Self {
        let random = SystemRandom::new();
        let mut key = [0; KEY_BYTES];
        random.fill(&mut key).expect("the operating system gives random bytes");
        Self::new(vec![(1, key)])
    }

    /// Reads the text form: one `id base64` per line, ids ascending; `#` begins a comment.
    pub fn parse(text: &str) -> Result<Self, BadKeyRing> {
        let mut keys: Vec<(u32, [u8; KEY_BYTES])> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let bad = BadKeyRing::Line(index + 1);
            let (id, key) = line.split_once(char::is_whitespace).ok_or_else(|| bad.clone())?;
            let id: u32 = id.parse().map_err(|_| bad.clone())?;
            let key = STANDARD.decode(key.trim()).map_err(|_| bad.clone())?;
            let key: [u8; KEY_BYTES] = key.try_into().map_err(|_| bad)?;
            if keys.last().is_some_and(|(last, _)| *last >= id) {
                return Err(BadKeyRing::Order(index + 1));
            }
            keys.push((id, key));
        }
        if keys.is_empty() { Err(BadKeyRing::Empty) } else { Ok(Self::new(keys)) }
    }

    /// Writes the text form, which [`parse`](Self::parse) reads. Secret.
    pub fn to_text(&self) -> String {
        let mut text = String::from(
            "# Hongyan installation keys: `id base64`, newest last. Keep secret, keep a copy.\n",
        );
        for (id, key) in &self.0.keys {
            writeln!(text, "{id} {}", STANDARD.encode(key)).expect("writing to a string cannot fail");
        }
        text
    }

    fn new(keys: Vec<(u32, [u8; KEY_BYTES])>) -> Self {
        Self(Arc::new(Ring { keys, random: SystemRandom::new(), derived: RwLock::default() }))
    }

    /// Seals `plain` for one place (`table.column` or a message and field); it opens only there.
    pub fn seal(&self, corp: CorpId, place: &str, plain: &[u8]) -> Sealed {
        let (key_id, _) = *self.0.keys.last().expect("a ring is never empty");
        let key = self.data_key(key_id, corp).expect("the id was taken from the ring");
        let mut nonce = [0; NONCE_LEN];
        self.0.random.fill(&mut nonce).expect("the operating system gives random bytes");

        let mut body = plain.to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated(corp, place)),
            &mut body,
        )
        .expect("AES-GCM seals anything shorter than 64 GiB");

        let mut bytes = Vec::with_capacity(HEAD_BYTES + NONCE_LEN + body.len());
        bytes.push(LAYOUT);
        bytes.extend(key_id.to_be_bytes());
        bytes.extend(nonce);
        bytes.extend(body);
        Sealed(bytes)
    }

    /// Opens what was sealed for the same corp and place.
    pub fn open(&self, corp: CorpId, place: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError> {
        let (head, rest) = sealed.0.split_at_checked(HEAD_BYTES).ok_or(UnsealError::Malformed)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(UnsealError::Malformed)?;
        let [LAYOUT, key_id @ ..] = head else { return Err(UnsealError::Malformed) };
        let key_id = u32::from_be_bytes(key_id.try_into().map_err(|_| UnsealError::Malformed)?);
        let key = self.data_key(key_id, corp).ok_or(UnsealError::UnknownKey(key_id))?;

        let mut body = body.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnsealError::Malformed)?;
        let plain = key
            .open_in_place(nonce, Aad::from(associated(corp, place)), &mut body)
            .map_err(|_| UnsealError::Damaged)?
            .len();
        body.truncate(plain);
        Ok(body)
    }

    /// Returns the keyed hash under which a normalised value is found again; `kind` keeps phones from mails.
    pub fn blind_index(&self, corp: CorpId, kind: &str, normalised: &str) -> BlindIndex {
        let (_, oldest) = self.0.keys.first().expect("a ring is never empty");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(oldest, corp, b"scrm index key"));
        let mut context = hmac::Context::with_key(&key);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(normalised.as_bytes());
        BlindIndex(context.sign().as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes"))
    }

    /// Returns the secret that the services of this installation share for one purpose, as text. Made from the newest
    /// key; [`is_shared_secret`](Self::is_shared_secret) knows those of the older ones too.
    pub fn shared_secret(&self, purpose: &str) -> String {
        let (_, newest) = self.0.keys.last().expect("a ring is never empty");
        shared(newest, purpose)
    }

    /// Reports whether `offered` is a shared secret of this installation, in constant time.
    pub fn is_shared_secret(&self, purpose: &str, offered: &str) -> bool {
        let is_of =
            |key| verify_slices_are_equal(shared(key, purpose).as_bytes(), offered.as_bytes()).is_ok();
        self.0.keys.iter().any(|(_, key)| is_of(key))
    }

    /// Returns the id of the newest key, and a secret made from it for one purpose and one turn of it. Whoever has the
    /// key file has the same; nobody else can make it.
    pub fn derived(&self, purpose: &str, turn: i64) -> (u32, [u8; KEY_BYTES]) {
        let (id, newest) = self.0.keys.last().expect("a ring is never empty");
        let nobody = CorpId::from_uuid(uuid::Uuid::nil());
        (*id, derive(newest, nobody, format!("scrm derived {purpose} {turn}").as_bytes()))
    }

    fn data_key(&self, key_id: u32, corp: CorpId) -> Option<Arc<LessSafeKey>> {
        let slot = (key_id, corp);
        if let Some(key) = self.0.derived.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&slot)
        {
            return Some(Arc::clone(key));
        }
        let (_, key) = self.0.keys.iter().find(|(id, _)| *id == key_id)?;
        let key = UnboundKey::new(&AES_256_GCM, &derive(key, corp, b"scrm data key")).ok()?;
        let key = Arc::new(LessSafeKey::new(key));
        self.0
            .derived
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(slot, Arc::clone(&key));
        Some(key)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<u32> = self.0.keys.iter().map(|(id, _)| *id).collect();
        f.debug_struct("KeyRing").field("ids", &ids).finish_non_exhaustive()
    }
}

/// Corp and place, bound to the ciphertext so that it cannot be moved.
fn associated(corp: CorpId, place: &str) -> Vec<u8> {
    let mut bytes = corp.as_uuid().as_bytes().to_vec();
    bytes.extend(place.as_bytes());
    bytes
}

fn shared(key: &[u8; KEY_BYTES], purpose: &str) -> String {
    let secret =
        derive(key, CorpId::from_uuid(uuid::Uuid::nil()), format!("scrm shared {purpose}").as_bytes());
    STANDARD.encode(secret)
}

/// HKDF-SHA256 (RFC 5869): salt = corp, info = purpose.
fn derive(key: &[u8; KEY_BYTES], corp: CorpId, purpose: &[u8]) -> [u8; KEY_BYTES] {
    let mut derived = [0; KEY_BYTES];
    Salt::new(HKDF_SHA256, corp.as_uuid().as_bytes())
        .extract(key)
        .expand(&[purpose], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut derived))
        .expect("HKDF-SHA256 gives 32 bytes");
    derived
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::from_millis;

    fn corp() -> CorpId {
        CorpId::mint(from_millis(1))
    }

    #[test]
    fn a_sealed_value_opens_only_where_it_belongs() {
        let (ring, corp) = (KeyRing::generate(), corp());
        let sealed = ring.seal(corp, "callback.body", "客户".as_bytes());
        assert_eq!(ring.open(corp, "callback.body", &sealed).unwrap(), "客户".as_bytes());
        assert_eq!(ring.open(corp, "callback.head", &sealed), Err(UnsealError::Damaged));
        assert_eq!(ring.open(super::tests::corp(), "callback.body", &sealed), Err(UnsealError::Damaged));
        assert_eq!(KeyRing::generate().open(corp, "callback.body", &sealed), Err(UnsealError::Damaged));
    }

    #[test]
    fn after_a_rotation_old_values_open_and_indices_stay() {
        let (old, corp) = (KeyRing::generate(), corp());
        let sealed = old.seal(corp, "x", b"plain");
        let newer = KeyRing::generate().to_text().replace("\n1 ", "\n2 ");
        let both = KeyRing::parse(&format!("{}{newer}", old.to_text())).unwrap();
        assert_eq!(both.open(corp, "x", &sealed).unwrap(), b"plain");
        assert_eq!(
            both.blind_index(corp, "phone", "+8613800000000"),
            old.blind_index(corp, "phone", "+8613800000000")
        );
        assert_eq!(old.open(corp, "x", &both.seal(corp, "x", b"plain")), Err(UnsealError::UnknownKey(2)));
    }

    #[test]
    fn services_of_one_installation_share_a_secret_also_after_a_rotation() {
        let old = KeyRing::generate();
        let newer = KeyRing::generate().to_text().replace("\n1 ", "\n2 ");
        let both = KeyRing::parse(&format!("{}{newer}", old.to_text())).unwrap();
        assert!(both.is_shared_secret("tokens", &old.shared_secret("tokens")));
        assert!(both.is_shared_secret("tokens", &both.shared_secret("tokens")));
        assert!(!both.is_shared_secret("other", &both.shared_secret("tokens")));
        assert!(!old.is_shared_secret("tokens", &both.shared_secret("tokens")));
        assert!(!old.is_shared_secret("tokens", ""));
    }

    #[test]
    fn a_derived_secret_differs_by_purpose_and_turn_and_changes_with_the_newest_key() {
        let ring = KeyRing::generate();
        let (id, secret) = ring.derived("tokens", 7);
        assert_eq!((id, secret), ring.derived("tokens", 7));
        assert_ne!(secret, ring.derived("tokens", 8).1);
        assert_ne!(secret, ring.derived("chain", 7).1);
        let longer = format!("{}2 {}", ring.to_text(), STANDARD.encode([7; KEY_BYTES]));
        let (id, newer) = KeyRing::parse(&longer).unwrap().derived("tokens", 7);
        assert_eq!(id, 2);
        assert_ne!(newer, secret);
    }

    #[test]
    fn a_blind_index_differs_by_corp_and_kind() {
        let (ring, one) = (KeyRing::generate(), corp());
        let index = ring.blind_index(one, "phone", "1");
        assert_eq!(index, ring.blind_index(one, "phone", "1"));
        assert_ne!(index, ring.blind_index(one, "mail", "1"));
        assert_ne!(index, ring.blind_index(corp(), "phone", "1"));
    }

    #[test]
    fn a_bad_key_ring_names_its_line() {
        assert_eq!(KeyRing::parse("# nothing\n").unwrap_err(), BadKeyRing::Empty);
        assert_eq!(KeyRing::parse("\n1 c2hvcnQ=\n").unwrap_err(), BadKeyRing::Line(2));
        let twice = KeyRing::generate().to_text().repeat(2);
        assert_eq!(KeyRing::parse(&twice).unwrap_err(), BadKeyRing::Order(4));
    }

    proptest! {
        #[test]
        fn any_bytes_offered_as_sealed_are_refused_without_a_panic(bytes: Vec<u8>) {
            let ring = KeyRing::generate();
            prop_assert!(ring.open(corp(), "x", &Sealed::from_bytes(bytes)).is_err());
        }
    }
}
