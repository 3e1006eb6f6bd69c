//! The service from outside: events go in and come out, leads are read over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod api;
mod attachment;
mod bad_event;
mod capture;
mod card;
mod channel;
mod channel_api;
mod channel_support;
mod dead_letter;
mod form;
mod group;
mod media;
mod owner;
mod pool;
mod routing;
mod staff;
mod submission;
mod support;
mod transfer;
mod transfer_support;
mod transfer_trouble;
mod welcome;
mod welcome_support;
