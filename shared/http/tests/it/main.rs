//! The server from outside: routes of a test behind a real port.

mod ready;
mod slow;
