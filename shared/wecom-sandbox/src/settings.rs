//! How fast and how strict the simulated WeCom is, where its documents leave room or a test cannot wait.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What `PUT /_control/settings` changes; the defaults are WeCom's. Kept over restarts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the control API")]
pub struct Settings {
    /// After how many seconds a transfer takes effect.
    pub transfer_delay_s: u64,
    /// The share of customers, between 0 and 1, who refuse a transfer.
    pub transfer_refuse: f64,
    /// How often one corp may call one API within a minute.
    pub calls_per_minute: u64,
    /// How many `mark_tag` calls of one corp may be under way.
    pub mark_tag_parallel: u64,
    /// How many messages of an app a member gets within a minute; more vanish silently.
    pub messages_per_minute: u64,
    /// From which addresses apps may call, as WeCom lists them (企业可信IP): `10.0.0.1` or `10.0.0.*`; without any, from
    /// everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_ips: Vec<String>,
    /// Whether pages of lists are shorter than asked for, and now and then empty although others follow.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub short_pages: bool,
    /// Whether `user/list_id` wants the secret of the contact sync (通讯录同步), which no app here has.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strict_secrets: bool,
    /// Whether a member can greet a customer only after that one agreed to the archiving of their chats (会话存档).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub archive_consent: bool,
    /// Whether `limits` hold, which a company that lives fast would exceed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enforce_limits: bool,
    /// How much may happen in an hour, a day or longer.
    #[serde(skip_serializing_if = "Limits::are_usual")]
    pub limits: Limits,
}

/// How much may happen in longer times than a minute, or from one address; the defaults are WeCom's.
///
/// They hold when [`enforce_limits`](Settings::enforce_limits) says so, [`transfers_per_90_days`](Self::transfers_per_90_days)
/// always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// How often one corp may call one API within an hour.
    pub calls_per_hour: u64,
    /// How often one API may be called from one address within a minute.
    pub ip_calls_per_minute: u64,
    /// How often one API may be called from one address within an hour.
    pub ip_calls_per_hour: u64,
    /// The first of these two for the apps of a provider.
    pub provider_ip_calls_per_minute: u64,
    /// The second of them for the apps of a provider.
    pub provider_ip_calls_per_hour: u64,
    /// How many messages of an app a member gets within an hour; more vanish silently.
    pub messages_per_hour: u64,
    /// How many messages an app may send within a day for each member of the company, counting every receiver.
    pub messages_per_day_and_member: u64,
    /// How many pictures a corp may upload (`media/uploadimg`) within a day.
    pub pictures_per_day: u64,
    /// How many pictures a corp may upload within 30 days.
    pub pictures_per_month: u64,
    /// How often one customer may be handed on within 90 days.
    pub transfers_per_90_days: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_per_hour: 150_000,
            ip_calls_per_minute: 20_000,
            ip_calls_per_hour: 600_000,
            provider_ip_calls_per_minute: 40_000,
            provider_ip_calls_per_hour: 1_200_000,
            messages_per_hour: 1000,
            messages_per_day_and_member: 200,
            pictures_per_day: 1000,
            pictures_per_month: 3000,
            transfers_per_90_days: 2,
        }
    }
}

impl Limits {
    fn are_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            transfer_delay_s: 24 * 60 * 60,
            transfer_refuse: 0.0,
            calls_per_minute: 10_000,
            mark_tag_parallel: 5,
            messages_per_minute: 30,
            trusted_ips: Vec::new(),
            short_pages: false,
            strict_secrets: false,
            archive_consent: false,
            enforce_limits: false,
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// Says whether apps may call from this address.
    pub(crate) fn trusts(&self, peer: Option<IpAddr>) -> bool {
        let listed = |peer: IpAddr| self.trusted_ips.iter().any(|listed| covers(listed, peer));
        self.trusted_ips.is_empty() || peer.is_some_and(|peer| listed(peer.to_canonical()))
    }
}

/// Says whether a text can stand in the list of trusted addresses.
pub(crate) fn is_address(text: &str) -> bool {
    let is_part = |part: &str| part == "*" || part.parse::<u8>().is_ok();
    text.parse::<IpAddr>().is_ok() || text.split('.').count() == 4 && text.split('.').all(is_part)
}

/// Says whether an entry of the list is, or stands for, this address.
fn covers(listed: &str, peer: IpAddr) -> bool {
    if let Ok(listed) = listed.parse::<IpAddr>() {
        return listed.to_canonical() == peer;
    }
    let peer = peer.to_string();
    listed.split('.').count() == peer.split('.').count()
        && listed.split('.').zip(peer.split('.')).all(|(listed, part)| listed == "*" || listed == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_a_part_of_an_address() {
        for (listed, peer, is_trusted) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.10", false),
            ("10.0.0.*", "10.0.0.10", true),
            ("10.0.0.*", "10.0.1.10", false),
            ("10.*.*.*", "10.9.8.7", true),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("10.0.0.*", "::1", false),
            ("2001:db8::1", "2001:db8:0::1", true),
        ] {
            let settings = Settings { trusted_ips: vec![listed.to_owned()], ..Settings::default() };
            assert!(is_address(listed));
            assert_eq!(settings.trusts(peer.parse().ok()), is_trusted, "{listed} and {peer}");
            assert!(!settings.trusts(None) && Settings::default().trusts(None));
        }
        for text in ["", "10.0.0", "10.0.0.256", "10.0.0.1.*", "localhost", "10.0.0.0/24", "*"] {
            assert!(!is_address(text), "{text}");
        }
    }
}
