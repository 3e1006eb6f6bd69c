//! `scrm doctor` on a folder: each check finds what a test breaks, and says what to do.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::serve::serve;
use crate::support::{Outsider, run, scrm, token};

/// Every check, in the order of the report.
const NAMES: [&str; 10] = [
    "configuration",
    "data folder",
    "database",
    "broker",
    "cache",
    "clock",
    "credentials",
    "suites",
    "callback reachable",
    "trusted IP",
];

/// What `scrm doctor --json` finds: whether all is well, and each check by name.
pub(crate) fn examine(data: &Path) -> (bool, BTreeMap<String, Value>) {
    let (is_well, lines, complaint) = run(data, &["doctor", "--json"]);
    assert_eq!((lines.len(), complaint.as_str()), (1, ""), "{lines:?}");
    let report: Value = serde_json::from_str(&lines[0]).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, NAMES);
    let failed = checks.iter().filter(|check| check["state"] == "failed");
    assert!(failed.clone().all(|check| check["remedy"].is_string()), "{report}");
    assert_eq!(is_well, failed.count() == 0, "{report}");
    let by_name = |check: &Value| (check["name"].as_str().unwrap().to_owned(), check.clone());
    (is_well, checks.iter().map(by_name).collect())
}

/// Checks that only `name` fails, with some words found and some words of advice.
pub(crate) fn assert_only_fails(data: &Path, name: &str, found: &str, remedy: &str) {
    let (_, checks) = examine(data);
    let failed: Vec<_> = checks.values().filter(|check| check["state"] == "failed").collect();
    assert!(failed.len() == 1 && failed[0]["name"] == name, "{failed:?}");
    assert!(failed[0]["found"].as_str().unwrap().contains(found), "{failed:?}");
    assert!(failed[0]["remedy"].as_str().unwrap().contains(remedy), "{failed:?}");
}

fn migrated() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    assert!(run(data.path(), &["migrate"]).0);
    data
}

fn state<'a>(checks: &'a BTreeMap<String, Value>, name: &str) -> &'a str {
    checks[name]["state"].as_str().unwrap()
}

