//! What WeCom answers: the code first, then the rest.

use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::CallError;

/// The part that every answer has. Success is 0 **or absent** (api rule of `get_provider_token` and others).
#[derive(Deserialize)]
struct Head {
    errcode: Option<i64>,
    errmsg: Option<String>,
}

/// An answer that says nothing but that it worked.
#[derive(Deserialize)]
pub(super) struct Done {}

/// Reads an answer. `secrets` are what the request was allowed by, and must not come back in anybody's words.
pub(super) fn read<R: DeserializeOwned>(
    status: StatusCode,
    answer: &[u8],
    secrets: &[&str],
) -> Result<R, CallError> {
    if !status.is_success() {
        return Err(CallError::Http { status: status.as_u16() });
    }
    // serde reads a struct from an array too.
    if !answer.trim_ascii_start().starts_with(b"{") {
        return Err(CallError::Malformed("not a JSON object".to_owned()));
    }
    let head: Head = parse(answer)?;
    match head.errcode {
        None | Some(0) => parse(answer),
        Some(errcode) => {
            let errmsg = head.errmsg.unwrap_or_default();
            let blot = |errmsg: String, secret: &&str| errmsg.replace(*secret, "…");
            let errmsg = secrets.iter().filter(|secret| !secret.is_empty()).fold(errmsg, blot);
            Err(CallError::wecom(errcode, &errmsg))
        }
    }
}

/// serde's own words quote the value at fault, which may be a name; its place says enough.
fn parse<R: DeserializeOwned>(answer: &[u8]) -> Result<R, CallError> {
    serde_json::from_slice(answer).map_err(|error| {
        let fault = if error.is_data() { "a field of another shape" } else { "no valid JSON" };
        CallError::Malformed(format!("{fault} at line {} column {}", error.line(), error.column()))
    })
}
