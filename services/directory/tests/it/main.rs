//! The service from outside: events go in and come out, the roster is read over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod api;
mod bad_event;
mod calendar;
mod department;
mod member;
mod process;
mod rename;
mod sign_in;
mod support;
