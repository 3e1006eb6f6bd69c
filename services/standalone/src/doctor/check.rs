//! One line of the report.

use serde::Serialize;

/// How wide the names are in the report for people.
const NAME_WIDTH: usize = 18;

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    /// What was found, in words.
    found: String,
    /// What to do about it; only where it failed.
    remedy: Option<String>,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    Failed,
    /// Does not apply, or cannot be told before something else is done.
    Skipped,
}

/// Something that is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) found: String,
    pub(super) remedy: String,
}

impl Fault {
    pub(super) fn new(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { found: found.into(), remedy: remedy.into() }
    }
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, State::Ok, &found.into(), None)
    }

    pub(super) fn skipped(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, State::Skipped, &found.into(), None)
    }

    pub(super) fn failed(name: &'static str, fault: &Fault) -> Self {
        Self::new(name, State::Failed, &fault.found, Some(&fault.remedy))
    }

    /// Puts together what was found of several things: the faults, or what is well.
    pub(super) fn of_all(name: &'static str, well: &[String], faults: Vec<Fault>) -> Self {
        if faults.is_empty() {
            return Self::ok(name, well.join("; "));
        }
        let mut remedies: Vec<String> = Vec::new();
        let mut found = Vec::new();
        for fault in faults {
            found.push(fault.found);
            if !remedies.contains(&fault.remedy) {
                remedies.push(fault.remedy);
            }
        }
        Self::failed(name, &Fault { found: found.join("; "), remedy: remedies.join(" ") })
    }

    fn new(name: &'static str, state: State, found: &str, remedy: Option<&str>) -> Self {
        Self { name, state, found: bare(found), remedy: remedy.map(bare) }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mark = match self.state {
            State::Ok => '✓',
            State::Failed => '✗',
            State::Skipped => '–',
        };
        let line = format!("{mark} {:NAME_WIDTH$} {}", self.name, self.found);
        let remedy = self.remedy.iter().map(|remedy| format!("  {:NAME_WIDTH$} → {remedy}", ""));
        std::iter::once(line).chain(remedy).collect()
    }
}

/// Makes one line of a text, and takes user and password out of every address in it: what libraries say of an address
/// that they cannot use is not ours to choose.
fn bare(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut bare = String::with_capacity(one_line.len());
    let mut rest = one_line.as_str();
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        bare.push_str(before);
        // A password may hold anything but a space, a slash included: the last @ before one ends it.
        let word = after.split(' ').next().unwrap_or_default();
        rest = &after[word.rfind('@').map_or(0, |end| end + 1)..];
    }
    bare.push_str(rest);
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_shows_its_password() {
        for (text, expected) in [
            ("cannot use amqp://scrm:hu/sh@mq:5672/%2f, sorry", "cannot use amqp://mq:5672/%2f, sorry"),
            ("postgres://a:b@c/d and redis://default:p@ss@e", "postgres://c/d and redis://e"),
            ("http://127.0.0.1:80\n answers a@b", "http://127.0.0.1:80 answers a@b"),
        ] {
            assert_eq!(bare(text), expected);
        }
    }

    #[test]
    fn faults_are_told_together_and_a_remedy_once() {
        let faults = vec![Fault::new("a", "do x."), Fault::new("b", "do x."), Fault::new("c", "do y.")];
        let check = Check::of_all("trial", &["well".to_owned()], faults);
        assert_eq!(check, Check::failed("trial", &Fault::new("a; b; c", "do x. do y.")));
        assert_eq!(check.lines()[1].trim(), "→ do x. do y.");
        assert_eq!(
            serde_json::to_string(&Check::ok("trial", "")).unwrap(),
            r#"{"name":"trial","state":"ok","found":"","remedy":null}"#
        );
    }
}
