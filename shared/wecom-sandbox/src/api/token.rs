//! `gettoken`, and the check of the token that every other call brings.

use std::collections::HashMap;

use scrm_kernel::Timestamp;
use serde_json::{Value, json};

use super::call::Refusal;
use crate::app::App;
use crate::draw::URL_SAFE;
use crate::state::{Corp, Entry, Token};

/// How long a token is good, in seconds.
pub(crate) const LIFE_S: i64 = 7200;

/// Returns which corp and secret a call of `gettoken` names.
pub(super) fn named(query: &HashMap<String, String>) -> Result<(&str, &str), Refusal> {
    let named = |name: &str, errcode| {
        let value = query.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.ok_or_else(|| Refusal::new(errcode, format!("{name} missing")))
    };
    Ok((named("corpid", 41002)?, named("corpsecret", 41004)?))
}

/// Hands out the token of an app: the same one until it expires.
pub(super) fn issue(corp: &mut Corp, app: &App, now: Timestamp) -> Value {
    let now = now.timestamp_millis();
    let token = match corp.tokens.current(&app.app, now) {
        Some(token) => token.clone(),
        None => Token {
            app: app.app.clone(),
            text: corp.chance.text(URL_SAFE, 214),
            expires_at: now + LIFE_S * 1000,
            revoked: false,
        },
    };
    if corp.tokens.find(&token.text).is_none() {
        corp.put(Entry::Token(token.clone()));
    }
    let left = (token.expires_at - now).div_euclid(1000);
    json!({ "errcode": 0, "errmsg": "ok", "access_token": token.text, "expires_in": left })
}

/// Returns the app that a token belongs to; `None` when the corp does not know the token at all.
pub(super) fn bearer(corp: &Corp, token: &str, now: Timestamp) -> Option<Result<String, Refusal>> {
    let token = corp.tokens.find(token)?;
    Some(if token.revoked {
        Err(Refusal::new(40014, "invalid access_token"))
    } else if token.expires_at <= now.timestamp_millis() {
        Err(Refusal::new(42001, "access_token expired"))
    } else {
        Ok(token.app.clone())
    })
}
