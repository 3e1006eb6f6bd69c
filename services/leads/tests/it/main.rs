//! The service from outside: events go in and come out, leads are read over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod api;
mod bad_event;
mod capture;
mod card;
mod owner;
mod support;
