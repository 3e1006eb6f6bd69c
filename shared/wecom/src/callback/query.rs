//! The query string of a callback.

use super::Rejected;

/// Bytes of a whole query string; an `echostr` has about a hundred.
const MAX_QUERY: usize = 8192;

/// The parameters that WeCom appends to a callback address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Signature over token, timestamp, nonce and ciphertext.
    pub msg_signature: String,
    /// Unix seconds, kept as sent: printing a number anew could change what was signed.
    pub timestamp: String,
    /// Any string, not always a number.
    pub nonce: String,
    /// Ciphertext to echo, when WeCom checks the address.
    pub echostr: Option<String>,
}

impl Query {
    /// Reads a raw query string, before any decoding. Parameters of other names are ignored.
    ///
    /// A `+` stays a `+`: base64 is full of them, and web frameworks turn them into spaces. A space in `echostr`, left
    /// by a proxy that already did so, becomes a `+` again, since base64 has no spaces.
    pub fn parse(raw_query: &str) -> Result<Self, Rejected> {
        if raw_query.len() > MAX_QUERY {
            return Err(Rejected::LongQuery(raw_query.len()));
        }
        let mut msg_signature = Parameter::new("msg_signature", 64);
        let mut timestamp = Parameter::new("timestamp", 32);
        let mut nonce = Parameter::new("nonce", 128);
        let mut echostr = Parameter::new("echostr", 4096);
        for pair in raw_query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            for parameter in [&mut msg_signature, &mut timestamp, &mut nonce, &mut echostr] {
                if parameter.name == name {
                    parameter.take(value)?;
                }
            }
        }
        Ok(Self {
            msg_signature: msg_signature.required()?,
            timestamp: timestamp.required()?,
            nonce: nonce.required()?,
            echostr: echostr.value.map(|echo| echo.replace(' ', "+")),
        })
    }

    /// Returns the timestamp in Unix seconds, if it is a number.
    pub fn seconds(&self) -> Option<i64> {
        self.timestamp.parse().ok()
    }
}

struct Parameter {
    name: &'static str,
    most: usize,
    value: Option<String>,
}

impl Parameter {
    fn new(name: &'static str, most: usize) -> Self {
        Self { name, most, value: None }
    }

    fn take(&mut self, raw: &str) -> Result<(), Rejected> {
        if self.value.is_some() {
            return Err(Rejected::RepeatedParameter(self.name));
        }
        let value = percent_decoded(raw).ok_or(Rejected::BadParameter(self.name))?;
        if value.len() > self.most {
            return Err(Rejected::LongParameter(self.name));
        }
        self.value = Some(value);
        Ok(())
    }

    fn required(self) -> Result<String, Rejected> {
        self.value.filter(|value| !value.is_empty()).ok_or(Rejected::MissingParameter(self.name))
    }
}

/// Decodes `%2B` and the like; a broken escape is an error, never a guess.
fn percent_decoded(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let ([high, low], after) = after.split_first_chunk::<2>()?;
        bytes.push(hex_digit(*high)? << 4 | hex_digit(*low)?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plus_survives_however_it_arrives() {
        for echo in ["a+b/c==", "a%2Bb%2fc%3D%3d", "a%20b/c=="] {
            let query = Query::parse(&format!("x=1&echostr={echo}&nonce=n%2B+&timestamp=15&msg_signature=s"))
                .unwrap();
            assert_eq!(query.echostr.as_deref(), Some("a+b/c=="), "{echo}");
            assert_eq!(query.nonce, "n++");
            assert_eq!(query.seconds(), Some(15));
        }
    }

    #[test]
    fn a_query_that_is_not_exactly_whole_is_rejected() {
        let long = format!("msg_signature=s&timestamp=1&nonce={}", "n".repeat(129));
        let cases = [
            ("", Rejected::MissingParameter("msg_signature")),
            ("msg_signature=s&timestamp=1", Rejected::MissingParameter("nonce")),
            ("msg_signature=s&timestamp=&nonce=n", Rejected::MissingParameter("timestamp")),
            ("nonce=n&timestamp=1&nonce=n&msg_signature=s", Rejected::RepeatedParameter("nonce")),
            (
                "msg_signature=s&timestamp=1&nonce=n&echostr=a&echostr=b",
                Rejected::RepeatedParameter("echostr"),
            ),
            ("msg_signature=%7&timestamp=1&nonce=n", Rejected::BadParameter("msg_signature")),
            ("msg_signature=s&timestamp=1&nonce=%+1", Rejected::BadParameter("nonce")),
            ("msg_signature=s&timestamp=1&nonce=%ff", Rejected::BadParameter("nonce")),
            (&long, Rejected::LongParameter("nonce")),
        ];
        for (raw, expected) in cases {
            assert_eq!(Query::parse(raw).unwrap_err(), expected, "{raw}");
        }
        assert_eq!(Query::parse(&"a".repeat(9000)).unwrap_err(), Rejected::LongQuery(9000));
    }

    proptest! {
        #[test]
        fn no_query_string_makes_a_panic(raw: String, tail in "[a-z_=&%+0-9F]{0,80}") {
            drop(Query::parse(&raw));
            drop(Query::parse(&tail));
            drop(Query::parse(&format!("msg_signature=a&timestamp=1&nonce={tail}&echostr={raw}")));
        }
    }
}
