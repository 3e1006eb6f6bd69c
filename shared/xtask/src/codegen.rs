//! The generated files that are committed, and whether they are current.
//!
//! How a file's text comes about is the business of its function; nothing here knows formats.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// One generated file.
pub(crate) struct Generated {
    /// Where it lies, from the root of the workspace.
    pub path: &'static str,
    /// Makes its text.
    pub text: fn() -> anyhow::Result<String>,
}

/// Returns every generated file of the workspace.
pub(crate) fn files() -> Vec<Generated> {
    vec![
        Generated { path: "services/directory/openapi.json", text: || openapi("directory") },
        Generated { path: "services/ingest/openapi.json", text: || openapi("ingest") },
        Generated { path: "services/leads/openapi.json", text: || openapi("leads") },
        Generated { path: "services/customers/openapi.json", text: || openapi("customers") },
        Generated { path: "services/standalone/access.md", text: || printed(&["access"]) },
    ]
}

fn openapi(service: &str) -> anyhow::Result<String> {
    printed(&["openapi", service])
}

/// Asks the built services; nothing here may depend on a service.
fn printed(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(scrm()?)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("could not start scrm")?;
    anyhow::ensure!(output.status.success(), "`scrm {}` failed", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}

/// Builds the programs as the tests do, so that neither build undoes the other, and returns where `scrm` is.
fn scrm() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo tells this program about its package would make build scripts run again, and with them much else.
    let is_about_us = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_about_us) {
            cargo.env_remove(name);
        }
    }
    let status =
        cargo.args(["build", "-q", "--workspace", "--bins"]).status().context("could not start cargo")?;
    anyhow::ensure!(status.success(), "the programs do not build");
    Ok(std::env::current_exe().context("this program has no path")?.with_file_name("scrm"))
}

/// Writes the files that are stale.
pub(crate) fn write(root: &Path, files: &[Generated]) -> anyhow::Result<()> {
    for file in files {
        let text = wanted(file)?;
        let path = root.join(file.path);
        if current(&path) != Some(text.clone()) {
            fs::write(&path, text).with_context(|| format!("could not write {}", file.path))?;
            println!("wrote {}", file.path);
        }
    }
    Ok(())
}

/// Returns a line for every file that is missing or differs from what would be written.
pub(crate) fn stale(root: &Path, files: &[Generated]) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for file in files {
        let wanted = wanted(file)?;
        let Some(found) = current(&root.join(file.path)) else {
            faults.push(format!("{}:1: generated: it is missing: run `cargo xtask codegen`", file.path));
            continue;
        };
        if found != wanted {
            let line = first_difference(&found, &wanted);
            faults.push(format!("{}:{line}: generated: it is stale: run `cargo xtask codegen`", file.path));
        }
    }
    Ok(faults)
}

fn wanted(file: &Generated) -> anyhow::Result<String> {
    (file.text)().with_context(|| format!("could not generate {}", file.path))
}

/// Returns what is there now; a file that cannot be read counts as missing.
fn current(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn first_difference(found: &str, wanted: &str) -> usize {
    let equal = found.lines().zip(wanted.lines()).take_while(|(left, right)| left == right).count();
    equal + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: Generated = Generated { path: "greeting.txt", text: || Ok("one\ntwo\n".to_owned()) };

    #[test]
    fn a_missing_file_is_named_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let faults = stale(folder.path(), &[GREETING]).unwrap();
        assert_eq!(faults, ["greeting.txt:1: generated: it is missing: run `cargo xtask codegen`"]);

        write(folder.path(), &[GREETING]).unwrap();
        assert!(stale(folder.path(), &[GREETING]).unwrap().is_empty());
    }

    #[test]
    fn a_stale_file_is_named_with_the_line_that_differs() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("greeting.txt"), "one\n2\n").unwrap();
        let faults = stale(folder.path(), &[GREETING]).unwrap();
        assert_eq!(faults, ["greeting.txt:2: generated: it is stale: run `cargo xtask codegen`"]);
    }

    #[test]
    fn a_generator_that_fails_says_which_file_it_was_for() {
        let broken = Generated { path: "broken.json", text: || anyhow::bail!("no such schema") };
        let error = stale(Path::new("."), &[broken]).unwrap_err();
        assert_eq!(format!("{error:#}"), "could not generate broken.json: no such schema");
    }
}
