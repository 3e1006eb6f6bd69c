//! Channels over HTTP: what is refused, and why.

use reqwest::Method;
use scrm_kernel::CorpId;
use serde_json::{Value, json};

use crate::channel_support::{CHANNELS, Company};

fn named(name: &str, user: &str) -> Value {
    json!({"name": name, "staff": [{"user_id": user}]})
}

#[tokio::test]
async fn a_creation_that_is_sent_again_is_done_once_and_answered_alike() {
    let company = Company::start().await;
    let admin = company.leads.admin().with_header("Idempotency-Key", "first");
    let body = named("Spring fair", &company.staff[0]);
    let (status, first) = admin.post(CHANNELS, &body).await;
    assert_eq!(status, 201, "{first}");
    company.synced(&first).await;
    assert_eq!(admin.post(CHANNELS, &body).await, (201, first));
    let (status, problem) = admin.post(CHANNELS, &named("Autumn fair", &company.staff[0])).await;
    assert_eq!((status, &problem["code"]), (409, &json!("idempotency_key_reused")));
    let (_, page) = company.leads.admin().get(CHANNELS).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    company.finish().await;
}

#[tokio::test]
async fn a_change_from_an_old_version_is_refused() {
    let company = Company::start().await;
    let channel = company.channel(named("Spring fair", &company.staff[0])).await;
    let path = format!("{CHANNELS}/{}", channel["id"].as_str().unwrap());
    let body = named("Autumn fair", &company.staff[1]);
    company.write(&channel, &body).await;
    let old = company.leads.admin().with_header("If-Match", "\"1\"");
    for (status, problem) in [old.put(&path, &body).await, {
        let reply = old.send(Method::DELETE, &path, "").await;
        (reply.status, reply.json())
    }] {
        assert_eq!((status, &problem["code"]), (409, &json!("channel_changed")));
    }
    let (status, problem) = company.leads.admin().put(&path, &body).await;
    assert_eq!((status, &problem["code"]), (428, &json!("precondition_required")));
    let channel = company.synced(&channel).await;
    assert_eq!((&channel["name"], &channel["version"]), (&json!("Autumn fair"), &json!(2)));

    let mut other_state = body;
    other_state["state"] = json!("autumn");
    let now = company.leads.admin().with_header("If-Match", "\"2\"");
    let (status, problem) = now.put(&path, &other_state).await;
    assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!("state")), "{problem}");
    company.finish().await;
}

#[tokio::test]
async fn what_cannot_be_a_channel_is_refused_by_field() {
    let company = Company::start().await;
    let wrong = json!({"name": "", "staff": [{"user_id": "A", "weight": 0, "week": ["9-18"]}]});
    let (status, problem) = company.leads.admin().post(CHANNELS, &wrong).await;
    let fields = problem["fields"].as_array().unwrap().iter().map(|field| field["field"].clone());
    let expected = ["name", "staff[0].weight", "staff[0].week[0]", "staff[0].week"].map(Value::from);
    assert_eq!((status, fields.collect::<Vec<_>>()), (422, expected.to_vec()));

    let mut body = named("Spring fair", &company.staff[0]);
    body["state"] = json!("spring");
    let channel = company.channel(body.clone()).await;
    assert_eq!(channel["state"], "spring");
    let (status, problem) = company.leads.admin().post(CHANNELS, &body).await;
    assert_eq!((status, &problem["code"]), (409, &json!("channel_state_taken")));

    let other = company.leads.server.admin(CorpId::mint(company.leads.clock.now()));
    let path = format!("{CHANNELS}/{}", channel["id"].as_str().unwrap());
    assert_eq!(other.get(&path).await.1["code"], "channel_not_found");
    assert_eq!(other.get(CHANNELS).await.1, json!({"items": [], "next_cursor": null}));
    company.finish().await;
}

#[tokio::test]
async fn a_member_whom_wecom_does_not_know_is_shown_in_its_words_until_it_is_mended() {
    let company = Company::start().await;
    let (_, made) = company.leads.admin().post(CHANNELS, &named("Spring fair", "nobody-here")).await;
    company.leads.settled().await;
    let failed = company.until(&made, "failed").await;
    let problem = failed["sync"]["problem"].as_str().unwrap();
    assert!(problem.starts_with("WeCom refuses: "), "{problem}");
    company.write(&failed, &named("Spring fair", &company.staff[0])).await;
    let channel = company.synced(&made).await;
    assert_eq!(channel["sync"], json!({"state": "synced", "problem": null}));
    company.finish().await;
}

#[tokio::test]
async fn pages_of_channels_follow_each_other_newest_first() {
    let company = Company::start().await;
    for number in 0..3 {
        company.channel(named(&format!("Fair {number}"), &company.staff[number])).await;
    }
    let (_, first) = company.leads.admin().get(&format!("{CHANNELS}?limit=2")).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = company.leads.admin().get(&format!("{CHANNELS}?limit=2&cursor={cursor}")).await;
    let names = |page: &Value| {
        let names = page["items"].as_array().unwrap().iter().map(|channel| channel["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&first), names(&second)),
        (vec![json!("Fair 2"), json!("Fair 1")], vec![json!("Fair 0")])
    );
    assert_eq!(second["next_cursor"], Value::Null);
    let stranger = company.leads.server.stranger();
    assert_eq!(stranger.post(CHANNELS, &json!({})).await.0, 401);
    company.finish().await;
}
