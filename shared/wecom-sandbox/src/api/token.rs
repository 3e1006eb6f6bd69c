//! `gettoken`, and the check of the token that every other call brings.

use std::collections::HashMap;

use super::call::Refusal;
use crate::app::App;
use crate::draw::URL_SAFE;
use crate::state::{Corp, Entry, Token, Tokens};
use scrm_kernel::Timestamp;

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

/// Hands out the token of an app: the same one until it expires. Returns also for how many seconds it is good.
pub(super) fn issue(corp: &mut Corp, app: &App, now: Timestamp) -> (String, i64) {
    let fresh = corp.chance.text(URL_SAFE, 214);
    let (token, is_new) = current(&corp.tokens, app, fresh, now.timestamp_millis());
    if is_new {
        corp.put(Entry::Token(token.clone()));
    }
    given(token, now)
}

/// Hands out the token of a suite in the same way.
pub(super) fn issue_suite(corp: &mut Corp, suite: &App, now: Timestamp) -> (String, i64) {
    let fresh = corp.chance.text(URL_SAFE, 214);
    let (token, is_new) = current(&corp.suite_tokens, suite, fresh, now.timestamp_millis());
    if is_new {
        corp.put(Entry::SuiteToken(token.clone()));
    }
    given(token, now)
}

/// Returns the token of an app that is good at `now`, or else a new one with the text `fresh`; says whether it is new.
fn current(tokens: &Tokens, app: &App, fresh: String, now: i64) -> (Token, bool) {
    if let Some(token) = tokens.current(&app.app, now) {
        return (token.clone(), false);
    }
    let token = Token { app: app.app.clone(), text: fresh, expires_at: now + LIFE_S * 1000, revoked: false };
    (token, true)
}

fn given(token: Token, now: Timestamp) -> (String, i64) {
    (token.text, (token.expires_at - now.timestamp_millis()).div_euclid(1000))
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
