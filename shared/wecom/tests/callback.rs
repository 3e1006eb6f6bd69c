//! Crypto and envelopes against published vectors, and against what an attacker would send.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic; clippy excuses only the test functions themselves"
)]

use proptest::prelude::*;
use scrm_wecom::callback::{
    AesKey, Credentials, Query, Rejected, envelope_xml, open_get, open_post, random_prefix,
};
use serde_json::Value;

fn vectors(section: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../testdata/vectors.json")).unwrap();
    all[section].as_array().unwrap().clone()
}

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector[field].as_str().unwrap_or_else(|| panic!("{field} of {vector}"))
}

fn credentials(vector: &Value) -> Credentials {
    let key = AesKey::parse(text(vector, "encoding_aes_key")).unwrap();
    Credentials::new(text(vector, "token"), key).unwrap()
}

fn sample() -> Credentials {
    credentials(&vectors("callback")[0])
}

fn query(vector: &Value, echostr: Option<&str>) -> Query {
    Query {
        msg_signature: text(vector, "msg_signature").to_owned(),
        timestamp: text(vector, "timestamp").to_owned(),
        nonce: text(vector, "nonce").to_owned(),
        echostr: echostr.map(str::to_owned),
    }
}

/// A query with a valid signature for any ciphertext.
fn signed(credentials: &Credentials, encrypt: &str) -> Query {
    let msg_signature = credentials.sign("1700000000", "n0nce", encrypt);
    Query { msg_signature, timestamp: "1700000000".to_owned(), nonce: "n0nce".to_owned(), echostr: None }
}

#[test]
fn every_vector_opens_and_encrypts_to_the_same_bytes() {
    let vectors = vectors("callback");
    assert_eq!(vectors.len(), 19);
    for vector in vectors {
        let name = text(&vector, "name");
        let (credentials, encrypt) = (credentials(&vector), text(&vector, "encrypt"));
        let body = envelope_xml("unsigned", None, encrypt);
        let plain = open_post(&credentials, &query(&vector, None), body.as_bytes()).unwrap();
        assert_eq!(plain.message, text(&vector, "plaintext").as_bytes(), "{name}");
        assert_eq!(plain.receiver, text(&vector, "receiveid"), "{name}");
        assert_eq!(plain.expect_receiver(&["other", text(&vector, "receiveid")]), Ok(()), "{name}");
        assert_eq!(open_get(&credentials, &query(&vector, Some(encrypt))), Ok(plain.clone()), "{name}");

        let random = hex::decode(text(&vector, "random_hex")).unwrap().try_into().unwrap();
        assert_eq!(credentials.encrypt(random, &plain.message, &plain.receiver), encrypt, "{name}");
        let signature = credentials.sign(text(&vector, "timestamp"), text(&vector, "nonce"), encrypt);
        assert_eq!(signature, text(&vector, "msg_signature"), "{name}");
    }
}

#[test]
fn a_signature_is_checked_without_the_key() {
    for vector in vectors("signature_only") {
        let key = AesKey::parse(&"A".repeat(43)).unwrap();
        let credentials = Credentials::new(text(&vector, "token"), key).unwrap();
        let signature =
            credentials.sign(text(&vector, "timestamp"), text(&vector, "nonce"), text(&vector, "encrypt"));
        assert_eq!(signature, text(&vector, "msg_signature"));
    }
}

#[test]
fn every_negative_vector_is_rejected_for_its_own_reason() {
    let base = vectors("callback").remove(0);
    let echo = text(&base, "encrypt");
    let credentials = credentials(&base);
    for vector in vectors("negative") {
        let whole = |echo: &str| open_get(&credentials, &query(&base, Some(echo)));
        let sealed = || {
            let body = envelope_xml("unsigned", None, text(&vector, "encrypt"));
            open_post(&sample(), &query(&vector, None), body.as_bytes())
        };
        let (result, expected) = match text(&vector, "name") {
            "neg-bad-signature" => {
                let mut query = query(&base, Some(echo));
                query.msg_signature.replace_range(39.., "4");
                (open_get(&credentials, &query), Rejected::Signature)
            }
            "neg-wrong-receiveid" => {
                let plain = whole(echo).unwrap();
                (plain.expect_receiver(&["wx0000000000000000"]).map(|()| plain), Rejected::Receiver)
            }
            "neg-plus-as-space" => (whole(&echo.replace('+', " ")), Rejected::Signature),
            "neg-truncated" => {
                let cut = &echo[..echo.len() - 4];
                (credentials.decrypt(cut), Rejected::Blocks(63))
            }
            "neg-length-too-big" | "neg-len-is-garbage" => (sealed(), Rejected::Length),
            "neg-bad-pad" => (sealed(), Rejected::Padding),
            name => panic!("no test for {name}"),
        };
        assert_eq!(result, Err(expected), "{}", text(&vector, "name"));
    }
}

#[test]
fn a_missing_echo_and_a_foreign_alphabet_are_rejected() {
    let credentials = sample();
    assert_eq!(open_get(&credentials, &signed(&credentials, "")), Err(Rejected::MissingParameter("echostr")));
    for (encrypt, expected) in
        [("", Rejected::Blocks(0)), ("_-==", Rejected::Base64), ("AAAA AAA", Rejected::Base64)]
    {
        assert_eq!(credentials.decrypt(encrypt), Err(expected), "{encrypt}");
    }
}

#[test]
fn tokens_that_protect_nothing_are_refused() {
    let key = || AesKey::parse(&"A".repeat(43)).unwrap();
    for token in ["", " ", "a b", "令牌", &"t".repeat(33)] {
        assert!(Credentials::new(token, key()).is_err(), "{token}");
    }
    assert_eq!(format!("{:?}", Credentials::new("t0ken", key()).unwrap()), "Credentials(..)");
    let plain =
        open_get(&sample(), &query(&vectors("callback")[0], Some(text(&vectors("callback")[0], "encrypt"))));
    assert!(!format!("{plain:?}").contains("1616140317555161061"));
}

proptest! {
    #[test]
    fn whatever_is_encrypted_opens_again(message: Vec<u8>, receiver: String) {
        let credentials = sample();
        let encrypt = credentials.encrypt(random_prefix(), &message, &receiver);
        let body = envelope_xml("ww1", Some("1"), &encrypt);
        let plain = open_post(&credentials, &signed(&credentials, &encrypt), body.as_bytes()).unwrap();
        prop_assert_eq!(plain.message, message);
        prop_assert_eq!(plain.receiver, receiver);
    }

    #[test]
    fn no_signed_ciphertext_makes_a_panic(encrypt in "[A-Za-z0-9+/]{0,200}={0,2}") {
        drop(sample().decrypt(&encrypt));
    }
}
