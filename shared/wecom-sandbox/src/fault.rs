//! What is made to go wrong on request.

use serde::Serialize;
use serde_json::{Map, Value};

/// What is made to go wrong; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Faults {
    /// For the callbacks that are sent.
    pub callbacks: CallbackFaults,
    /// For the API, by endpoint; kept as it came until the endpoints exist.
    pub api: Map<String, Value>,
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
