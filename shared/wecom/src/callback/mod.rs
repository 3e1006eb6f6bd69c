//! The door: what WeCom sends to a callback address, verified and decrypted, and the same the other way round.
//!
//! Nothing here reads the message inside; that is [`event`](crate::event)'s work. All receivers (apps, contact sync,
//! archive, customer service, suites, providers) use the same scheme and differ only in their receiver id.

mod credentials;
mod envelope;
mod key;
mod query;

pub use credentials::{BadToken, Credentials, Plain, checked_token, random_prefix};
pub use envelope::{Envelope, envelope_xml, reply_xml};
pub use key::{AesKey, BadAesKey};
pub use query::Query;

use crate::tree::BadDocument;

/// Bytes of a callback body; a longer one need not be read.
pub const MAX_BODY: usize = 1 << 20;

/// Why a callback is not from WeCom, or not for this receiver. Never holds any of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The query string is longer than WeCom makes one.
    #[error("query has {0} bytes")]
    LongQuery(usize),
    /// A parameter is not there, or empty.
    #[error("parameter {0} is missing")]
    MissingParameter(&'static str),
    /// A parameter is there twice; which one was signed cannot be known.
    #[error("parameter {0} is repeated")]
    RepeatedParameter(&'static str),
    /// A parameter is longer than WeCom makes one.
    #[error("parameter {0} is too long")]
    LongParameter(&'static str),
    /// A parameter has a broken percent escape, or is not UTF-8 after decoding.
    #[error("parameter {0} cannot be decoded")]
    BadParameter(&'static str),
    /// The body has more than [`MAX_BODY`] bytes.
    #[error("body has {0} bytes")]
    LongBody(usize),
    /// The envelope cannot be read.
    #[error("envelope cannot be read")]
    Envelope(#[from] BadDocument),
    /// The envelope has no `Encrypt`.
    #[error("envelope has no Encrypt")]
    MissingEncrypt,
    /// The envelope has `Encrypt` twice.
    #[error("envelope has Encrypt twice")]
    RepeatedEncrypt,
    /// Signed with another token, or changed since.
    #[error("signature does not match")]
    Signature,
    /// The ciphertext is not base64.
    #[error("ciphertext is not base64")]
    Base64,
    /// The ciphertext is not a whole number of cipher blocks.
    #[error("ciphertext has {0} bytes, which are no whole blocks")]
    Blocks(usize),
    /// The padding is wrong: another key, or not from WeCom.
    #[error("padding is wrong")]
    Padding,
    /// The length written before the message does not fit the plaintext.
    #[error("message length does not fit")]
    Length,
    /// The receiver id is not UTF-8.
    #[error("receiver id is not UTF-8")]
    ReceiverEncoding,
    /// Meant for another corp, suite or provider.
    #[error("meant for another receiver")]
    Receiver,
}

/// Verifies and opens an event or a message (POST).
pub fn open_post(credentials: &Credentials, query: &Query, body: &[u8]) -> Result<Plain, Rejected> {
    let envelope = Envelope::parse(body)?;
    open(credentials, query, &envelope.encrypt)
}

/// Verifies and opens the check that WeCom makes when a callback address is saved (GET).
///
/// The answer is [`Plain::message`], byte for byte.
pub fn open_get(credentials: &Credentials, query: &Query) -> Result<Plain, Rejected> {
    let echo = query.echostr.as_deref().ok_or(Rejected::MissingParameter("echostr"))?;
    open(credentials, query, echo)
}

fn open(credentials: &Credentials, query: &Query, encrypt: &str) -> Result<Plain, Rejected> {
    credentials.verify(&query.msg_signature, &query.timestamp, &query.nonce, encrypt)?;
    credentials.decrypt(encrypt)
}
