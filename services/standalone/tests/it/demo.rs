//! `scrm demo`: arrivals become leads, counted from outside.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::process::{Command, Stdio};

use scrm_testing::eventually;
use serde_json::{Value, json};

use crate::support::{Outsider, Process, scrm, token};

/// Runs `scrm demo --once` and returns its last line.
fn once(data: &std::path::Path, leads: u64, speed: &str) -> Value {
    let (leads, data) = (leads.to_string(), data.to_str().unwrap());
    let arguments =
        ["demo", "--port", "0", "--sandbox-port", "0", "--speed", speed, "--data", data, "--once", &leads];
    let output = scrm(&arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn every_arrival_becomes_one_owned_lead_and_a_second_run_goes_on() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let report = once(data.path(), 200, "500");
        assert_eq!(report["callbacks_acknowledged"], 200, "{report}");
        assert_eq!(report["leads_assigned"], 200, "{report}");
        assert_eq!(report["lost"], 0, "{report}");
        assert_eq!(report["doubled"], 0, "{report}");
        assert!(report["first_lead_ms"].is_u64(), "{report}");
        assert_eq!(report["welcomes_sent"], 200, "{report}");
        assert!(report["assign_ms"]["p99"].is_i64(), "{report}");
        assert!(report["welcome_ms"]["p99"].is_i64(), "{report}");
    }
}

#[test]
fn the_first_customer_comes_at_once_however_seldom_they_come() {
    let data = tempfile::tempdir().unwrap();
    // One in about three hours.
    let report = once(data.path(), 1, "0.0001");
    assert_eq!((&report["leads_assigned"], &report["welcomes_sent"]), (&json!(1), &json!(1)), "{report}");
}

#[test]
fn all_of_it_listens_on_this_machine_alone_unless_it_is_told_otherwise() {
    for (told, ip) in [(&[][..], [127, 0, 0, 1]), (&["--listen", "127.0.0.2"], [127, 0, 0, 2])] {
        let data = tempfile::tempdir().unwrap();
        let arguments = ["demo", "--port", "0", "--sandbox-port", "0", "--speed", "0", "--data"];
        let demo = Process::start(&[&arguments, &[data.path().to_str().unwrap()][..], told].concat(), 2);
        let listening = demo.listening();
        assert!(listening.iter().all(|address| address.ip() == IpAddr::from(ip)), "{listening:?}");
        let printed = [demo.url(""), demo.sandbox_url("")];
        assert_eq!(
            listening.iter().map(|address| format!("http://{address}")).collect::<BTreeSet<_>>(),
            printed.into()
        );
    }
}

#[test]
fn each_lead_is_told_in_words_and_plainly_where_nobody_watches() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let arguments =
        ["demo", "--port", "0", "--sandbox-port", "0", "--speed", "500", "--data", data, "--once", "3"];
    let output = scrm(&arguments).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
    assert!(!told.contains('\u{1b}'), "{told}");
    let stories: Vec<&str> = told.lines().filter(|line| line.contains(" → ")).collect();
    assert_eq!(stories.len(), 4, "a head and three stories: {told}");
    for story in &stories[1..] {
        assert!(story.contains("客户最先添加了成员") && story.contains(" ms "), "{told}");
    }
    assert!(told.lines().last().unwrap().starts_with("结束："), "{told}");
}

#[test]
fn who_stops_it_is_told_how_it_went() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let arguments = ["demo", "--port", "0", "--sandbox-port", "0", "--speed", "0", "--data", data];
    let mut demo = scrm(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(demo.stderr.take().unwrap()).lines().map(Result::unwrap);
    let begun: Vec<String> = told.by_ref().take_while(|line| !line.contains("Ctrl-C")).collect();
    assert!(begun.iter().any(|line| line.contains(" token --role admin --data ")), "{begun:?}");
    assert!(Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap().success());
    let ended: Vec<String> = told.collect();
    assert!(demo.wait().unwrap().success(), "{ended:?}");
    assert!(ended.last().unwrap().starts_with("结束："), "{ended:?}");
}

