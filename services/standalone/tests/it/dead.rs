//! `scrm dead` on a running process.

use std::path::Path;

use scrm_db::{Database, Publish as _};
use scrm_kernel::Clock;
use scrm_mq::Topology;
use scrm_mq::embedded::Embedded;
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::ContactAdded;
use scrm_testing::{envelope_of, eventually};
use serde_json::Value;

use crate::serve::serve;
use crate::support::run;

/// Puts an event that nobody can decode into the queues of a folder that no process uses.
async fn tell_nonsense(data: &Path) {
    let clock = Clock::system();
    let database = Database::File(data.join("db/ingest.sqlite"));
    let corp = scrm_ingest::corps(&database, clock.clone()).await.unwrap()[0].id;
    let event = ContactAdded { corp_id: corp.to_string(), ..ContactAdded::default() };
    let nonsense = Envelope { body: vec![0xff; 9].into(), ..envelope_of(corp, clock.now(), &event) };
    let file = data.join("db/queues.sqlite");
    let queues = Embedded::open(&file, Topology::of_all_services(), clock).await.unwrap();
    assert_eq!(queues.publish(vec![nonsense]).await, [Ok(())]);
    queues.close().await.unwrap();
}

/// Lists dead letters of every state.
fn listed(data: &Path, queue: &str) -> Vec<Value> {
    let arguments = ["dead", "list", "--json", "--state", "all", "--queue", queue];
    let (is_done, lines, complaint) = run(data, &arguments);
    assert!(is_done, "{complaint}");
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until the only letter of a queue has died so often, and waits.
async fn wait_for_death(data: &Path, queue: &str, deaths: u64) -> Value {
    eventually(&format!("death {deaths} in {queue}"), async || {
        let letter = listed(data, queue).pop()?;
        (letter["deaths"] == deaths && letter["state"] == "waiting").then_some(letter)
    })
    .await
}

#[tokio::test]
async fn what_consumers_gave_up_is_listed_shown_redriven_and_discarded() {
    let data = tempfile::tempdir().unwrap();
    serve(data.path()).kill();
    tell_nonsense(data.path()).await;
    let mut process = serve(data.path());

    // One event, given up by a consumer of each service.
    wait_for_death(data.path(), "ingest.profile", 1).await;
    let letter = wait_for_death(data.path(), "leads.contact", 1).await;
    let id = letter["id"].as_str().unwrap();
    assert_eq!(letter["reason"], "body is not a wecom.v1.contact_added");
    let (_, table, _) = run(data.path(), &["dead", "list"]);
    assert!(table[0].starts_with("ID") && table.iter().any(|line| line.starts_with(id)), "{table:?}");
    let (_, shown, _) = run(data.path(), &["dead", "show", id]);
    // Nine bytes of ones.
    assert!(shown.contains(&"body: ////////////".to_owned()), "{shown:?}");

    let (is_done, lines, complaint) = run(data.path(), &["dead", "redrive", id]);
    assert!(is_done, "{complaint}");
    assert_eq!(lines, [format!("{id} is redriving")]);
    wait_for_death(data.path(), "leads.contact", 2).await;
    let (_, lines, _) = run(data.path(), &["dead", "redrive", "--queue", "ingest.profile"]);
    assert_eq!(lines, ["1 letters go back into ingest.profile"]);
    wait_for_death(data.path(), "ingest.profile", 2).await;

    let (is_done, lines, complaint) = run(data.path(), &["dead", "discard", id, "--reason", "nonsense"]);
    assert!(is_done, "{complaint}");
    assert_eq!(lines, [format!("{id} is discarded")]);
    assert_eq!(listed(data.path(), "leads.contact")[0]["resolved_by"], "scrm dead");
    let (is_done, _, complaint) = run(data.path(), &["dead", "redrive", id]);
    assert!(!is_done && complaint.contains("is discarded already"), "{complaint}");
    assert!(process.terminate().success());

    let (is_done, _, complaint) = run(data.path(), &["dead", "list"]);
    assert!(!is_done && complaint.contains("no process uses"), "{complaint}");
}
