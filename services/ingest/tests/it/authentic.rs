//! Callbacks that WeCom sent: taken in once, kept, and published.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use scrm_proto::wecom::v1::{ContactAdded, TransferFailed};
use serde_json::{Value, json};

use crate::support::{DEMO, TestIngest, Wecom, added, message_id_of};

#[tokio::test]
async fn the_check_of_an_address_is_echoed_byte_for_byte() {
    let (ingest, wecom) = TestIngest::connected().await;
    let second = ingest.clock.now().timestamp().to_string();
    for echo in [&b"1616140317555161061"[..], b"", b" \xff\x00\r\n", "回声".as_bytes(), b"<xml>&amp;</xml>"]
    {
        // Until base64 has every special character, so that they survive the query string.
        let encrypt = loop {
            let encrypt = wecom.encrypted(echo);
            if encrypt.contains('+') && encrypt.contains('/') {
                break encrypt;
            }
        };
        let query = wecom.query(&second, "263014780", &encrypt);
        let escaped = encrypt.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        for echostr in [&escaped, &encrypt] {
            let path = format!("{DEMO}?{query}&echostr={echostr}");
            let reply = ingest.server.stranger().send(Method::GET, &path, "").await;
            assert_eq!((reply.status, reply.body.as_slice()), (200, echo), "{echostr}");
        }
    }
    assert!(ingest.callbacks("").await.is_empty());
    ingest.finish().await;
}

#[tokio::test]
async fn a_callback_is_answered_listed_and_published() {
    let (ingest, wecom) = TestIngest::connected().await;
    let happened = ingest.clock.now() - Duration::from_secs(2);
    ingest.clock.advance(Duration::from_millis(345));
    let received = ingest.clock.now();
    let message = added("add_external_contact", "LiLei", "wmCustomer1", happened);
    ingest.take(&wecom.callback(received, &message)).await;

    let rows = ingest.processed().await;
    assert_eq!(rows.len(), 1);
    let (signed_at, moment) = ("2026-03-02T01:00:00.000Z", "2026-03-02T01:00:00.345Z");
    let seq = rows[0]["seq"].as_i64().unwrap();
    let expected = serde_json::json!({
        "seq": seq, "app": "demo", "state": "stored", "signed_at": signed_at, "received_at": moment,
        "kind": "contact_added", "processed_at": moment, "problem": null,
    });
    assert_eq!(rows[0], expected);

    let published = ingest.broker.published::<ContactAdded>();
    let [(envelope, event)] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!(envelope.message_id, message_id_of(&message));
    assert_eq!(envelope.kind, "wecom.v1.contact_added");
    assert_eq!((envelope.corp, envelope.key.as_str()), (ingest.corp, "wmCustomer1"));
    assert_eq!(envelope.occurred_at, happened);
    assert_eq!((envelope.received_at, envelope.received_seq), (Some(received), Some(seq)));
    assert_eq!((envelope.attempt, envelope.replay_of), (0, None));
    let expected = ContactAdded {
        corp_id: ingest.corp.to_string(),
        app: "demo".to_owned(),
        user_id: "LiLei".to_owned(),
        external_user_id: "wmCustomer1".to_owned(),
        state: "spring-fair".to_owned(),
        welcome_code: "welcome-code-1".to_owned(),
        half: false,
    };
    assert_eq!(*event, expected);
    ingest.finish().await;
}

#[tokio::test]
async fn a_contact_that_waits_for_the_member_is_published_as_half() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    ingest.take(&wecom.callback(now, added("add_half_external_contact", "LiLei", "wm1", now))).await;
    let rows = ingest.processed().await;
    assert_eq!(rows[0]["kind"], "contact_half_added");
    let published = ingest.broker.published::<ContactAdded>();
    assert!(published.len() == 1 && published[0].1.half, "{published:?}");
    ingest.finish().await;
}

#[tokio::test]
async fn copies_of_a_callback_are_one_row_and_one_event() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let message = added("add_external_contact", "LiLei", "wm1", now);
    let callback = wecom.callback(now, &message);
    tokio::join!(ingest.take(&callback), ingest.take(&callback), ingest.take(&callback));
    ingest.processed().await;

    ingest.take(&callback).await;
    ingest.clock.advance(Duration::from_secs(5));
    let later = ingest.clock.now().timestamp().to_string();
    let anew = wecom.sealed(&later, "another-nonce", &wecom.encrypted(message.as_bytes()));
    assert_ne!(anew.body, callback.body);
    ingest.take(&anew).await;

    assert_eq!(ingest.processed().await.len(), 1);
    assert_eq!(ingest.broker.published::<ContactAdded>().len(), 1);
    ingest.finish().await;
}

