//! What a provider calls for its suites: `service/…`.

use serde_json::{Value, json};

use super::call::{Answered, Call, Refusal};
use super::token;
use crate::app::{CUSTOMIZED, THIRD_PARTY};
use crate::draw::URL_SAFE;
use crate::state::{Corp, Tokens, Visible};

/// How long a `pre_auth_code` is good, in seconds.
const PRE_AUTH_LIFE_S: i64 = 1200;

/// Hands out the token of a suite to whoever knows its secret and a ticket of late.
pub(super) fn suite_token(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let secret = call.needed("suite_secret", 41024)?;
    let ticket = call.needed("suite_ticket", 41023)?;
    if secret != call.app.secret {
        return Err(Refusal::new(40080, "invalid suite_secret"));
    }
    if !corp.suites.is_ticket(&call.app.app, ticket, call.millis()) {
        return Err(Refusal::new(40085, "invalid suite_ticket"));
    }
    let (token, expires_in) = token::issue_suite(corp, call.app, call.now);
    Ok(json!({ "suite_access_token": token, "expires_in": expires_in }))
}

/// Reports what the token of a suite is good for.
pub(super) fn check(tokens: &Tokens, token: &str, now: i64) -> Result<String, Refusal> {
    let invalid = || Refusal::new(40082, "invalid suite_token");
    let token = tokens.find(token).filter(|token| !token.revoked).ok_or_else(invalid)?;
    if token.expires_at <= now {
        return Err(Refusal::new(42009, "suite_access_token expired"));
    }
    Ok(token.app.clone())
}

/// The code leads to nothing here: there is no page on which an administrator would install the suite.
pub(super) fn pre_auth_code(corp: &mut Corp) -> Value {
    let code = corp.chance.text(URL_SAFE, 64);
    json!({ "pre_auth_code": code, "expires_in": PRE_AUTH_LIFE_S })
}

pub(super) fn permanent_code(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let invalid = || Refusal::new(40078, "invalid auth_code");
    let auth_code = call.needed("auth_code", 40078)?;
    let permanent_code = corp.grant(&call.app.app, auth_code, call.millis()).ok_or_else(invalid)?;
    let administrator = corp.book.members().next();
    let mut answer = json!({
        "permanent_code": permanent_code,
        "auth_corp_info": corp_info(corp),
        "auth_info": auth_info(corp, call),
        "auth_user_info": administrator.map(|member| json!({ "userid": member.user_id, "name": member.name })),
    });
    if call.app.kind == THIRD_PARTY {
        let (token, expires_in) = token::issue(corp, call.app, call.now);
        answer["access_token"] = token.into();
        answer["expires_in"] = expires_in.into();
    }
    Ok(answer)
}

pub(super) fn auth_info_of(corp: &mut Corp, call: &Call<'_>) -> Answered {
    authorised(corp, call)?;
    Ok(json!({ "auth_corp_info": corp_info(corp), "auth_info": auth_info(corp, call) }))
}

/// Customized apps get theirs from `gettoken`.
pub(super) fn corp_token(corp: &mut Corp, call: &Call<'_>) -> Answered {
    if call.app.kind != THIRD_PARTY {
        return Err(Refusal::new(48002, "api forbidden for a customized app"));
    }
    authorised(corp, call)?;
    let (token, expires_in) = token::issue(corp, call.app, call.now);
    Ok(json!({ "access_token": token, "expires_in": expires_in }))
}

/// Checks that a call names the company and the permanent code that the suite has of it.
fn authorised(corp: &Corp, call: &Call<'_>) -> Result<(), Refusal> {
    let corp_id = call.needed("auth_corpid", 41002)?;
    let permanent_code = call.needed("permanent_code", 41025)?;
    if corp_id != corp.company.corp_id {
        return Err(Refusal::new(40013, "invalid corpid"));
    }
    if corp.suites.permanent_code(&call.app.app) != Some(permanent_code) {
        return Err(Refusal::new(40084, "invalid permanent_code"));
    }
    Ok(())
}

fn corp_info(corp: &Corp) -> Value {
    let company = &corp.company;
    json!({
        "corpid": company.corp_id, "corp_name": company.name, "corp_type": "verified",
        "corp_full_name": format!("{}有限公司", company.name), "subject_type": 1,
        "corp_scale": "1-50人", "corp_industry": "消费品",
    })
}

/// The app sees everybody, as those of the company do, unless it has a range.
fn auth_info(corp: &Corp, call: &Call<'_>) -> Value {
    let everybody = || Visible { user_ids: Vec::new(), department_ids: vec![1] };
    let visible = corp.ranges.of(&call.app.app).cloned().unwrap_or_else(everybody);
    json!({ "agent": [{
        "agentid": call.app.agent_id, "name": call.app.app, "round_logo_url": "", "square_logo_url": "",
        "privilege": {
            "level": 1, "allow_party": visible.department_ids, "allow_user": visible.user_ids, "allow_tag": [],
        },
        "is_customized_app": call.app.kind == CUSTOMIZED,
    }] })
}