pub(crate) fn quiet_demo(data: &std::path::Path) -> Process {
    let data = data.to_str().unwrap();
    Process::start(&["demo", "--port", "0", "--sandbox-port", "0", "--speed", "0", "--data", data], 2)
}

pub(crate) fn add(customer: &str, member: &str) -> Value {
    json!({
        "app": "demo", "type": "add_external_contact",
        "fields": {"UserID": member, "ExternalUserID": customer, "State": "from-a-test", "WelcomeCode": "code"},
    })
}

#[tokio::test]
async fn a_callback_sent_three_times_shuffled_and_late_is_one_lead_in_the_promised_shape() {
    let data = tempfile::tempdir().unwrap();
    let process = quiet_demo(data.path());
    let outsider = Outsider::new(token(data.path()));
    // A greeting waits for its picture for 3 seconds; that does not have to be the first thing that happens.
    eventually("the picture is in WeCom", async || {
        let (_, calls) = outsider.get(&process.sandbox_url("/_control/calls")).await;
        let is_upload =
            |call: &Value| call["path"].as_str().is_some_and(|path| path.ends_with("/media/upload"));
        calls.as_array()?.iter().any(is_upload).then_some(())
    })
    .await;

    let mut event = add("wm-nobody-knows", "LiLei-Unknown");
    event["times"] = json!(3);
    event["shuffle"] = json!(true);
    event["delay_ms"] = json!(20);
    let (status, body) = outsider.post(&process.sandbox_url("/_control/events"), &event).await;
    assert_eq!(status, 200, "{body}");

    let leads = outsider.leads_of(&process, "wm-nobody-knows").await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    let lead = &leads[0];
    assert_eq!(lead["owner"], json!({"staff_id": null, "user_id": "LiLei-Unknown", "name": null}));
    assert_eq!(lead["channel"], "from-a-test");
    assert_eq!(lead["stage"], "assigned");
    assert_eq!(lead["reason"]["code"], "added_by_contact");
    assert_eq!(lead["profile"], "pending");
    let greeted = eventually("the welcome message is sent", async || {
        let lead = outsider.leads_of(&process, "wm-nobody-knows").await.pop()?;
        (lead["welcome"]["state"] == "sent").then_some(lead)
    })
    .await;
    assert!(greeted["welcome"]["at"].is_string(), "{greeted}");
    let (_, calls) = outsider.get(&process.sandbox_url("/_control/calls")).await;
    let is_welcome =
        |call: &&Value| call["path"].as_str().is_some_and(|path| path.ends_with("/send_welcome_msg"));
    let welcomes: Vec<&Value> = calls.as_array().unwrap().iter().filter(is_welcome).collect();
    assert_eq!(welcomes.len(), 1, "{calls}");
    assert_eq!(welcomes[0]["body"]["attachments"][0]["msgtype"], "image", "{calls}");
    assert_eq!(greeted["welcome"]["problem"], Value::Null, "{greeted}");
    for moment in ["received_at", "assigned_at"] {
        let text = lead[moment].as_str().unwrap();
        assert!(text.ends_with('Z') && text.len() == "2026-01-31T08:00:00.000Z".len(), "{text}");
    }
    let (_, stored) = outsider.get(&process.url("/api/v1/ingest/callbacks?state=stored")).await;
    assert_eq!(stored["items"].as_array().unwrap().len(), 1, "{stored}");
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_a_lead_after_it() {
    let data = tempfile::tempdir().unwrap();
    let mut process = quiet_demo(data.path());
    let token = token(data.path());
    let outsider = Outsider::new(token.clone());

    let events: Vec<Value> = (0..50).map(|n| add(&format!("wm-killed-{n}"), "zhang")).collect();
    let (status, body) = outsider.post(&process.sandbox_url("/_control/events"), &json!(events)).await;
    assert_eq!(status, 200, "{body}");
    assert!(
        body["deliveries"].as_array().unwrap().iter().all(|delivery| delivery["status"] == 200),
        "{body}"
    );
    process.kill();

    let process = quiet_demo(data.path());
    let outsider = Outsider::new(token);
    for n in 0..50 {
        assert_eq!(outsider.leads_of(&process, &format!("wm-killed-{n}")).await.len(), 1);
    }
}
