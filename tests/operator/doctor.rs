//! `scrm doctor`: what it finds of servers and of processes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Method;
use scrm_db::Database;
use scrm_testing::{Shape, TestDatabase};
use scrm_tests::{Administrator, Company, Installation};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::started;

/// Nobody listens there.
const NOWHERE: &str = "127.0.0.1:9";

/// What it finds, by check.
fn examine(installation: &Installation) -> BTreeMap<String, Value> {
    let (is_well, lines, complaint) = installation.scrm(&["doctor", "--json"]);
    let report: Value = lines.last().and_then(|line| serde_json::from_str(line).ok()).expect(&complaint);
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(is_well, checks.iter().all(|check| check["state"] != "failed"), "{report}");
    assert!(!lines[0].contains("scrm:") && !lines[0].contains("default:"), "no user, no password: {report}");
    checks.iter().map(|check| (check["name"].as_str().unwrap().to_owned(), check.clone())).collect()
}

/// Checks that only `name` fails, with some words found and some words of advice.
fn assert_only_fails(installation: &Installation, name: &str, found: &str, remedy: &str) {
    let checks = examine(installation);
    let failed: Vec<_> = checks.values().filter(|check| check["state"] == "failed").collect();
    assert!(failed.len() == 1 && failed[0]["name"] == name, "{failed:?}");
    assert!(failed[0]["found"].as_str().unwrap().contains(found), "{failed:?}");
    assert!(failed[0]["remedy"].as_str().unwrap().contains(remedy), "{failed:?}");
}

fn is_embedded() -> bool {
    Shape::chosen() == Shape::Embedded
}

#[tokio::test]
async fn an_installation_at_work_is_well_until_it_is_ended() {
    let mut installation = started().await;
    let company = Company::connect(&installation).await;
    let checks = examine(&installation);
    for (name, check) in &checks {
        let does_not_apply = name == "suites" || name == "cache" && is_embedded();
        let expected = if does_not_apply { "skipped" } else { "ok" };
        assert_eq!(check["state"], expected, "{check}");
    }
    installation.kill(None);
    if is_embedded() {
        assert_eq!(examine(&installation)["callback reachable"]["state"], "skipped");
    } else {
        assert_only_fails(&installation, "callback reachable", "cannot be reached", "the process runs");
    }
    company.wecom.finish().await;
    installation.finish().await;
}

#[tokio::test]
async fn a_suite_is_well_until_its_newest_ticket_is_lost() {
    let installation = started().await;
    let company = Company::connect(&installation).await;
    let administrator = Administrator::of(&installation);
    administrator.serve_by_suite(&company, &installation.url_of("ingest")).await;
    let checks = examine(&installation);
    assert_eq!(checks["suites"]["state"], "ok", "{checks:?}");
    assert_eq!(checks["suites"]["found"], "suite gets tickets and a token");

    let faults = json!({"api": {"service/get_suite_token": {"errcode": 40085}}});
    let (status, answer) = company.wecom.control(Method::PUT, "/_control/faults", &faults).await;
    assert_eq!(status, 200, "{answer}");
    assert_only_fails(&installation, "suites", "40085", "刷新Ticket");
    installation.finish().await;
    company.wecom.finish().await;
}

/// The configuration of an installation, to be changed and put back.
struct Configuration {
    file: PathBuf,
    text: String,
}

impl Configuration {
    fn of(installation: &Installation) -> Self {
        let file = installation.data().join("scrm.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        Self { file, text }
    }

    /// Replaces something, whatever it was replaced by before.
    fn change(&self, from: &str, to: &str) {
        assert!(self.text.contains(from), "{from} stands in {}", self.text);
        std::fs::write(&self.file, self.text.replace(from, to)).unwrap();
    }

    fn put_back(&self) {
        std::fs::write(&self.file, &self.text).unwrap();
    }
}

fn url_of(database: &Database) -> &str {
    let Database::Postgres { url, .. } = database else { panic!("the distributed shape is on PostgreSQL") };
    url
}

/// The part of an address that names the server.
fn host_of(url: &str) -> &str {
    let (_, rest) = url.rsplit_once('@').unwrap();
    rest.split('/').next().unwrap()
}

#[tokio::test]
async fn servers_that_are_away_or_empty_are_found() {
    if is_embedded() {
        return;
    }
    let installation = Installation::new(std::path::Path::new(crate::PROGRAMS)).await;
    let configuration = Configuration::of(&installation);
    let leads = installation.database_of("leads");
    let url = url_of(&leads);

    configuration.change(url, &url.replace(host_of(url), NOWHERE));
    assert_only_fails(&installation, "database", "refused", "See that PostgreSQL runs");
    let empty = TestDatabase::new("empty").await;
    configuration.change(url, url_of(empty.database()));
    assert_only_fails(&installation, "database", "are still to be made", "scrm migrate");
    empty.finish().await;

    let amqp = scrm_testing::amqp_url();
    configuration.change(&amqp, &amqp.replace(host_of(&amqp), NOWHERE));
    assert_only_fails(&installation, "broker", "refused", "See that RabbitMQ runs");
    configuration.change("broker.prefix = \"", "broker.prefix = \"nobody-");
    assert_only_fails(&installation, "broker", "are missing: nobody-", "scrm migrate");

    let redis = scrm_testing::redis_url();
    configuration.change(host_of(&redis), NOWHERE);
    assert_only_fails(&installation, "cache", "refused", "See that Redis runs");
    configuration.change(&format!("cache.url = \"{redis}\"\n"), "");
    assert_eq!(examine(&installation)["cache"]["state"], "skipped");

    configuration.change("database.connections = 6", "database.connection = 6");
    assert_only_fails(&installation, "configuration", "connection", "Mend");
    configuration.put_back();
    std::fs::remove_file(installation.data().join("keys/installation.keys")).unwrap();
    let configuration = &examine(&installation)["configuration"];
    assert_eq!(configuration["state"], "failed");
    assert!(configuration["found"].as_str().unwrap().contains("installation.keys"), "{configuration}");
    assert!(configuration["remedy"].as_str().unwrap().contains("copy the key file"), "{configuration}");
    installation.finish().await;
}

#[tokio::test]
async fn a_database_whose_clock_is_wrong_is_found() {
    if is_embedded() {
        return; // a file has no clock
    }
    let installation = Installation::new(std::path::Path::new(crate::PROGRAMS)).await;
    assert_eq!(examine(&installation)["clock"]["state"], "ok");
    let leads = installation.database_of("leads");
    let url = url_of(&leads);
    let name = url.rsplit('/').next().unwrap();
    let connection = sea_orm::Database::connect(url).await.unwrap();
    // Whoever asks it from now on hears another time.
    for sql in [
        "CREATE SCHEMA wrong".to_owned(),
        "CREATE FUNCTION wrong.now() RETURNS timestamptz LANGUAGE sql AS \
         $$ SELECT pg_catalog.now() - interval '5 minutes' $$"
            .to_owned(),
        format!("ALTER DATABASE \"{name}\" SET search_path = wrong, pg_catalog, public"),
    ] {
        connection.execute_unprepared(&sql).await.unwrap();
    }
    connection.close().await.unwrap();
    assert_only_fails(&installation, "clock", "the database of leads is 300.", "NTP");
    installation.finish().await;
}
