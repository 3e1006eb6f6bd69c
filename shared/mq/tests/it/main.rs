//! What both transports promise, tested once: `SCRM_TEST_SHAPE` says on which of them, `embedded` or `distributed`.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod dead;
mod effect;
mod effect_at_once;
mod embedded;
mod fault;
mod flow;
mod group;
mod rabbit;
mod repetition;
mod retry;
mod stop;
mod support;
