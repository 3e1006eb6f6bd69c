//! The envelope around a ciphertext: read in one pass, written for passive replies and for a simulated WeCom.

use std::borrow::Cow;

use quick_xml::escape::escape;

use super::{MAX_BODY, Rejected};
use crate::tree::{Element, Format};
use crate::xml::{Step, Steps, write_cdata};

/// What stands around the ciphertext. Only `encrypt` is covered by the signature: the rest proves nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Corp id or suite id, unsigned.
    pub to_user_name: Option<String>,
    /// Number of the app, unsigned; empty and missing are the same.
    pub agent_id: Option<String>,
    /// The ciphertext, in base64.
    pub encrypt: String,
}

impl Envelope {
    /// Reads the body of a callback, XML or JSON.
    pub fn parse(body: &[u8]) -> Result<Self, Rejected> {
        if body.len() > MAX_BODY {
            return Err(Rejected::LongBody(body.len()));
        }
        let mut parts = Parts::default();
        match Format::of(body)? {
            Format::Xml(text) => parts.read_xml(text)?,
            Format::Json(_) => parts.read_tree(Element::parse(body)?)?,
        }
        let [to_user_name, agent_id, encrypt] = parts.0.map(trimmed);
        Ok(Self { to_user_name, agent_id, encrypt: encrypt.ok_or(Rejected::MissingEncrypt)? })
    }
}

/// The elements of an envelope, in the order of [`Parts`].
const NAMES: [&str; 3] = ["ToUserName", "AgentID", "Encrypt"];
const ENCRYPT: usize = 2;

#[derive(Default)]
struct Parts([Option<String>; 3]);