#[test]
fn where_nothing_is_set_up_nothing_fails_and_nothing_is_made() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("not/there/yet");
    for _ in 0..2 {
        let (is_well, checks) = examine(&data);
        assert!(is_well);
        for name in NAMES.iter().filter(|name| !["configuration", "data folder"].contains(name)) {
            assert_eq!(state(&checks, name), "skipped", "{checks:?}");
        }
        // The second time the folder is there, and empty.
        fs::create_dir_all(&data).unwrap();
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn beside_a_running_process_it_reads_and_leaves_the_folder_alone() {
    let data = tempfile::tempdir().unwrap();
    let mut process = serve(data.path());
    let (is_well, checks) = examine(data.path());
    assert!(is_well, "{checks:?}");
    for name in ["configuration", "data folder", "database", "broker"] {
        assert_eq!(state(&checks, name), "ok", "{checks:?}");
    }
    let found = checks["data folder"]["found"].as_str().unwrap();
    assert!(found.contains("uses it and answers on http://127.0.0.1:"), "{found}");
    assert_eq!(Outsider::new(token(data.path())).get(&process.url("/api/v1/leads/leads")).await.0, 200);
    assert!(process.terminate().success());

    let (is_well, lines, _) = run(data.path(), &["doctor"]);
    assert!(is_well && lines.len() == NAMES.len(), "{lines:?}");
    assert!(lines[1].starts_with("✓ data folder") && lines[1].contains("no process uses it"), "{lines:?}");
    assert!(lines[4].starts_with("– cache"), "{lines:?}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_named() {
    let data = migrated();
    let file = data.path().join("scrm.toml");
    for (text, found) in [
        ("[ingest]\ncallback_window = 3\n", "callback_window"),
        ("[ingest]\npublic_url = \"scrm.example.com\"\n", "public_url"),
        ("[ingset]\ncallback_window_s = 3\n", "ingset"),
        ("[leads]\nround_robin = true\n", "round_robin"),
        ("[media]\nulr = \"s3://files\"\n", "ulr"),
        ("[media]\nurl = \"ftp://files\"\n", "s3://"),
        ("[wecom]\nper_minuet = 10\n", "per_minuet"),
        ("ingest = [", "scrm.toml"),
    ] {
        fs::write(&file, text).unwrap();
        assert_only_fails(data.path(), "configuration", found, "");
    }
    let (is_well, lines, _) = run(data.path(), &["doctor"]);
    let broken = lines.iter().position(|line| line.starts_with("✗ configuration")).unwrap();
    assert!(!is_well && lines[broken + 1].trim_start().starts_with("→ Mend"), "{lines:?}");
    assert_eq!(lines.len(), NAMES.len() + 1);

    fs::write(&file, "[leads]\nround_robin = true\n").unwrap();
    let (starts, _, complaint) = run(data.path(), &["serve", "--port", "0"]);
    assert!(!starts && complaint.contains("round_robin"), "{complaint}");

    let places = format!("[media]\nurl = \"file://{}\"\n[wecom]\nper_minute = 10\n", data.path().display());
    fs::write(&file, places).unwrap();
    assert_eq!(state(&examine(data.path()).1, "configuration"), "ok");
}

#[test]
fn a_folder_that_is_none_or_tells_its_keys_is_a_fault() {
    let data = migrated();
    let keys = data.path().join("keys/installation.keys");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    assert_only_fails(data.path(), "data folder", "can be read by others", "chmod 600");

    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let file = data.path().join("file");
    fs::write(&file, "").unwrap();
    assert_only_fails(&file, "data folder", "is no folder", "another folder");
}

#[test]
fn a_place_that_takes_no_files_is_a_fault() {
    // Who may do everything can write everywhere but there.
    assert_only_fails(Path::new("/proc/self"), "data folder", "cannot write into", "takes writes");
}

#[tokio::test]
async fn a_process_that_does_not_answer_is_found() {
    let data = tempfile::tempdir().unwrap();
    let process = serve(data.path());
    // Stopped, not ended: it keeps the folder.
    process.signal("STOP");
    assert_only_fails(data.path(), "data folder", "does not answer", "end process");
    process.signal("CONT");
    assert!(examine(data.path()).0);
}

#[test]
fn a_damaged_or_lost_database_is_found() {
    let data = migrated();
    let file = data.path().join("db/leads.sqlite");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, b"this is no database, and never was one").unwrap();
    assert_only_fails(data.path(), "database", "leads: ", "back-up");
    // Sound at its beginning: only who reads it all finds out.
    let mut torn = whole.clone();
    let half = torn.len() / 2;
    torn[half..].fill(0xee);
    fs::write(&file, torn).unwrap();
    assert_only_fails(data.path(), "database", "leads: ", "back-up");
    fs::remove_file(&file).unwrap();
    assert_only_fails(data.path(), "database", "leads: its file is missing", "back-up");
    assert!(!file.exists(), "who only looks makes nothing");
    fs::write(&file, whole).unwrap();
    assert!(examine(data.path()).0);
}

#[tokio::test]
async fn tables_that_are_older_or_newer_than_the_program_are_found() {
    let data = migrated();
    let url = format!("sqlite://{}", data.path().join("db/directory.sqlite").display());
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let change = async |sql: &str| {
        sea_orm::ConnectionTrait::execute_unprepared(&connection, sql).await.unwrap();
    };
    change("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m999_of_tomorrow', 0)").await;
    assert_only_fails(data.path(), "database", "directory: a newer version made 1 changes", "newer one");
    change("DELETE FROM seaql_migrations").await;
    assert_only_fails(data.path(), "database", "are still to be made", "scrm migrate");
    connection.close().await.unwrap();
}

#[test]
fn a_damaged_broker_is_found() {
    let data = migrated();
    fs::write(data.path().join("db/queues.sqlite"), b"this is no database, and never was one").unwrap();
    assert_only_fails(data.path(), "broker", "queues.sqlite", "scrm republish");
}

#[test]
fn it_needs_a_folder_to_look_at() {
    let output = scrm(&["doctor"]).output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("--data"));
}
