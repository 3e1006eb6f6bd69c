//! Token and key of one callback address: signing, verifying, encrypting, decrypting.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Rejected;
use super::key::AesKey;

/// Random bytes before every message.
const PREFIX: usize = 16;
/// Bytes of the message length, big-endian.
const LENGTH: usize = 4;
/// WeCom pads to a multiple of this, not of the cipher's block: a pad byte may be 1 to 32.
const PAD_TO: usize = 32;
/// Characters of a token at most.
const TOKEN_MAX: usize = 32;

/// The string is empty, longer than 32 characters, or holds something that is not visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {TOKEN_MAX} visible ASCII characters")]
pub struct BadToken;

/// Token and key of one callback address. Every address has its own.
#[derive(Clone)]
pub struct Credentials {
    token: String,
    aes_key: AesKey,
}

/// A decrypted message and whom it is meant for.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain {
    /// The message, or the text to echo.
    pub message: Vec<u8>,
    /// Corp id, suite id or provider corp id (`receiveid`); empty for some personal subjects.
    pub receiver: String,
}

impl Credentials {
    /// Puts a token and a key together; an empty token would make signatures worthless.
    pub fn new(token: &str, aes_key: AesKey) -> Result<Self, BadToken> {
        Ok(Self { token: checked_token(token)?.to_owned(), aes_key })
    }

    /// Returns the signature of a ciphertext: SHA-1 of the four strings in ascending order, as lower-case hex.
    pub fn sign(&self, timestamp: &str, nonce: &str, encrypt: &str) -> String {
        let mut parts = [self.token.as_str(), timestamp, nonce, encrypt];
        parts.sort_unstable();
        let mut sha1 = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        for part in parts {
            sha1.update(part.as_bytes());
        }
        hex::encode(sha1.finish())
    }

    /// Checks a signature in constant time.
    pub fn verify(
        &self,
        signature: &str,
        timestamp: &str,
        nonce: &str,
        encrypt: &str,
    ) -> Result<(), Rejected> {
        let expected = self.sign(timestamp, nonce, encrypt);
        verify_slices_are_equal(expected.as_bytes(), signature.as_bytes()).map_err(|_| Rejected::Signature)
    }

    /// Encrypts a message for a receiver. Take a new [`random_prefix`] for every message.
    pub fn encrypt(&self, random: [u8; PREFIX], message: &[u8], receiver: &str) -> String {
        let length = u32::try_from(message.len()).expect("a message is far shorter than 4 GiB");
        let used = PREFIX + LENGTH + message.len() + receiver.len();
        let pad = PAD_TO - used % PAD_TO;

        let mut blocks = Vec::with_capacity(used + pad);
        blocks.extend(random);
        blocks.extend(length.to_be_bytes());
        blocks.extend(message);
        blocks.extend(receiver.as_bytes());
        blocks.resize(used + pad, u8::try_from(pad).expect("a pad is at most 32"));
        self.aes_key.encrypt_blocks(&mut blocks);
        STANDARD.encode(blocks)
    }

    /// Decrypts a ciphertext whose signature was verified before.
    pub fn decrypt(&self, encrypt: &str) -> Result<Plain, Rejected> {
        let mut blocks = STANDARD.decode(encrypt).map_err(|_| Rejected::Base64)?;
        let length = blocks.len();
        if length == 0 || self.aes_key.decrypt_blocks(&mut blocks).is_err() {
            return Err(Rejected::Blocks(length));
        }

        let rest = unpadded(&blocks)?;
        let (_, rest) = rest.split_at_checked(PREFIX).ok_or(Rejected::Length)?;
        let (length, rest) = rest.split_first_chunk::<LENGTH>().ok_or(Rejected::Length)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Rejected::Length)?;
        let (message, receiver) = rest.split_at_checked(length).ok_or(Rejected::Length)?;
        let receiver = std::str::from_utf8(receiver).map_err(|_| Rejected::ReceiverEncoding)?;
        Ok(Plain { message: message.to_vec(), receiver: receiver.to_owned() })
    }
}

/// Checks a token alone; returns it without surrounding whitespace.
pub fn checked_token(token: &str) -> Result<&str, BadToken> {
    let token = token.trim();
    let is_visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    if token.is_empty() || token.len() > TOKEN_MAX || !is_visible { Err(BadToken) } else { Ok(token) }
}

/// Cuts the padding off: the last byte says how many there are, and all of them say the same.
fn unpadded(blocks: &[u8]) -> Result<&[u8], Rejected> {
    let pad = blocks.last().copied().map(usize::from).filter(|pad| (1..=PAD_TO).contains(pad));
    let kept = pad.and_then(|pad| blocks.len().checked_sub(pad)).ok_or(Rejected::Padding)?;
    let (rest, padding) = blocks.split_at(kept);
    if padding.iter().any(|byte| usize::from(*byte) != padding.len()) {
        return Err(Rejected::Padding);
    }
    Ok(rest)
}

impl Plain {
    /// Checks that the message is meant for one of `allowed`.
    ///
    /// A suite's address expects its suite id, and for the check of the address also the provider's corp id.
    pub fn expect_receiver(&self, allowed: &[&str]) -> Result<(), Rejected> {
        if allowed.contains(&self.receiver.as_str()) { Ok(()) } else { Err(Rejected::Receiver) }
    }
}

/// Returns the random bytes that begin a new message.
pub fn random_prefix() -> [u8; PREFIX] {
    let mut random = [0; PREFIX];
    rand::fill(&mut random).expect("the operating system gives random bytes");
    random
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.message.len();
        f.debug_struct("Plain")
            .field("receiver", &self.receiver)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials::new("QDG6eK", AesKey::parse(&"A".repeat(43)).unwrap()).unwrap()
    }

    /// Opens raw plaintext blocks, whatever they hold.
    fn opened(mut blocks: Vec<u8>) -> Result<Plain, Rejected> {
        let credentials = credentials();
        credentials.aes_key.encrypt_blocks(&mut blocks);
        credentials.decrypt(&STANDARD.encode(blocks))
    }

    fn head(length: u32) -> Vec<u8> {
        [&[b'r'; PREFIX][..], &length.to_be_bytes()].concat()
    }

    #[test]
    fn of_all_last_bytes_only_true_padding_is_accepted() {
        for last in 0..=u8::MAX {
            let whole_tail = opened([head(12), b"twelve bytes".to_vec(), vec![last; 32]].concat());
            assert_eq!(whole_tail.is_ok(), (1..=32).contains(&last), "a tail of {last}");

            let only_last = opened([head(4), vec![7; 43], vec![last]].concat());
            assert_eq!(only_last.is_ok(), last == 1 || last == 7, "a last byte of {last}");
        }
    }

    #[test]
    fn lengths_that_lie_are_rejected() {
        let room = 64 - PREFIX - LENGTH - 1;
        for (length, expected) in [
            (0, Ok(0)),
            (35, Ok(35)),
            (43, Ok(43)),
            (44, Err(Rejected::Length)),
            (1 << 31, Err(Rejected::Length)),
            (u32::MAX, Err(Rejected::Length)),
        ] {
            let plain = opened([head(length), vec![b'm'; room], vec![1]].concat());
            assert_eq!(plain.map(|plain| plain.message.len()), expected, "{length}");
        }
        assert_eq!(opened(vec![16; 16]), Err(Rejected::Length));
        assert_eq!(opened(vec![32; 16]), Err(Rejected::Padding));
        assert_eq!(opened([head(0), vec![0xff; 11], vec![1]].concat()), Err(Rejected::ReceiverEncoding));
    }
}
