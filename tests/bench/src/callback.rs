//! Callbacks as WeCom sends them: every one of somebody else, signed and encrypted before the clock starts.

use std::net::SocketAddr;

use anyhow::Context as _;
use scrm_kernel::Clock;
use scrm_wecom::callback::{AesKey, Credentials, envelope_xml, random_prefix};
use serde::Deserialize;

use crate::load::post;

/// An app of the simulated WeCom, with everything that its receiver must know.
#[derive(Debug, Clone, Deserialize)]
pub struct App {
    /// Its name in the callback address.
    pub app: String,
    /// What kind of app it is.
    pub kind: String,
    /// 企业ID.
    pub corp_id: String,
    /// `AgentId`.
    pub agent_id: i64,
    /// `Secret`.
    pub secret: String,
    /// `Token` of the callback.
    pub token: String,
    /// `EncodingAESKey` of the callback.
    pub encoding_aes_key: String,
    /// Members of the staff.
    pub staff: Vec<String>,
}

/// Returns WeCom's id of a customer.
pub fn customer(run: &str, index: usize) -> String {
    format!("wm{run}{index:08}")
}

/// Callbacks that tell of one second: about as many as are taken in meanwhile.
const IN_ONE_SECOND: usize = 20_000;

/// Returns requests that tell of so many new contacts, each of another customer; the same bytes suit any receiver.
///
/// They happen one after the other, as those do that a flood brings, and not all in one second.
pub fn arrivals(app: &App, address: SocketAddr, run: &str, count: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let key = AesKey::parse(&app.encoding_aes_key).context("the simulated WeCom has a valid key")?;
    let credentials = Credentials::new(&app.token, key).context("the simulated WeCom has a valid token")?;
    let first = Clock::system().now().timestamp();
    let request = |index: usize| {
        let second = (first + i64::try_from(index / IN_ONE_SECOND).unwrap_or_default()).to_string();
        let message = message(app, &customer(run, index), index, &second);
        let encrypted = credentials.encrypt(random_prefix(), message.as_bytes(), &app.corp_id);
        let nonce = format!("{index}");
        let signature = credentials.sign(&second, &nonce, &encrypted);
        let query = format!("msg_signature={signature}&timestamp={second}&nonce={nonce}");
        let path = format!("/callback/wecom/{}?{query}", app.app);
        let body = envelope_xml(&app.corp_id, Some(&app.agent_id.to_string()), &encrypted);
        post(&path, address, &[("Content-Type", "text/xml")], &body)
    };
    Ok((0..count).map(request).collect())
}

/// Writes the message of `add_external_contact`, with the elements that WeCom writes.
fn message(app: &App, customer: &str, index: usize, second: &str) -> String {
    let staff = app.staff.get(index % app.staff.len().max(1)).map_or("nobody", String::as_str);
    format!(
        "<xml><ToUserName><![CDATA[{corp}]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>\
         <CreateTime>{second}</CreateTime><MsgType><![CDATA[event]]></MsgType>\
         <Event><![CDATA[change_external_contact]]></Event>\
         <ChangeType><![CDATA[add_external_contact]]></ChangeType><UserID><![CDATA[{staff}]]></UserID>\
         <ExternalUserID><![CDATA[{customer}]]></ExternalUserID><State><![CDATA[bench]]></State>\
         <WelcomeCode><![CDATA[code-{customer}]]></WelcomeCode></xml>",
        corp = app.corp_id,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use scrm_wecom::callback::{Query, open_post};

    use super::*;

    #[test]
    fn every_callback_is_authentic_and_of_somebody_else() {
        let app = App {
            app: "demo".to_owned(),
            kind: "self_built".to_owned(),
            corp_id: "ww1".to_owned(),
            agent_id: 7,
            secret: "secret".to_owned(),
            token: "QDG6eK".to_owned(),
            encoding_aes_key: "A".repeat(43),
            staff: vec!["li".to_owned(), "han".to_owned()],
        };
        let credentials =
            Credentials::new(&app.token, AesKey::parse(&app.encoding_aes_key).unwrap()).unwrap();
        let requests = arrivals(&app, ([127, 0, 0, 1], 1).into(), "r", 50).unwrap();
        let mut messages = BTreeSet::new();
        for request in &requests {
            let text = std::str::from_utf8(request).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let query = head.split(['?', ' ']).nth(2).unwrap();
            let plain = open_post(&credentials, &Query::parse(query).unwrap(), body.as_bytes()).unwrap();
            assert_eq!(plain.receiver, "ww1");
            assert!(messages.insert(plain.message));
        }
        assert_eq!(messages.len(), 50);
        assert!(messages.iter().any(|message| String::from_utf8_lossy(message).contains("[wmr00000049]")));
    }
}
