//! Tokens of an administrator, printed anew before they end: a long storm lasts longer than one of them.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one is used; it is good for an hour.
const USED_FOR: Duration = Duration::from_mins(30);

/// Prints tokens by `scrm token`.
pub struct Tokens(Mutex<Printer>);

struct Printer {
    command: Command,
    last: Option<(Instant, String)>,
}

impl Tokens {
    /// Takes a command that prints a token.
    pub(crate) fn printed_by(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        Self(Mutex::new(Printer { command, last: None }))
    }

    /// Returns one that is good for a while.
    pub fn get(&self) -> String {
        let mut printer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Printer { command, last } = &mut *printer;
        if let Some((printed_at, token)) = last
            && printed_at.elapsed() < USED_FOR
        {
            return token.clone();
        }
        let output = command.output().expect("it starts");
        assert!(output.status.success(), "a token can be printed: {command:?}");
        let token = String::from_utf8(output.stdout).expect("a token is text").trim().to_owned();
        *last = Some((Instant::now(), token.clone()));
        token
    }
}
