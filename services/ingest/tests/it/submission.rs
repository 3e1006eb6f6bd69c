//! Webhooks of other systems: what is taken in, once, and what is refused.

use std::time::Duration;

use futures::future::join_all;
use prost::Message as _;
use scrm_kernel::Sealed;
use scrm_proto::ingest::v1::{LeadSubmitted, LeadSubmittedPersonal, PERSONAL};
use scrm_testing::eventually;
use serde_json::{Value, json};

use crate::support::TestIngest;

const WANG: &str = r#"{"name": "王芳", "phone": "138 0013 8000", "email": "F@x.cn", "region": "上海", "channel": "百度", "budget": 10}"#;

async fn published(ingest: &TestIngest, count: usize) -> Vec<(scrm_proto::Envelope, LeadSubmitted)> {
    eventually("what was submitted is published", async || {
        let found = ingest.broker.published::<LeadSubmitted>();
        (found.len() >= count).then_some(found)
    })
    .await
}

#[tokio::test]
async fn a_signed_submission_is_taken_in_and_told() {
    let ingest = TestIngest::start().await;
    let sender = ingest.sender("site").await;
    let now = ingest.clock.now();
    let id = sender.submit(&sender.hook(now, "order-7", WANG)).await;

    let told = published(&ingest, 1).await;
    let [(envelope, event)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((envelope.message_id.to_string(), &envelope.key), (id.clone(), &id));
    assert_eq!((envelope.occurred_at, envelope.received_at), (now, Some(now)));
    assert_eq!(envelope.kind, "ingest.v1.lead_submitted");
    let personal = Sealed::from_bytes(event.personal.clone());
    let personal = ingest.keys.open(ingest.corp, PERSONAL, &personal).unwrap();
    let personal = LeadSubmittedPersonal::decode(personal.as_slice()).unwrap();
    let expected = LeadSubmittedPersonal {
        phone: "+8613800138000".to_owned(),
        email: "f@x.cn".to_owned(),
        answers: r#"{"budget":10}"#.to_owned(),
    };
    assert_eq!(personal, expected);
    let expected = LeadSubmitted {
        corp_id: ingest.corp.to_string(),
        submission_id: id,
        source: "site".to_owned(),
        source_name: "官网表单".to_owned(),
        group: "华东".to_owned(),
        name: "王芳".to_owned(),
        region: "上海".to_owned(),
        channel: "百度".to_owned(),
        phone_index: ingest.keys.blind_index(ingest.corp, "phone", "+8613800138000").as_bytes().to_vec(),
        personal: event.personal.clone(),
        ..LeadSubmitted::default()
    };
    assert_eq!(*event, expected);
    let body = String::from_utf8_lossy(&envelope.body).into_owned();
    assert!(!body.contains("13800138000") && !body.contains("x.cn"), "personal data travels sealed");
    ingest.finish().await;
}

#[tokio::test]
async fn whoever_cannot_prove_it_gets_one_and_the_same_answer() {
    let ingest = TestIngest::start().await;
    let sender = ingest.sender("site").await;
    let now = ingest.clock.now();
    let good = sender.hook(now, "1", WANG);
    let mut other_body = good.clone();
    other_body.body.push(b' ');
    let header = |name: &str| {
        let found = good.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone()).unwrap()
    };
    let signature = header("X-Scrm-Signature");
    let stranger = ingest.known_sender("nobody", &sender.secret);
    let wrong_secret = ingest.known_sender("site", &"x".repeat(64));
    let cases = [
        (&stranger, good.clone()),
        (&ingest.known_sender("%ff", &sender.secret), good.clone()),
        (&ingest.known_sender("SITE", &sender.secret), good.clone()),
        (&sender, wrong_secret.hook(now, "1", WANG)),
        (&sender, other_body),
        (&sender, good.clone().without("X-Scrm-Signature")),
        (&sender, good.clone().without("X-Scrm-Timestamp")),
        (&sender, good.clone().with("X-Scrm-Signature", &signature.replace("v1=", "v2="))),
        (&sender, good.clone().with("X-Scrm-Signature", "v1=zz")),
        (&sender, good.clone().with("X-Scrm-Signature", &signature[..signature.len() - 2])),
        (&sender, good.clone().with("X-Scrm-Timestamp", &format!("{}0", header("X-Scrm-Timestamp")))),
        (&sender, good.clone().with("X-Scrm-Timestamp", "now")),
        (&sender, sender.hook(now - Duration::from_secs(301), "1", WANG)),
        (&sender, sender.hook(now + Duration::from_secs(301), "1", WANG)),
        // Not even a body that is no JSON shows that the source is there.
        (&sender, wrong_secret.hook(now, "1", "{")),
    ];
    let mut answers = Vec::new();
    for (sender, hook) in cases {
        let reply = sender.send(&hook).await;
        let mut problem = reply.json();
        problem["request_id"] = Value::Null;
        let content_type = reply.headers["content-type"].to_str().unwrap().to_owned();
        answers.push((reply.status, content_type, problem.to_string()));
    }
    assert_eq!((answers[0].0, answers[0].1.as_str()), (401, "application/problem+json"));
    assert!(answers[0].2.contains("not_signed"));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");

    for seconds in [300, 0] {
        sender.submit(&sender.hook(now - Duration::from_secs(seconds), "1", WANG)).await;
        sender.submit(&sender.hook(now + Duration::from_secs(seconds), "1", WANG)).await;
    }
    assert_eq!(published(&ingest, 1).await.len(), 1);
    ingest.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repetitions_in_any_order_are_one_submission() {
    let ingest = TestIngest::start().await;
    let (sender, other) = (ingest.sender("site").await, ingest.sender("landing").await);
    let now = ingest.clock.now();
    let hook = |number: usize| {
        sender.hook(now, &format!("id-{number}"), format!("{{\"phone\": \"1380013{number:04}\"}}"))
    };
    let (sender, hook) = (&sender, &hook);
    // Each of them three times, shuffled and at once.
    let sent = join_all((0..60).map(|index| async move {
        let number = (index * 7) % 20;
        (number, sender.submit(&hook(number)).await)
    }))
    .await;
    for number in 0..20 {
        let ids: Vec<_> = sent.iter().filter(|(sent, _)| *sent == number).map(|(_, id)| id).collect();
        assert_eq!(ids.len(), 3);
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    // The sender's id counts within its source.
    let elsewhere = other.submit(&other.hook(now, "id-0", hook(0).body)).await;
    assert!(sent.iter().all(|(_, id)| *id != elsewhere));
    published(&ingest, 21).await;
    ingest.broker.settled().await;
    assert_eq!(published(&ingest, 21).await.len(), 21);
    ingest.finish().await;
}

#[tokio::test]
async fn the_same_id_with_another_body_is_a_conflict() {
    let ingest = TestIngest::start().await;
    let sender = ingest.sender("site").await;
    let now = ingest.clock.now();
    let first = sender.hook(now, "1", WANG);
    let id = sender.submit(&first).await;
    let reply = sender.send(&sender.hook(now, "1", r#"{"phone": "13900139000"}"#)).await;
    assert_eq!((reply.status, &reply.json()["code"]), (409, &json!("submission_changed")));
    assert_eq!(sender.submit(&first).await, id);
    assert_eq!(published(&ingest, 1).await.len(), 1);
    ingest.finish().await;
}

#[tokio::test]
async fn a_bad_body_is_refused_with_every_field_named_and_nothing_is_stored() {
    let ingest = TestIngest::start().await;
    let mapping =
        json!({"id": "/meta/id", "phone": "/contact/mobile", "email": "/contact/mail", "name": "/who"});
    let form = json!({"name": "展会", "group": "华东", "mapping": mapping});
    let sender = ingest.sender_with("fair", form).await;
    let now = ingest.clock.now();
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(120_000), "]".repeat(120_000));
    let cases: [(&str, &[&str]); 8] = [
        ("{", &["body"]),
        ("[]", &["body"]),
        ("\u{0}", &["body"]),
        (&deep, &["body"]),
        (r#"{"meta": {"id": 1}}"#, &["phone"]),
        (r#"{"contact": {"mobile": "13800138000"}}"#, &["id"]),
        (
            r#"{"meta": {"id": "a b"}, "who": [1], "contact": {"mobile": "1", "mail": "x"}}"#,
            &["id", "name", "phone", "email"],
        ),
        (r#"{"meta": {"id": 1}, "contact": {"mobile": true}}"#, &["phone"]),
    ];
    for (body, expected) in cases {
        let reply = sender.send(&sender.hook(now, "", body).without("X-Scrm-Id")).await;
        let problem = reply.json();
        assert_eq!((reply.status, &problem["code"]), (422, &json!("invalid_request")), "{problem}");
        let named: Vec<_> = problem["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["field"].as_str().unwrap())
            .collect();
        assert_eq!(named, expected, "{problem}");
    }
    for id in ["", " ", "with space", &"x".repeat(201)] {
        let reply = sender.send(&sender.hook(now, id, r#"{"contact": {"mobile": "13800138000"}}"#)).await;
        assert_eq!((reply.status, &reply.json()["fields"][0]["field"]), (422, &json!("id")), "{id:?}");
    }
    // The mapping's id is as good as the header's.
    let good = sender.hook(now, "", r#"{"meta": {"id": 77}, "contact": {"mobile": "13800138000"}}"#);
    let id = sender.submit(&good.clone().without("X-Scrm-Id")).await;
    assert_eq!(sender.submit(&good.with("X-Scrm-Id", "77")).await, id);
    assert_eq!(published(&ingest, 1).await.len(), 1);
    ingest.finish().await;
}

#[tokio::test]
async fn bodies_have_a_greatest_size_and_depth() {
    let ingest = TestIngest::start().await;
    let sender = ingest.sender("site").await;
    let now = ingest.clock.now();
    let filled = |length: usize| {
        let frame = r#"{"phone": "13800138000", "text": ""}"#.len();
        format!(r#"{{"phone": "13800138000", "text": "{}"}}"#, "x".repeat(length - frame))
    };
    sender.submit(&sender.hook(now, "largest", filled(256 * 1024))).await;
    let nested = format!("{{\"phone\":\"13800138000\",\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
    sender.submit(&sender.hook(now, "nested", nested)).await;
    let deepest = format!("{{\"a\":{}", "[".repeat(200_000));
    let too_large = [filled(256 * 1024 + 1), "[".repeat(300_000), "x".repeat(2 * 1024 * 1024)];
    for body in too_large {
        let reply = sender.send(&sender.hook(now, "2", body)).await;
        assert_eq!((reply.status, &reply.json()["code"]), (413, &json!("body_too_large")));
    }
    let reply = sender.send(&sender.hook(now, "2", deepest)).await;
    assert_eq!((reply.status, &reply.json()["fields"][0]["field"]), (422, &json!("body")));
    ingest.finish().await;
}