impl Parts {
    /// Runs for whoever finds the address, before anything is proved: so it builds no tree.
    fn read_xml(&mut self, text: &str) -> Result<(), Rejected> {
        let mut steps = Steps::of(text);
        let mut open = None;
        while let Some(step) = steps.next()? {
            match (step, steps.depth()) {
                (Step::Open(tag), 2) => open = self.begin(tag.name().as_ref())?,
                (Step::Text(text), 2) => {
                    if let Some(part) = open {
                        self.append(part, text);
                    }
                }
                (Step::Close, 1) => open = None,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_tree(&mut self, root: Element) -> Result<(), Rejected> {
        for child in root.children {
            if let Some(part) = self.begin(&child.name)? {
                self.append(part, Cow::Owned(child.text));
            }
        }
        Ok(())
    }

    /// Returns which part an element is, if it is one; of a repeated one the first counts.
    fn begin(&mut self, name: &str) -> Result<Option<usize>, Rejected> {
        let Some(part) = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)) else {
            return Ok(None);
        };
        match &mut self.0[part] {
            Some(_) if part == ENCRYPT => Err(Rejected::RepeatedEncrypt),
            Some(_) => Ok(None),
            empty @ None => {
                *empty = Some(String::new());
                Ok(Some(part))
            }
        }
    }

    fn append(&mut self, part: usize, text: Cow<'_, str>) {
        let whole = self.0[part].get_or_insert_default();
        if whole.is_empty() { *whole = text.into_owned() } else { whole.push_str(&text) }
    }
}

fn trimmed(text: Option<String>) -> Option<String> {
    let text = text?;
    match text.trim() {
        "" => None,
        same if same.len() == text.len() => Some(text),
        shorter => Some(shorter.to_owned()),
    }
}

/// Writes the envelope that WeCom posts. An agent id may be absent.
pub fn envelope_xml(to_user_name: &str, agent_id: Option<&str>, encrypt: &str) -> String {
    let mut xml = String::with_capacity(encrypt.len() + 192);
    xml.push_str("<xml>");
    write_cdata(&mut xml, "ToUserName", to_user_name);
    write_cdata(&mut xml, "Encrypt", encrypt);
    write_cdata(&mut xml, "AgentID", agent_id.unwrap_or_default());
    xml.push_str("</xml>");
    xml
}

/// Writes the answer to a message of an app; the signature covers `encrypt` with this timestamp and nonce.
pub fn reply_xml(encrypt: &str, signature: &str, timestamp: &str, nonce: &str) -> String {
    let mut xml = String::with_capacity(encrypt.len() + 256);
    xml.push_str("<xml>");
    write_cdata(&mut xml, "Encrypt", encrypt);
    write_cdata(&mut xml, "MsgSignature", signature);
    for piece in ["<TimeStamp>", &escape(timestamp), "</TimeStamp>"] {
        xml.push_str(piece);
    }
    write_cdata(&mut xml, "Nonce", nonce);
    xml.push_str("</xml>");
    xml
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::BadDocument;

    fn envelope(to_user_name: &str, agent_id: Option<&str>, encrypt: &str) -> Envelope {
        Envelope {
            to_user_name: Some(to_user_name.to_owned()),
            agent_id: agent_id.map(str::to_owned),
            encrypt: encrypt.to_owned(),
        }
    }

    #[test]
    fn every_shape_that_wecom_sends_is_read() {
        let shapes = [
            "<xml><ToUserName><![CDATA[ww1]]></ToUserName><AgentID><![CDATA[218]]></AgentID><Encrypt><![CDATA[a+/=]]></Encrypt></xml>",
            "\u{feff}<?xml version=\"1.0\"?>\n<xml>\n<Encrypt>\n a+/= </Encrypt>\n<x><Encrypt>no</Encrypt></x><AgentID>218</AgentID><ToUserName>ww1</ToUserName>\n</xml>\n",
            "<xml><Encrypt>a<![CDATA[+]]>&#47;=</Encrypt><AgentID>218</AgentID><ToUserName>ww1</ToUserName></xml>",
            r#"{"ToUserName":"ww1","Encrypt":"a+/=","AgentID":218}"#,
            r#" {"AgentID":"218","x":[{"Encrypt":1}],"Encrypt":"a+\/=","ToUserName":"ww1"} "#,
        ];
        for shape in shapes {
            assert_eq!(
                Envelope::parse(shape.as_bytes()).unwrap(),
                envelope("ww1", Some("218"), "a+/="),
                "{shape}"
            );
        }
        let bare = Envelope::parse(b"<xml><AgentID></AgentID><Encrypt>a</Encrypt></xml>").unwrap();
        assert_eq!(bare, Envelope { encrypt: "a".to_owned(), ..Envelope::default() });
    }

    #[test]
    fn a_doubtful_envelope_is_rejected() {
        let deep = "<xml>".repeat(200_000);
        let cases: [(&str, Rejected); 11] = [
            ("", BadDocument::Format.into()),
            ("<xml><Encrypt>a</Encrypt><Encrypt>a</Encrypt></xml>", Rejected::RepeatedEncrypt),
            ("<xml><Encrypt/><encrypt>a</encrypt></xml>", Rejected::RepeatedEncrypt),
            (r#"{"Encrypt":"a","Encrypt":"a"}"#, Rejected::RepeatedEncrypt),
            (r#"{"Encrypt":["a","a"]}"#, Rejected::RepeatedEncrypt),
            ("<xml><Encrypt> </Encrypt></xml>", Rejected::MissingEncrypt),
            (r#"{"encrypted":"a"}"#, Rejected::MissingEncrypt),
            ("<xml><Encrypt>a</Encrypt></xml><xml/>", BadDocument::Root.into()),
            ("<!DOCTYPE xml SYSTEM \"file:///etc/passwd\"><xml/>", BadDocument::Dtd.into()),
            ("<xml><Encrypt>&e;</Encrypt></xml>", BadDocument::Entity.into()),
            (&deep, BadDocument::TooDeep.into()),
        ];
        for (body, expected) in cases {
            assert_eq!(Envelope::parse(body.as_bytes()).unwrap_err(), expected, "{body:.60}");
        }
        assert_eq!(Envelope::parse(&[b'<', 0xff]).unwrap_err(), BadDocument::Encoding.into());
        assert_eq!(Envelope::parse(&vec![b' '; MAX_BODY + 1]).unwrap_err(), Rejected::LongBody(MAX_BODY + 1));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let xml = envelope_xml("ww]]>1", Some("7"), "a+/=");
        assert_eq!(Envelope::parse(xml.as_bytes()).unwrap(), envelope("ww]]>1", Some("7"), "a+/="));
        assert_eq!(
            reply_xml("a=", "5c45", "1409659813", "n<"),
            "<xml><Encrypt><![CDATA[a=]]></Encrypt><MsgSignature><![CDATA[5c45]]></MsgSignature>\
             <TimeStamp>1409659813</TimeStamp><Nonce><![CDATA[n<]]></Nonce></xml>"
        );
    }

    proptest! {
        #[test]
        fn no_body_makes_a_panic(bytes: Vec<u8>, text in r#"[<>/!&;\[\]\{\}":,A-Ea-e \n]{0,120}"#) {
            drop(Envelope::parse(&bytes));
            drop(Envelope::parse(text.as_bytes()));
            drop(Envelope::parse(format!("<xml><Encrypt>{text}</Encrypt></xml>").as_bytes()));
        }
    }
}
