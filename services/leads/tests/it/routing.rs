//! Exact under 64 assigners at once: turns, weights, caps.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use scrm_leads::app::App;
use serde_json::{Value, json};

use crate::form::owner;
use crate::support::TestLeads;

const ASSIGNERS: usize = 64;

/// Captures submissions from 64 tasks at once; they go to `groups` in turn.
async fn submit_at_once(leads: &TestLeads, count: usize, groups: &[&str]) {
    let app: Arc<App> = leads.leads.app();
    let mut tasks = Vec::new();
    for assigner in 0..ASSIGNERS {
        let (app, corp) = (Arc::clone(&app), leads.corp);
        let own: Vec<_> = (assigner..count)
            .step_by(ASSIGNERS)
            .map(|number| leads.submission(number, groups[number % groups.len()]))
            .collect();
        tasks.push(tokio::spawn(async move {
            for submission in own {
                app.capture_submission(corp, &submission).await.unwrap();
            }
        }));
    }
    for task in join_all(tasks).await {
        task.unwrap();
    }
    leads.settled().await;
}

/// Counts leads by owner and, apart from that, by reason.
async fn tally(leads: &TestLeads) -> (HashMap<String, i64>, HashMap<String, i64>) {
    let (mut owners, mut reasons) = (HashMap::new(), HashMap::new());
    for lead in leads.all_leads().await {
        *owners.entry(owner(&lead).to_owned()).or_default() += 1;
        *reasons.entry(lead["reason"]["code"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    (owners, reasons)
}

async fn group_of(leads: &TestLeads, name: &str) -> Value {
    leads.admin().get(&format!("/api/v1/leads/groups/{name}")).await.1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turns_are_even() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["m0", "m1", "m2", "m3", "m4", "m5", "m6"]).await;
    submit_at_once(&leads, 200, &["华东"]).await;
    let (owners, reasons) = tally(&leads).await;
    let (most, least) = (owners.values().max().unwrap(), owners.values().min().unwrap());
    assert!(most - least <= 1 && owners.len() == 7, "{owners:?}");
    assert_eq!(reasons, HashMap::from([("round_robin".to_owned(), 200)]));
    assert_eq!(leads.broker.published::<scrm_proto::leads::v1::LeadAssigned>().len(), 200);
    leads.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_are_kept() {
    let leads = TestLeads::start().await;
    let form = json!({"strategy": "weighted", "members": [
        {"user_id": "one", "weight": 1}, {"user_id": "two", "weight": 2}, {"user_id": "five", "weight": 5},
    ]});
    leads.group("华东", form).await;
    submit_at_once(&leads, 163, &["华东"]).await;
    let (owners, _) = tally(&leads).await;
    for (member, weight) in [("one", 1), ("two", 2), ("five", 5)] {
        let apart = (owners[member] * 8 - 163 * weight).abs();
        assert!(apart <= 8, "{member}: {owners:?}");
    }
    leads.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caps_hold_over_two_groups_and_the_backup_takes_the_rest() {
    let leads = TestLeads::start().await;
    let members = |order: [&str; 3]| -> Vec<Value> {
        let member = |user: &str| match user {
            "daily" => json!({"user_id": user, "daily_cap": 20}),
            "open" => json!({"user_id": user, "open_cap": 15}),
            _ => json!({"user_id": user, "daily_cap": 40, "open_cap": 30}),
        };
        order.into_iter().map(member).collect()
    };
    let first =
        json!({"strategy": "round_robin", "backup": "boss", "members": members(["daily", "open", "both"])});
    let second =
        json!({"strategy": "least_loaded", "backup": "boss", "members": members(["both", "open", "daily"])});
    leads.group("华东", first).await;
    leads.group("华北", second).await;
    submit_at_once(&leads, 192, &["华东", "华北"]).await;
    let (owners, reasons) = tally(&leads).await;
    let expected = [("daily", 20), ("open", 15), ("both", 30), ("boss", 127)];
    assert_eq!(owners, HashMap::from(expected.map(|(user, count)| (user.to_owned(), count))));
    assert_eq!(reasons["backup"], 127);
    let group = group_of(&leads, "华东").await;
    assert_eq!(group["members"][0]["assigned_today"], 20);
    leads.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_loaded_are_levelled_with_what_they_have() {
    let leads = TestLeads::start().await;
    for number in 0..10 {
        leads.hear([leads.contact("busy", &format!("wm{number}"), 10, 1).told()]).await;
    }
    let form = json!({"strategy": "least_loaded", "members": [
        {"user_id": "BUSY"}, {"user_id": "idle"}, {"user_id": "fresh"},
    ]});
    leads.group("华东", form).await;
    submit_at_once(&leads, 65, &["华东"]).await;
    let (owners, _) = tally(&leads).await;
    let busy = owners.get("busy").unwrap() + owners.get("BUSY").unwrap();
    assert_eq!((busy, owners["idle"], owners["fresh"]), (25, 25, 25));
    leads.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_joins_meanwhile_is_not_flooded() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["m0", "m1"]).await;
    submit_at_once(&leads, 64, &["华东"]).await;
    leads.round_robin(&["m0", "m1", "late"]).await;
    for number in 1000..1030 {
        let submission = leads.submission(number, "华东");
        leads.leads.app().capture_submission(leads.corp, &submission).await.unwrap();
    }
    leads.settled().await;
    let (owners, _) = tally(&leads).await;
    assert_eq!((owners["m0"], owners["m1"], owners["late"]), (42, 42, 10));
    leads.finish().await;
}
