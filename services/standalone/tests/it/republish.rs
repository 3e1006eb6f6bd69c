//! `scrm republish` after the storage of the broker was lost.

use scrm_kernel::Clock;
use serde_json::{Value, json};

use crate::demo::{add, quiet_demo};
use crate::support::{Outsider, run, token};

#[tokio::test]
async fn after_the_broker_is_lost_every_lead_is_there_once() {
    let data = tempfile::tempdir().unwrap();
    let since = Clock::system().now().to_rfc3339();
    let mut process = quiet_demo(data.path());
    let outsider = Outsider::new(token(data.path()));
    let customer = |number: i32| format!("wm-{number}");
    let events: Vec<Value> = (0..40).map(|number| add(&customer(number), "zhang")).collect();
    let (status, body) = outsider.post(&process.sandbox_url("/_control/events"), &json!(events)).await;
    assert_eq!(status, 200, "{body}");
    // Some are handled, some are not.
    outsider.leads_of(&process, &customer(0)).await;
    process.kill();
    for file in std::fs::read_dir(data.path().join("db")).unwrap() {
        let file = file.unwrap().path();
        if file.file_name().unwrap().to_str().unwrap().starts_with("queues.sqlite") {
            std::fs::remove_file(file).unwrap();
        }
    }

    let process = quiet_demo(data.path());
    let (is_done, lines, complaint) = run(data.path(), &["republish", "--since", &since]);
    assert!(is_done, "{complaint}");
    assert!(lines.len() == 4 && lines[0].starts_with("ingest: "), "{lines:?}");
    for number in 0..40 {
        assert_eq!(outsider.leads_of(&process, &customer(number)).await.len(), 1);
    }
    let (_, stored) = outsider.get(&process.url("/api/v1/leads/leads?limit=200")).await;
    assert_eq!(stored["items"].as_array().unwrap().len(), 40);

    let (is_done, _, complaint) = run(data.path(), &["republish", "--since", "2020-01-01T00:00:00Z"]);
    assert!(!is_done && complaint.contains("kept for 7 days"), "{complaint}");
}
