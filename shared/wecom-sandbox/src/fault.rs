//! What is made to go wrong on request.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::draw::Draw;

/// The name that stands for every endpoint.
pub(crate) const EVERY: &str = "*";

/// What is made to go wrong; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Faults {
    /// For the callbacks that are sent.
    pub callbacks: CallbackFaults,
    /// For the API, by endpoint as in `externalcontact/get`; `*` is for all that are not named.
    pub api: BTreeMap<String, ApiFault>,
}

/// What is made to go wrong with callbacks, each as the share of events between 0 and 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct CallbackFaults {
    /// Sent twice.
    pub duplicate: f64,
    /// Held back for a moment, so that later ones overtake.
    pub reorder: f64,
    /// Never sent.
    pub drop: f64,
}

/// What is made to go wrong with calls of an endpoint; shares are between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ApiFault {
    /// The share of calls that are refused, and do nothing.
    pub error_rate: f64,
    /// What they are refused with.
    pub errcode: i64,
    /// How long every call takes, in milliseconds.
    pub latency_ms: u64,
    /// The share of calls that do what they shall and are never answered.
    pub timeout_after_accept: f64,
    /// The share of calls that do what they shall, whereupon the connection breaks.
    pub close_after_accept: f64,
}

impl Default for ApiFault {
    fn default() -> Self {
        // -1 is WeCom's "system busy".
        Self {
            error_rate: 0.0,
            errcode: -1,
            latency_ms: 0,
            timeout_after_accept: 0.0,
            close_after_accept: 0.0,
        }
    }
}

/// How one call fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) errcode: Option<i64>,
    pub(crate) latency: Duration,
    pub(crate) silence: Option<Silence>,
}

/// How a call goes unanswered although it was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The connection stays open.
    Timeout,
    /// The connection breaks.
    Close,
}

impl Silence {
    /// Returns the name that the fault has in requests and records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout_after_accept",
            Self::Close => "close_after_accept",
        }
    }
}

impl Faults {
    /// Draws how a call of an endpoint fares.
    pub(crate) fn fate(&self, endpoint: &str, chance: &mut Draw) -> Fate {
        let Some(fault) = self.api.get(endpoint).or_else(|| self.api.get(EVERY)) else {
            return Fate::default();
        };
        let errcode = chance.chance(fault.error_rate).then_some(fault.errcode);
        let silence = if errcode.is_some() {
            None
        } else if chance.chance(fault.timeout_after_accept) {
            Some(Silence::Timeout)
        } else {
            chance.chance(fault.close_after_accept).then_some(Silence::Close)
        };
        Fate { errcode, latency: Duration::from_millis(fault.latency_ms), silence }
    }
}
