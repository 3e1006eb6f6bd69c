//! The command as scripts meet it: names, exit codes, lines.

use std::process::{Command, Output};

use serde_json::Value;

const NAMES: [&str; 8] = [
    "callbacks",
    "callbacks-fast",
    "callbacks-floor",
    "lead-latency",
    "throughput",
    "webhooks",
    "idle",
    "first-lead",
];

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scrm-bench")).args(arguments).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it prints text")
}

#[test]
fn the_benchmarks_are_listed_one_a_line() {
    let output = bench(&["list"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout).lines().collect::<Vec<_>>(), NAMES);
}

#[test]
fn a_wrong_name_ends_with_2_and_shows_the_right_ones() {
    for arguments in [["run", "callback"], ["install", "callback"]] {
        let output = bench(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let complaint = text(&output.stderr);
        assert!(NAMES.iter().all(|name| complaint.contains(name)), "{complaint}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(bench(&[]).status.code(), Some(2));
    assert_eq!(bench(&["run"]).status.code(), Some(2));
}

#[test]
fn without_its_peers_a_benchmark_ends_with_2_and_names_the_command_that_installs_them() {
    // A copy elsewhere finds neither peers nor programs beside it.
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("release");
    std::fs::create_dir(&programs).unwrap();
    let copy = programs.join("scrm-bench");
    std::fs::copy(env!("CARGO_BIN_EXE_scrm-bench"), &copy).unwrap();
    for name in ["callbacks", "callbacks-fast", "throughput", "idle"] {
        let output = Command::new(&copy).args(["run", name, "--quick", "--json"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(text(&output.stderr).contains(&format!("scrm-bench install {name}")), "{name}");
        assert!(output.stdout.is_empty());
    }
    let output = Command::new(&copy).args(["run", "first-lead", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cargo build --release"), "{}", text(&output.stderr));
}

/// With the programs as they were built for this test: `cargo build --workspace`.
#[test]
fn a_quick_run_prints_objects_with_the_agreed_keys() {
    let output = bench(&["run", "first-lead", "--quick", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    let figures: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [figure, stolen] = figures.as_slice() else { panic!("progress goes elsewhere: {lines}") };
    assert_eq!((&stolen["name"], &stolen["unit"]), (&Value::from("first-lead-stolen"), &Value::from("%")));
    for figure in &figures {
        let mut keys: Vec<&str> = figure.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["goal", "met", "name", "ours", "peer", "peer_name", "ratio", "unit"]);
    }
    assert_eq!((&figure["name"], &figure["unit"]), (&Value::from("first-lead"), &Value::from("ms")));
    let ours = |key: &str| figure["ours"][key].as_f64().unwrap();
    assert!(ours("min") <= ours("median") && ours("median") <= ours("max"), "{figure}");
    assert!(figure["met"].is_boolean());
    assert!(["peer", "peer_name", "ratio"].iter().all(|key| figure[key].is_null()), "{figure}");
}
