//! How long a server waits, for what it is sent and for its own handlers; routes bound their bodies further, in [`body`](crate::body).

use std::time::Duration;

/// How long a server waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the head of the first request of a connection.
    pub head: Duration,
    /// For a body, at most: most routes wait less.
    pub body: Duration,
    /// For the beginning of an answer, beside the time that the body may take. What takes longer is a job that can be
    /// asked about.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), body: Duration::from_mins(2), answer: Duration::from_secs(30) }
    }
}
