//! The client against a small server that plays WeCom, and ingest's endpoint for tokens.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic; clippy excuses only the test functions themselves"
)]

mod answers;
mod calls;
mod pages;
mod remote;
mod repeats;
mod support;
mod tokens;