#[tokio::test]
async fn a_transfer_that_failed_is_published_with_the_reason() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    for reason in ["customer_refused", "customer_limit_exceed", "something new"] {
        let fail_reason = format!("<FailReason><![CDATA[{reason}]]></FailReason>");
        let message = added("transfer_fail", "LiLei", "wm1", now)
            .replace("<State><![CDATA[spring-fair]]></State>", &fail_reason);
        ingest.take(&wecom.callback(now, message)).await;
    }
    ingest.processed().await;
    let published = ingest.broker.published::<TransferFailed>();
    let told: Vec<_> = published.iter().map(|(_, event)| event.reason.as_str()).collect();
    assert_eq!(told, ["customer_refused", "customer_limit_exceed", "something new"]);
    let event = &published[0].1;
    assert_eq!((event.user_id.as_str(), event.external_user_id.as_str()), ("LiLei", "wm1"));
    assert_eq!((event.app.as_str(), &event.corp_id), ("demo", &ingest.corp.to_string()));
    ingest.finish().await;
}

#[tokio::test]
async fn many_callbacks_at_once_are_all_published_in_the_order_of_their_rows() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let callbacks: Vec<_> = (0..150)
        .map(|customer| {
            wecom.callback(now, added("add_external_contact", "LiLei", &format!("wm{customer}"), now))
        })
        .collect();
    let sent: Vec<_> = callbacks.iter().map(|callback| ingest.take(callback)).collect();
    futures::future::join_all(sent).await;

    assert_eq!(ingest.processed().await.len(), 150);
    let published = ingest.broker.published::<ContactAdded>();
    let order: Vec<_> = published.iter().map(|(envelope, _)| envelope.received_seq).collect();
    assert_eq!(order.len(), 150);
    assert!(order.is_sorted(), "{order:?}");
    ingest.finish().await;
}

/// Starts the service with two apps of the enterprise.
async fn two_apps() -> (TestIngest, Wecom, Wecom) {
    let (ingest, first) = TestIngest::connected().await;
    let second = Wecom::of("second", 2);
    assert_eq!(ingest.connect(&second).await.0, 200);
    (ingest, first, second)
}

#[tokio::test]
async fn each_app_of_an_enterprise_has_a_row_of_its_own() {
    let (ingest, wecom, second) = two_apps().await;
    let now = ingest.clock.now();
    let message = added("add_external_contact", "LiLei", "wm1", now);
    ingest.take(&wecom.callback(now, &message)).await;
    ingest.take(&second.callback(now, &message)).await;
    let apps: Vec<_> = ingest.processed().await.iter().map(|row| row["app"].clone()).collect();
    assert_eq!(apps, ["second", "demo"]);
    ingest.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_with_the_reason() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let nobody = added("add_external_contact", "LiLei", "", now);
    let cases: [(&str, Vec<u8>); 9] = [
        ("document type", b"<!DOCTYPE x [<!ENTITY e \"boom\">]><xml><Event>&e;</Event></xml>".to_vec()),
        ("entity", b"<xml><Event>&e;</Event></xml>".to_vec()),
        ("nested deeper", [b"<xml>".to_vec(), b"<a>".repeat(200_000)].concat()),
        ("nested deeper", [b"{\"x\":".to_vec(), b"[".repeat(200_000)].concat()),
        ("not UTF-8", b"<xml><Event>\xff\xfe</Event></xml>".to_vec()),
        ("neither XML nor JSON", b"garbage".to_vec()),
        ("neither XML nor JSON", Vec::new()),
        ("ExternalUserID", nobody.into_bytes()),
        (
            "another enterprise",
            added("add_external_contact", "LiLei", "wm2", now).replace("c1]", "c2]").into(),
        ),
    ];
    for (_, message) in &cases {
        ingest.take(&wecom.callback(now, message)).await;
    }
    // What comes after them is not held up.
    ingest.take(&wecom.callback(now, added("add_external_contact", "LiLei", "wm1", now))).await;

    let mut rows = ingest.processed().await;
    rows.reverse();
    assert_eq!(rows.len(), cases.len() + 1);
    for ((expected, _), row) in cases.iter().zip(&rows) {
        let problem = row["problem"].as_str().unwrap_or_else(|| panic!("no problem: {row}"));
        assert!(problem.contains(expected), "{problem:?} does not say {expected:?}");
        assert!(row["kind"].is_null() && row["processed_at"].is_null(), "{row}");
    }
    assert_eq!(ingest.broker.published::<ContactAdded>().len(), 1);

    // They are among the dead letters, with what was sent.
    let letters = ingest.letters("").await;
    assert_eq!(letters.len(), cases.len());
    for (((expected, message), row), letter) in cases.iter().zip(&rows).zip(letters.iter().rev()) {
        assert!(letter["reason"].as_str().unwrap().contains(expected), "{letter}");
        assert_eq!((&letter["queue"], &letter["kind"]), (&json!("ingest.callback"), &Value::Null));
        assert_eq!((&letter["state"], &letter["received_at"]), (&json!("waiting"), &row["received_at"]));
        let path = format!("/api/v1/ingest/dead-letters/{}", letter["id"].as_str().unwrap());
        let shown = ingest.admin().get(&path).await.1;
        assert_eq!(STANDARD.decode(shown["body"].as_str().unwrap()).unwrap(), *message);
        let (status, problem) = ingest.admin().post(&format!("{path}/redrive"), &json!({})).await;
        assert_eq!((status, &problem["code"]), (409, &json!("dead_letter_unreadable")), "{problem}");
    }
    ingest.finish().await;
}

