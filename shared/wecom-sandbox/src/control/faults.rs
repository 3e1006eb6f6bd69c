//! `/_control/faults` and `/_control/settings`.

use std::collections::BTreeMap;

use actix_web::web::{Bytes, Data, Json};

use super::Failure;
use super::input::{self, BadInput, Fields};
use crate::api;
use crate::fault::{ApiFault, CallbackFaults, EVERY, Faults};
use crate::sandbox::Sandbox;
use crate::settings::{Limits, Settings, is_address};

/// The longest latency, in milliseconds: ten minutes.
const MOST_LATENCY_MS: u64 = 600_000;
/// The longest delay of a transfer, in seconds: 90 days.
const MOST_DELAY_S: u64 = 90 * 24 * 60 * 60;

pub(super) async fn show(sandbox: Data<Sandbox>) -> Json<Faults> {
    Json(sandbox.faults())
}

/// Replaces all faults; `revoke_tokens` and `forget_media` are done at once.
pub(super) async fn set(body: Bytes, sandbox: Data<Sandbox>) -> Result<Json<Faults>, Failure> {
    let body = input::json(&body)?;
    let fields = Fields::of(&body, "")?;
    fields.only(&["callbacks", "api", "revoke_tokens", "forget_media"])?;
    let mut faults = Faults::default();
    if let Some(callbacks) = fields.object("callbacks")? {
        callbacks.only(&["duplicate", "reorder", "drop"])?;
        faults.callbacks = CallbackFaults {
            duplicate: callbacks.rate("duplicate")?,
            reorder: callbacks.rate("reorder")?,
            drop: callbacks.rate("drop")?,
        };
    }
    if let Some(api) = fields.object("api")? {
        faults.api = of_endpoints(&api)?;
    }
    let revoke = fields.flag("revoke_tokens")?;
    let forget = fields.flag("forget_media")?;
    sandbox.set_faults(faults);
    if revoke {
        sandbox.revoke_tokens();
    }
    if forget {
        sandbox.forget_media();
    }
    Ok(Json(sandbox.faults()))
}

fn of_endpoints(api: &Fields<'_>) -> Result<BTreeMap<String, ApiFault>, BadInput> {
    let mut faults = BTreeMap::new();
    for path in api.members().keys() {
        let name = path.trim_start_matches('/').trim_start_matches("cgi-bin/");
        if name != EVERY && api::find(name).is_none() {
            return Err(api.bad(path, "is not an endpoint of the sandbox, nor *"));
        }
        if let Some(fault) = api.object(path)? {
            faults.insert(name.to_owned(), of_endpoint(&fault)?);
        }
    }
    Ok(faults)
}

fn of_endpoint(fields: &Fields<'_>) -> Result<ApiFault, BadInput> {
    fields.only(&["error_rate", "errcode", "latency_ms", "timeout_after_accept", "close_after_accept"])?;
    let errcode = fields.integer("errcode")?;
    if errcode == Some(0) {
        return Err(fields.bad("errcode", "must not be 0, which is no error"));
    }
    // Whoever names a code and no share means every call.
    let is_given = fields.members().contains_key("error_rate");
    let error_rate = if errcode.is_some() && !is_given { 1.0 } else { fields.rate("error_rate")? };
    Ok(ApiFault {
        error_rate,
        errcode: errcode.unwrap_or(ApiFault::default().errcode),
        latency_ms: fields.number("latency_ms", 0..=MOST_LATENCY_MS, 0)?,
        timeout_after_accept: fields.rate("timeout_after_accept")?,
        close_after_accept: fields.rate("close_after_accept")?,
    })
}

pub(super) async fn settings(sandbox: Data<Sandbox>) -> Json<Settings> {
    Json(sandbox.settings())
}

/// Replaces all settings; what is not named goes back to WeCom's own.
pub(super) async fn set_settings(body: Bytes, sandbox: Data<Sandbox>) -> Result<Json<Settings>, Failure> {
    let body = input::json(&body)?;
    let fields = Fields::of(&body, "")?;
    fields.only(&[
        "transfer_delay_s",
        "transfer_refuse",
        "calls_per_minute",
        "mark_tag_parallel",
        "messages_per_minute",
        "trusted_ips",
        "short_pages",
        "strict_secrets",
        "archive_consent",
        "enforce_limits",
        "limits",
    ])?;
    let usual = Settings::default();
    sandbox.set_settings(Settings {
        transfer_delay_s: fields.number("transfer_delay_s", 0..=MOST_DELAY_S, usual.transfer_delay_s)?,
        transfer_refuse: fields.rate("transfer_refuse")?,
        calls_per_minute: fields.number("calls_per_minute", 0..=u64::MAX, usual.calls_per_minute)?,
        mark_tag_parallel: fields.number("mark_tag_parallel", 1..=u64::MAX, usual.mark_tag_parallel)?,
        messages_per_minute: fields.number("messages_per_minute", 0..=u64::MAX, usual.messages_per_minute)?,
        trusted_ips: trusted_ips(&fields)?,
        short_pages: fields.flag("short_pages")?,
        strict_secrets: fields.flag("strict_secrets")?,
        archive_consent: fields.flag("archive_consent")?,
        enforce_limits: fields.flag("enforce_limits")?,
        limits: limits(&fields)?,
    });
    Ok(Json(sandbox.settings()))
}

fn trusted_ips(fields: &Fields<'_>) -> Result<Vec<String>, BadInput> {
    let listed = fields.texts("trusted_ips")?;
    match listed.iter().find(|text| !is_address(text)) {
        Some(text) => Err(fields.bad("trusted_ips", format!("holds {text}, which is no address"))),
        None => Ok(listed.into_iter().map(str::to_owned).collect()),
    }
}

fn limits(fields: &Fields<'_>) -> Result<Limits, BadInput> {
    let usual = Limits::default();
    let Some(limits) = fields.object("limits")? else { return Ok(usual) };
    limits.only(&[
        "calls_per_hour",
        "ip_calls_per_minute",
        "ip_calls_per_hour",
        "provider_ip_calls_per_minute",
        "provider_ip_calls_per_hour",
        "messages_per_hour",
        "messages_per_day_and_member",
        "pictures_per_day",
        "pictures_per_month",
        "transfers_per_90_days",
    ])?;
    let number = |name: &str, usual: u64| limits.number(name, 0..=u64::MAX, usual);
    Ok(Limits {
        calls_per_hour: number("calls_per_hour", usual.calls_per_hour)?,
        ip_calls_per_minute: number("ip_calls_per_minute", usual.ip_calls_per_minute)?,
        ip_calls_per_hour: number("ip_calls_per_hour", usual.ip_calls_per_hour)?,
        provider_ip_calls_per_minute: number(
            "provider_ip_calls_per_minute",
            usual.provider_ip_calls_per_minute,
        )?,
        provider_ip_calls_per_hour: number("provider_ip_calls_per_hour", usual.provider_ip_calls_per_hour)?,
        messages_per_hour: number("messages_per_hour", usual.messages_per_hour)?,
        messages_per_day_and_member: number(
            "messages_per_day_and_member",
            usual.messages_per_day_and_member,
        )?,
        pictures_per_day: number("pictures_per_day", usual.pictures_per_day)?,
        pictures_per_month: number("pictures_per_month", usual.pictures_per_month)?,
        transfers_per_90_days: number("transfers_per_90_days", usual.transfers_per_90_days)?,
    })
}
