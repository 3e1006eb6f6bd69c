//! What a `Cargo.toml` may say: which crates it depends on, and where their versions stand.

use super::Fault;

/// Checks that a package may depend on another one of the workspace, which lies in the folder `target`.
pub(super) fn check_dependency(
    file: &str,
    text: &str,
    package: &str,
    dependency: &str,
    target: &str,
) -> Option<Fault> {
    if !target.starts_with("services/") {
        return None;
    }
    let (rule, remedy) = if file.starts_with("services/") && package != "scrm-standalone" {
        ("services-apart", "consume its events and keep what you need, or call its HTTP API")
    } else if file.starts_with("shared/") || file.starts_with("proto/") {
        ("shared-below", "move the shared part down into shared/, or take it as an argument")
    } else {
        return None;
    };
    let text_of_fault = format!("{package} depends on the service {dependency}: {remedy}");
    Some(Fault { file: file.to_owned(), line: line_of(text, dependency), rule, text: text_of_fault })
}

/// Checks that every dependency takes its version from the workspace.
pub(super) fn check_versions(file: &str, text: &str) -> Vec<Fault> {
    let own = entries(text).into_iter().filter(|entry| !entry.is_inherited);
    own.map(|entry| Fault {
        file: file.to_owned(),
        line: entry.line,
        rule: "one-version",
        text: format!(
            "{} has a version of its own: declare it in the root Cargo.toml and say `workspace = true` here",
            entry.name
        ),
    })
    .collect()
}

fn line_of(text: &str, dependency: &str) -> usize {
    entries(text).iter().find(|entry| entry.name == dependency).map_or(1, |entry| entry.line)
}

/// One dependency as a manifest writes it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    line: usize,
    is_inherited: bool,
}

/// Returns the dependencies of all kinds. Reads TOML by the line, as far as manifests need it: tables, dotted
/// keys, inline tables over several lines.
fn entries(text: &str) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let mut section = Section::Other;
    let mut open_brackets = 0;
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let inherits = line.replace(' ', "").contains("workspace=true");
        if open_brackets > 0 {
            // Still inside the inline table of the entry before.
            if let Some(entry) = found.last_mut().filter(|_| section != Section::Other) {
                entry.is_inherited |= inherits;
            }
        } else if let Some(header) = line.strip_prefix('[') {
            section = Section::of(header.trim_end_matches(']'));
            if let Section::OneDependency(name) = &section {
                found.push(Entry { name: name.clone(), line: index + 1, is_inherited: false });
            }
            continue;
        } else if let Some((key, _)) = line.split_once('=') {
            match section {
                Section::Dependencies => {
                    let name = key.split('.').next().unwrap_or(key).trim().trim_matches('"').to_owned();
                    found.push(Entry { name, line: index + 1, is_inherited: inherits });
                }
                Section::OneDependency(_) => {
                    let entry = found.last_mut().expect("its header made an entry");
                    entry.is_inherited |= inherits;
                }
                Section::Other => {}
            }
        }
        open_brackets += depth(line);
    }
    found
}

/// Which table of a manifest a line belongs to.
#[derive(Debug, PartialEq, Eq)]
enum Section {
    Dependencies,
    OneDependency(String),
    Other,
}

impl Section {
    /// Tells a table by its name: `dev-dependencies`, `target.'cfg(unix)'.dependencies`, `dependencies.tokio`.
    fn of(header: &str) -> Self {
        const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
        let header = header.trim();
        let (before, last) = header.rsplit_once('.').unwrap_or(("", header));
        if KINDS.contains(&last) {
            return Self::Dependencies;
        }
        let kind = before.rsplit('.').next().unwrap_or_default();
        if KINDS.contains(&kind) {
            Self::OneDependency(last.trim_matches('"').to_owned())
        } else {
            Self::Other
        }
    }
}

/// Returns by how many brackets a line goes deeper. Brackets in strings are not told apart: manifests have none.
fn depth(line: &str) -> i32 {
    line.chars().map(|letter| i32::from("[{".contains(letter)) - i32::from("]}".contains(letter))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(file: &str, package: &str, dependency: &str, target: &str) -> Option<String> {
        let text = "[dependencies]\nscrm-kernel.workspace = true\nscrm-leads.workspace = true\n";
        check_dependency(file, text, package, dependency, target).map(|fault| fault.to_string())
    }

    #[test]
    fn a_service_may_not_depend_on_a_service() {
        let fault = dependency("services/ingest/Cargo.toml", "scrm-ingest", "scrm-leads", "services/leads");
        let expected = "services/ingest/Cargo.toml:3: services-apart: scrm-ingest depends on the service scrm-leads: \
                        consume its events and keep what you need, or call its HTTP API";
        assert_eq!(fault.unwrap(), expected);
    }

    #[test]
    fn standalone_and_the_journeys_may_depend_on_every_service() {
        let standalone = "services/standalone/Cargo.toml";
        assert_eq!(dependency(standalone, "scrm-standalone", "scrm-leads", "services/leads"), None);
        assert_eq!(dependency("tests/Cargo.toml", "scrm-tests", "scrm-leads", "services/leads"), None);
    }

    #[test]
    fn shared_crates_and_contracts_may_not_depend_on_a_service() {
        for (file, package) in [("shared/db/Cargo.toml", "scrm-db"), ("proto/Cargo.toml", "scrm-proto")] {
            let fault = dependency(file, package, "scrm-leads", "services/leads").unwrap();
            assert!(fault.contains(":3: shared-below: "), "{fault}");
            assert_eq!(dependency(file, package, "scrm-kernel", "shared/kernel"), None);
        }
    }

    #[test]
    fn a_version_outside_the_workspace_is_found_in_every_way_to_write_it() {
        let text = r#"
[package]
name = "scrm-leads"
version = "0.1.0"

[dependencies]
anyhow.workspace = true
tokio = { workspace = true, features = ["full"] }
serde = "1"                 # workspace = true is only said in this remark
hex = { version = "0.4" }
bytes = { features = [
    "serde",
], workspace = true }

[target.'cfg(unix)'.dependencies]
libc = "0.2"

[build-dependencies.protox]
version = "0.9"

[dev-dependencies.tempfile]
workspace = true

[features]
default = ["x"]
"#;
        let found: Vec<_> =
            check_versions("Cargo.toml", text).into_iter().map(|fault| (fault.line, fault.text)).collect();
        let names: Vec<_> =
            found.iter().map(|(line, text)| (*line, text.split(' ').next().unwrap())).collect();
        assert_eq!(names, [(9, "serde"), (10, "hex"), (16, "libc"), (18, "protox")]);
    }
}
