//! How often an API may be called: by a corp, and from an address.

use std::net::IpAddr;

use super::call::Refusal;
use crate::app::{App, SELF_BUILT};
use crate::state::{Corp, DAY_MS, HOUR_MS, Limit, MINUTE_MS, MONTH_MS};

/// The endpoint that has limits of its own.
pub(super) const PICTURES: &str = "media/uploadimg";

/// Counts a call, and refuses it when it is one too many.
pub(super) fn counted(
    corp: &mut Corp,
    app: &App,
    name: &str,
    peer: Option<IpAddr>,
    now: i64,
) -> Result<(), Refusal> {
    let is_within = if corp.settings.enforce_limits {
        let limits = limits(corp, app, name, peer);
        corp.meter.admits(&limits, 1, now)
    } else {
        corp.meter.allows(name, corp.settings.calls_per_minute, now)
    };
    if is_within { Ok(()) } else { Err(too_often()) }
}

pub(super) fn too_often() -> Refusal {
    Refusal::new(45009, "api freq out of limit")
}

fn limits(corp: &Corp, app: &App, name: &str, peer: Option<IpAddr>) -> Vec<Limit> {
    let limits = &corp.settings.limits;
    let mut all = vec![
        Limit::new(format!("{name} a minute"), corp.settings.calls_per_minute, MINUTE_MS),
        Limit::new(format!("{name} an hour"), limits.calls_per_hour, HOUR_MS),
    ];
    if let Some(peer) = peer {
        let (who, a_minute, an_hour) = if app.kind == SELF_BUILT {
            ("address", limits.ip_calls_per_minute, limits.ip_calls_per_hour)
        } else {
            ("provider", limits.provider_ip_calls_per_minute, limits.provider_ip_calls_per_hour)
        };
        all.push(Limit::new(format!("{name} of {who} {peer} a minute"), a_minute, MINUTE_MS));
        all.push(Limit::new(format!("{name} of {who} {peer} an hour"), an_hour, HOUR_MS));
    }
    if name == PICTURES {
        all.push(Limit::new(format!("{name} a day"), limits.pictures_per_day, DAY_MS));
        all.push(Limit::new(format!("{name} a month"), limits.pictures_per_month, MONTH_MS));
    }
    all
}
