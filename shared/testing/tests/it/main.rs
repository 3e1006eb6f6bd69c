//! What the tests of services rely on, in the chosen shape.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod wecom;
