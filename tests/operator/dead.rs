//! `scrm dead`: what consumers gave up.

use scrm_kernel::Clock;
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::ContactAdded;
use scrm_testing::{Shape, envelope_of, eventually};
use scrm_tests::{Installation, SERVICES};
use serde_json::Value;

use crate::started;

/// Puts an event that nobody can decode into the queues.
async fn tell_nonsense(installation: &mut Installation) {
    let clock = Clock::system();
    let corps = scrm_ingest::corps(&installation.database_of("ingest"), clock.clone()).await.unwrap();
    let event = ContactAdded { corp_id: corps[0].id.to_string(), ..ContactAdded::default() };
    let nonsense = Envelope { body: vec![0xff; 9].into(), ..envelope_of(corps[0].id, clock.now(), &event) };
    installation.publish(nonsense).await;
}

/// Lists dead letters of every state.
fn listed(installation: &Installation, queue: &str) -> Vec<Value> {
    let (is_done, lines, complaint) =
        installation.scrm(&["dead", "list", "--json", "--state", "all", "--queue", queue]);
    assert!(is_done, "{complaint}");
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until the only letter of a queue has died so often, and waits.
async fn wait_for_death(installation: &Installation, queue: &str, deaths: u64) -> Value {
    eventually(&format!("death {deaths} in {queue}"), async || {
        let letter = listed(installation, queue).pop()?;
        (letter["deaths"] == deaths && letter["state"] == "waiting").then_some(letter)
    })
    .await
}

#[tokio::test]
async fn letters_of_every_service_are_listed_shown_redriven_and_discarded() {
    let mut installation = started().await;
    tell_nonsense(&mut installation).await;
    wait_for_death(&installation, "ingest.profile", 1).await;
    wait_for_death(&installation, "customers.contact", 1).await;
    let letter = wait_for_death(&installation, "leads.contact", 1).await;
    let id = letter["id"].as_str().unwrap();
    assert_eq!(letter["reason"], "body is not a wecom.v1.contact_added");
    let (_, table, _) = installation.scrm(&["dead", "list"]);
    assert!(table[0].starts_with("ID") && table.iter().any(|line| line.starts_with(id)), "{table:?}");
    let (_, table, _) = installation.scrm(&["dead", "list", "--service", "directory"]);
    assert!(table.iter().all(|line| !line.starts_with(id)), "{table:?}");
    let (_, shown, _) = installation.scrm(&["dead", "show", id]);
    // Nine bytes of ones.
    assert!(shown.contains(&"body: ////////////".to_owned()), "{shown:?}");

    let (_, lines, complaint) = installation.scrm(&["dead", "redrive", id]);
    assert_eq!(lines, [format!("{id} is redriving")], "{complaint}");
    wait_for_death(&installation, "leads.contact", 2).await;
    let (_, lines, _) = installation.scrm(&["dead", "redrive", "--queue", "ingest.profile"]);
    assert_eq!(lines, ["1 letters go back into ingest.profile"]);
    wait_for_death(&installation, "ingest.profile", 2).await;

    let (_, lines, complaint) = installation.scrm(&["dead", "discard", id, "--reason", "nonsense"]);
    assert_eq!(lines, [format!("{id} is discarded")], "{complaint}");
    assert_eq!(listed(&installation, "leads.contact")[0]["resolved_by"], "scrm dead");
    let (is_done, _, complaint) = installation.scrm(&["dead", "redrive", id]);
    assert!(!is_done && complaint.contains("is discarded already"), "{complaint}");
    installation.finish().await;
}

#[tokio::test]
async fn a_service_that_does_not_run_is_named() {
    if Shape::chosen() == Shape::Embedded {
        return; // all run, or none
    }
    let mut installation = started().await;
    assert!(SERVICES.contains(&"customers"));
    installation.kill(Some("customers"));
    let (is_done, _, complaint) = installation.scrm(&["dead", "list"]);
    assert!(!is_done && complaint.contains("customers does not answer"), "{complaint}");
    let (is_done, _, complaint) = installation.scrm(&["dead", "list", "--service", "leads"]);
    assert!(is_done, "{complaint}");
    installation.finish().await;
}
