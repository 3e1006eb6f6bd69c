//! A callback as it is kept.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use scrm_kernel::{CorpId, Timestamp};

/// The kinds of callback that carry no state: a copy is no duplicate, it means that something changed once more.
pub const REPEATABLE: [&str; 16] = [
    "contact_edited",
    "contact_transfer_failed",
    "tag_created",
    "tag_updated",
    "tag_deleted",
    "tag_shuffled",
    "member_created",
    "member_updated",
    "member_deleted",
    "department_created",
    "department_updated",
    "department_deleted",
    "suite_auth_changed",
    "archive_messages_waiting",
    "archive_conversation_waiting",
    "service_messages_waiting",
];

/// What tells callbacks apart: the second in which the event happened, by the body's own words, and the body's SHA-256.
///
/// The second is a part of the body, so the same body has the same fingerprint, whatever it says. It comes first because
/// callbacks of one time then lie side by side in the index over fingerprints, and so do their events in the inboxes:
/// a group of them changes a few pages, not one for each.
pub type Fingerprint = [u8; 36];

/// What the door knows a callback by: one for each enterprise, address and fingerprint.
///
/// The second comes first, as in the fingerprint; then 128 bits of a SHA-256. It is short so that a page of its index
/// holds many: a group of callbacks of one second lies all over the part of the index that belongs to that second.
pub type DoorKey = [u8; 20];

/// Returns the key of a callback that came to the address `app`.
pub fn door_key(corp: CorpId, app: &str, fingerprint: &Fingerprint) -> DoorKey {
    let (second, hash) = fingerprint.split_at(4);
    let mut name = Context::new(&SHA256);
    name.update(corp.as_uuid().as_bytes());
    name.update(hash);
    name.update(app.as_bytes());
    let mut key = [0; 20];
    key[..4].copy_from_slice(second);
    key[4..].copy_from_slice(&name.finish().as_ref()[..16]);
    key
}

/// Returns the fingerprint that a row keeps: one of the first days is but a hash.
pub fn whole(kept: &[u8]) -> Fingerprint {
    let mut fingerprint = [0; 36];
    for (byte, known) in fingerprint.iter_mut().rev().zip(kept.iter().rev()) {
        *byte = *known;
    }
    fingerprint
}

/// How far into a body the second is looked for; WeCom writes it after two names of at most 64 bytes.
const HEAD: usize = 1024;

/// Returns the fingerprint of a decrypted body with this SHA-256.
pub fn fingerprint(body: &[u8], sha256: [u8; 32]) -> Fingerprint {
    const NAME: &[u8] = b"<CreateTime>";
    let head = &body[..body.len().min(HEAD)];
    let place = head.windows(NAME.len()).position(|window| window == NAME);
    let digits = place.into_iter().flat_map(|place| &head[place + NAME.len()..]);
    let digits = digits.take_while(|byte| byte.is_ascii_digit());
    let second =
        digits.fold(0_u32, |second, digit| second.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
    let mut fingerprint = [0; 36];
    fingerprint[..4].copy_from_slice(&second.to_be_bytes());
    fingerprint[4..].copy_from_slice(&sha256);
    fingerprint
}

/// What becomes of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is processed.
    Stored,
    /// It is kept and not processed: it was signed too long ago, or in the future.
    Late,
}

impl State {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Late => "late",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Stored, Self::Late].into_iter().find(|state| state.as_str() == text)
    }

    /// Decides by when it was signed; `window` is how far off our clock and WeCom's may be.
    pub fn of(signed_at: Timestamp, now: Timestamp, window: Duration) -> Self {
        let apart = (now - signed_at).abs().to_std().unwrap_or(Duration::MAX);
        if apart <= window { Self::Stored } else { Self::Late }
    }
}

/// A stored callback, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Its place in the order of arrival.
    pub seq: i64,
    /// The app that it was sent to.
    pub app: String,
    /// What becomes of it.
    pub state: State,
    /// When WeCom signed it.
    pub signed_at: Timestamp,
    /// When ingest had read it.
    pub received_at: Timestamp,
    /// What it tells; none until it is parsed.
    pub kind: Option<String>,
    /// When its event was published, or it turned out to tell nobody anything.
    pub processed_at: Option<Timestamp>,
    /// Why it can never be processed.
    pub problem: Option<String>,
}

impl Callback {
    /// Reports whether it waits for nothing: it is processed, cannot be, or was too late.
    pub fn is_settled(&self) -> bool {
        self.processed_at.is_some() || self.problem.is_some() || self.state == State::Late
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    #[test]
    fn fingerprints_are_in_the_order_of_time_and_tell_bodies_apart() {
        let of = |body: &str, hash: u8| fingerprint(body.as_bytes(), [hash; 32]);
        let body = "<xml><ToUserName><![CDATA[ww1]]></ToUserName><CreateTime>1700000000</CreateTime></xml>";
        let later = body.replace("1700000000", "1700000001");
        assert!(of(body, 9) < of(&later, 1));
        assert_ne!(of(body, 1), of(body, 2));
        assert_eq!(of(body, 1)[..4], 1_700_000_000_u32.to_be_bytes());
    }

    #[test]
    fn the_door_tells_enterprises_addresses_and_bodies_apart() {
        let corps = [1, 2].map(|millis| CorpId::mint(from_millis(millis)));
        let prints = [[1; 36], [2; 36]];
        let mut keys = Vec::new();
        for (corp, app, print) in [
            (corps[0], "demo", &prints[0]),
            (corps[1], "demo", &prints[0]),
            (corps[0], "demo-2", &prints[0]),
            (corps[0], "demo", &prints[1]),
        ] {
            let key = door_key(corp, app, print);
            assert_eq!((key, &key[..4]), (door_key(corp, app, print), &print[..4]));
            keys.push(key);
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 4);
    }

    #[test]
    fn a_body_without_a_second_has_a_fingerprint_too() {
        let far = format!("{}<CreateTime>5</CreateTime>", " ".repeat(HEAD));
        for body in ["", "{}", "<CreateTime>", "<CreateTime><![CDATA[1]]></CreateTime>", far.as_str()] {
            assert_eq!(fingerprint(body.as_bytes(), [7; 32])[..4], [0; 4], "{body}");
        }
        assert_eq!(fingerprint(b"<CreateTime>99999999999999", [7; 32])[..4], [255; 4]);
    }

    #[test]
    fn a_callback_is_late_outside_the_window_on_either_side() {
        let window = Duration::from_mins(10);
        let signed = from_millis(1_700_000_000_000);
        assert_eq!(State::of(signed, signed + window, window), State::Stored);
        assert_eq!(State::of(signed, signed - window, window), State::Stored);
        assert_eq!(State::of(signed, signed + window + Duration::from_millis(1), window), State::Late);
        assert_eq!(State::of(signed, signed - window - Duration::from_millis(1), window), State::Late);
    }
}
