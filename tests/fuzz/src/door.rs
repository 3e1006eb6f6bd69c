//! Query, envelope, signature, decryption and parsing, as a callback goes through them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scrm_wecom::callback::{AesKey, Credentials, Query, envelope_xml, open_get, open_post};

use crate::event::parse;

/// Any receiver.
const RECEIVER: &str = "ww1f2e3d4c5b6a7980";
const TIMESTAMP: &str = "1700000000";
const NONCE: &str = "n0nce";

fn credentials() -> Credentials {
    let key = AesKey::parse("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").expect("it has 43 characters");
    Credentials::new("aToken", key).expect("it is visible ASCII")
}

/// Sends bytes through the door.
///
/// The first byte says how far they get: 0, query and body, apart by a line feed, as a stranger would send them; 1, a
/// body whose ciphertext is signed; 2, ciphertext of our own; otherwise a true message.
///
/// # Panics
///
/// If a stranger gets in, or a true message does not come out as it went in.
pub fn door(data: &[u8]) {
    let Some((way, data)) = data.split_first() else { return };
    match way % 4 {
        0 => strangers(data),
        1 => signed(&String::from_utf8_lossy(data)),
        2 => signed(&STANDARD.encode(&data[..data.len() / 16 * 16])),
        _ => authentic(data),
    }
}

fn strangers(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (query, body) = (String::from_utf8_lossy(&data[..at]), data.get(at + 1..).unwrap_or_default());
    let Ok(query) = Query::parse(&query) else { return };
    assert!(open_post(&credentials(), &query, body).is_err(), "nobody else knows the token");
    assert!(open_get(&credentials(), &query).is_err(), "nobody else knows the token");
}

fn signed(encrypt: &str) {
    let query = query_for(encrypt);
    let body = envelope_xml(RECEIVER, None, encrypt);
    if let Ok(plain) = open_post(&credentials(), &query, body.as_bytes()) {
        parse(&plain.message);
    }
}

fn authentic(message: &[u8]) {
    let encrypt = credentials().encrypt([7; 16], message, RECEIVER);
    let body = envelope_xml(RECEIVER, Some("1000002"), &encrypt);
    let opened = open_post(&credentials(), &query_for(&encrypt), body.as_bytes());
    // Longer than a callback may be: base64 makes four bytes of three.
    let Ok(plain) = opened else { return assert!(message.len() > 700_000, "{opened:?}") };
    assert_eq!(plain.message, message);
    assert_eq!(plain.receiver, RECEIVER);
    parse(message);
}

fn query_for(encrypt: &str) -> Query {
    let signature = credentials().sign(TIMESTAMP, NONCE, encrypt.trim());
    let query = format!("msg_signature={signature}&timestamp={TIMESTAMP}&nonce={NONCE}");
    Query::parse(&query).expect("it is as WeCom sends it")
}
