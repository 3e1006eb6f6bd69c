//! The command `scrm` as its users run it: a process, a data folder, HTTP from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod dead;
mod demo;
mod doctor;
mod doctor_wecom;
mod reconcile;
mod republish;
mod serve;
mod set_up;
mod support;
