//! The AES key of a callback address (`EncodingAESKey`), and the cipher it drives.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::cipher::{
    AES_256, AES_256_KEY_LEN, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext,
    UnboundCipherKey,
};
use aws_lc_rs::iv::{FixedLength, IV_LEN_128_BIT};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Characters of an `EncodingAESKey`.
const TEXT_LEN: usize = 43;

/// 43 characters carry 258 bits: the two left over are usually not zero, and a strict decoder refuses three keys of four.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Why a string cannot be an `EncodingAESKey`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAesKey {
    /// Too short or too long.
    #[error("has {0} bytes, must have {TEXT_LEN}")]
    Length(usize),
    /// Holds a character that is not base64.
    #[error("is not base64")]
    Base64,
}

/// The AES-256 key of one callback address; cheap to clone.
#[derive(Clone)]
pub struct AesKey(Arc<Ciphers>);

struct Ciphers {
    encrypting: EncryptingKey,
    decrypting: DecryptingKey,
    /// WeCom's scheme: the first half of the key.
    iv: [u8; IV_LEN_128_BIT],
}

impl AesKey {
    /// Reads an `EncodingAESKey` as the console shows it; surrounding whitespace is ignored.
    pub fn parse(text: &str) -> Result<Self, BadAesKey> {
        let key = decode(text)?;
        let unbound = || UnboundCipherKey::new(&AES_256, &key).expect("an AES-256 key has 32 bytes");
        let mut iv = [0; IV_LEN_128_BIT];
        iv.copy_from_slice(&key[..IV_LEN_128_BIT]);
        Ok(Self(Arc::new(Ciphers {
            encrypting: EncryptingKey::cbc(unbound()).expect("AES-256 has a CBC mode"),
            decrypting: DecryptingKey::cbc(unbound()).expect("AES-256 has a CBC mode"),
            iv,
        })))
    }

    /// Encrypts whole blocks in place.
    pub(super) fn encrypt_blocks(&self, blocks: &mut [u8]) {
        let context = EncryptionContext::Iv128(FixedLength::from(self.0.iv));
        self.0.encrypting.less_safe_encrypt(blocks, context).expect("the caller pads to whole blocks");
    }

    /// Decrypts whole blocks in place, or says that they are none.
    pub(super) fn decrypt_blocks(&self, blocks: &mut [u8]) -> Result<(), NotBlocks> {
        let context = DecryptionContext::Iv128(FixedLength::from(self.0.iv));
        self.0.decrypting.decrypt(blocks, context).map(|_| ()).map_err(|_| NotBlocks)
    }
}

/// The length is not a multiple of the cipher's block, 16 bytes.
pub(super) struct NotBlocks;

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(..)")
    }
}

fn decode(text: &str) -> Result<[u8; AES_256_KEY_LEN], BadAesKey> {
    let text = text.trim();
    if text.len() != TEXT_LEN {
        return Err(BadAesKey::Length(text.len()));
    }
    let bytes = DECODER.decode(text).map_err(|_| BadAesKey::Base64)?;
    bytes.try_into().map_err(|_| BadAesKey::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

    #[test]
    fn the_two_spare_bits_of_a_key_are_ignored() {
        let expected = "8d69989bbaabe67328014c194631ad0719b3dca035b64023df292447aab60760";
        assert_eq!(hex::encode(decode(SAMPLE).unwrap()), expected);
        for last in ["A", "B", "C", "D"] {
            let sibling = format!("{}{last}", &SAMPLE[..42]);
            assert_eq!(hex::encode(decode(&sibling).unwrap()), expected, "{last}");
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused() {
        assert_eq!(AesKey::parse(&SAMPLE[1..]).unwrap_err(), BadAesKey::Length(42));
        assert_eq!(AesKey::parse(&format!("{SAMPLE}=")).unwrap_err(), BadAesKey::Length(44));
        assert_eq!(AesKey::parse(&format!("{}=", &SAMPLE[1..])).unwrap_err(), BadAesKey::Base64);
        assert_eq!(AesKey::parse(&SAMPLE.replace('j', "!")).unwrap_err(), BadAesKey::Base64);
        assert!(AesKey::parse(&format!(" {SAMPLE}\n")).is_ok());
    }

    #[test]
    fn a_key_does_not_print_itself() {
        assert_eq!(format!("{:?}", AesKey::parse(SAMPLE).unwrap()), "AesKey(..)");
    }
}
