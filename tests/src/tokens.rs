//! Tokens of an administrator, printed anew before they end: a long storm lasts longer than one of them.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one is used; it is good for an hour.
const USED_FOR: Duration = Duration::from_mins(30);
/// When to try again after nobody could print one: the database may be what a storm has just hit.
const TRY_AGAIN: Duration = Duration::from_mins(1);

/// Prints tokens by `scrm token`.
pub struct Tokens(Mutex<Printer>);

struct Printer {
    command: Command,
    used_for: Duration,
    token: String,
    renew_at: Instant,
}

impl Tokens {
    /// Prints the first one by this command, which must succeed.
    pub(crate) fn printed_by(command: Command) -> Self {
        Self::used_for(USED_FOR, command)
    }

    fn used_for(used_for: Duration, mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let token = print(&mut command).unwrap_or_else(|| panic!("a token can be printed: {command:?}"));
        Self(Mutex::new(Printer { command, used_for, token, renew_at: Instant::now() + used_for }))
    }

    /// Returns one that is good for a while; the one before when no other can be printed now.
    pub fn get(&self) -> String {
        let mut printer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if printer.renew_at <= now {
            match print(&mut printer.command) {
                Some(token) => (printer.token, printer.renew_at) = (token, now + printer.used_for),
                None => printer.renew_at = now + TRY_AGAIN,
            }
        }
        printer.token.clone()
    }
}

fn print(command: &mut Command) -> Option<String> {
    let output = command.output().expect("it starts");
    let text = String::from_utf8(output.stdout).expect("a token is text");
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints 1, then 2, and then fails.
    fn two(folder: &tempfile::TempDir) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo >> printed; wc -l < printed; [ $(wc -l < printed) -lt 3 ]"]);
        command.current_dir(folder.path());
        command
    }

    #[test]
    fn an_old_one_is_renewed_and_kept_when_that_fails() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::used_for(Duration::ZERO, two(&folder));
        assert_eq!([tokens.get(), tokens.get(), tokens.get()], ["2", "2", "2"]);
    }

    #[test]
    fn a_young_one_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::printed_by(two(&folder));
        assert_eq!([tokens.get(), tokens.get()], ["1", "1"]);
    }
}