#[tokio::test]
async fn what_two_apps_cannot_read_is_two_dead_letters_and_each_is_replayed_alone() {
    let (ingest, wecom, second) = two_apps().await;
    let now = ingest.clock.now();
    ingest.take(&wecom.callback(now, "garbage")).await;
    ingest.take(&second.callback(now, "garbage")).await;
    let rows = ingest.processed().await;
    let states = async || {
        let letters = ingest.letters("queue=ingest.callback").await;
        letters
            .iter()
            .map(|letter| [&letter["state"], &letter["deaths"]].map(Clone::clone))
            .collect::<Vec<_>>()
    };
    assert_eq!(states().await, vec![[json!("waiting"), json!(1)]; 2]);

    let path = format!("/api/v1/ingest/callbacks/{}/replay", rows[0]["seq"]);
    assert_eq!(ingest.admin().post(&path, &json!({})).await.0, 200);
    ingest.processed().await;
    assert_eq!(states().await, [[json!("waiting"), json!(2)], [json!("waiting"), json!(1)]]);
    ingest.finish().await;
}

#[tokio::test]
async fn events_that_no_contract_names_are_kept_and_not_published() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let unknown = "<xml><MsgType>event</MsgType><Event>born_tomorrow</Event></xml>";
    ingest.take(&wecom.callback(now, unknown)).await;
    ingest.take(&wecom.callback(now, added("del_follow_user", "LiLei", "wm1", now))).await;
    let kinds: Vec<_> = ingest.processed().await.iter().map(|row| row["kind"].clone()).collect();
    assert_eq!(kinds, ["contact_deleted_by_customer", "unknown"]);
    assert!(ingest.broker.published::<ContactAdded>().is_empty());
    ingest.finish().await;
}

#[tokio::test]
async fn an_event_from_no_time_that_a_calendar_knows_does_no_harm() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    for time in ["253402300800", "99999999999999999", "-99999999999999999", "-62200000000"] {
        let stamp = format!("<CreateTime>{}</CreateTime>", now.timestamp());
        let message = added("add_external_contact", "LiLei", &format!("wm{time}"), now);
        ingest
            .take(&wecom.callback(now, message.replace(&stamp, &format!("<CreateTime>{time}</CreateTime>"))))
            .await;
    }
    assert_eq!(ingest.processed().await.len(), 4);
    for (envelope, _) in ingest.broker.published::<ContactAdded>() {
        let years = 0..=9999;
        assert!(years.contains(&chrono::Datelike::year(&envelope.occurred_at)), "{envelope:?}");
    }
    ingest.finish().await;
}
