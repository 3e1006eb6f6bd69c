//! `cargo xtask layers`: walks the workspace and applies the rules to what it finds.
//!
//! Reading files happens here; the rules themselves take text and are in the modules below.

mod manifest;
mod paths;
mod rules;
mod tokens;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cargo_metadata::{Metadata, Package};

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    /// From the root of the workspace, with slashes.
    file: String,
    line: usize,
    rule: &'static str,
    /// What is wrong, and what to do instead.
    text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}: {}", self.file, self.line, self.rule, self.text)
    }
}

/// Returns a line for every broken rule in the workspace, in the order of its files.
pub(crate) fn check(workspace: &Metadata) -> anyhow::Result<Vec<String>> {
    let root = workspace.workspace_root.as_std_path();
    let mut faults = BTreeSet::new();
    for package in workspace.workspace_packages() {
        let folder = folder_of(package);
        let place = relative(root, folder);
        faults.extend(check_manifest(root, workspace, package)?);
        if !folder.join("README.md").is_file() {
            faults.insert(Fault {
                file: format!("{place}/README.md"),
                line: 1,
                rule: "readme",
                text: "it is missing: say what the crate is for and what it does not do".to_owned(),
            });
        }
        for file in sources(folder)? {
            let text = read(&file)?;
            faults.extend(rules::check_source(&relative(root, &file), &place, &text));
        }
    }
    Ok(faults.iter().map(ToString::to_string).collect())
}

fn check_manifest(root: &Path, workspace: &Metadata, package: &Package) -> anyhow::Result<Vec<Fault>> {
    let file = relative(root, package.manifest_path.as_std_path());
    let text = read(package.manifest_path.as_std_path())?;
    let members = workspace.workspace_packages();
    let mut faults = manifest::check_versions(&file, &text);
    for dependency in &package.dependencies {
        let Some(member) = members.iter().find(|member| *member.name == dependency.name) else { continue };
        let target = relative(root, folder_of(member));
        faults.extend(manifest::check_dependency(&file, &text, &package.name, &dependency.name, &target));
    }
    Ok(faults)
}

/// Returns the Rust files of a crate, without those of crates that lie within its folder.
fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("could not list {}", next.display()))? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name();
            let is_foreign = name == "target" || name == "node_modules" || name.as_encoded_bytes()[0] == b'.';
            if entry.file_type()?.is_dir() {
                if !is_foreign && !path.join("Cargo.toml").exists() {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn folder_of(package: &Package) -> &Path {
    package.manifest_path.parent().expect("a manifest lies in a folder").as_std_path()
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_file_line_rule_and_remedy() {
        let fault = Fault {
            file: "services/leads/src/app/mod.rs".to_owned(),
            line: 7,
            rule: "layers",
            text: "app names crate::http: turn it round".to_owned(),
        };
        let line = "services/leads/src/app/mod.rs:7: layers: app names crate::http: turn it round";
        assert_eq!(fault.to_string(), line);
    }

    #[test]
    fn the_sources_of_a_crate_leave_out_crates_within_it_and_build_output() {
        let folder = tempfile::tempdir().unwrap();
        for place in ["src/a", "target", ".git", "bench/src"] {
            fs::create_dir_all(folder.path().join(place)).unwrap();
        }
        for file in ["src/lib.rs", "src/a/b.rs", "build.rs", "target/x.rs", ".git/x.rs", "bench/src/x.rs"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        fs::write(folder.path().join("bench/Cargo.toml"), "").unwrap();
        let mut found: Vec<_> =
            sources(folder.path()).unwrap().iter().map(|file| relative(folder.path(), file)).collect();
        found.sort();
        assert_eq!(found, ["build.rs", "src/a/b.rs", "src/lib.rs"]);
    }
}
