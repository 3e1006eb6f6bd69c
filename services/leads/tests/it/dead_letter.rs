//! What the service gave up, over HTTP: listed, looked at, put back, given up for good, and everything sent again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use scrm_kernel::{CorpId, DeadLetterId};
use scrm_proto::Envelope;
use scrm_proto::leads::v1::LeadAssigned;
use scrm_testing::eventually;
use serde_json::{Value, json};

use crate::support::TestLeads;

pub(crate) const LETTERS: &str = "/api/v1/leads/dead-letters";

/// Publishes a contact that cannot be one, and returns what is kept of it in `leads.contact`.
async fn given_up(leads: &TestLeads) -> (Envelope, Value) {
    let mut contact = leads.contact("LiLei", "wm1", 10, 1);
    contact.event.user_id = String::new();
    let told = contact.told();
    leads.hear([told.clone()]).await;
    let letter = eventually("a dead letter is kept", async || {
        listed(leads, "queue=leads.contact&state=waiting").await.pop()
    })
    .await;
    (told, letter)
}

async fn listed(leads: &TestLeads, query: &str) -> Vec<Value> {
    let (status, page) = leads.admin().get(&format!("{LETTERS}?{query}")).await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().unwrap().clone()
}

fn path_of(letter: &Value) -> String {
    format!("{LETTERS}/{}", letter["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_dead_letter_is_listed_without_its_body_and_shown_with_it() {
    let leads = TestLeads::start().await;
    let (told, letter) = given_up(&leads).await;
    assert_eq!(letter["kind"], told.kind);
    assert_eq!(letter["key"], told.key);
    assert_eq!(letter["message_id"], told.message_id.to_string());
    assert_eq!((&letter["deaths"], &letter["version"]), (&json!(1), &json!(1)));
    assert!(letter["reason"].as_str().unwrap().starts_with("user_id is empty"), "{letter}");
    assert!(letter.get("body").is_none(), "{letter}");

    let reply = leads.admin().send(Method::GET, &path_of(&letter), "").await;
    let shown = reply.json();
    assert_eq!((reply.status, &reply.headers["etag"]), (200, &"\"1\"".parse().unwrap()));
    assert_eq!(STANDARD.decode(shown["body"].as_str().unwrap()).unwrap(), told.body);
    assert_eq!(shown["envelope"]["received_seq"], 1);
    let rest = leads.sealed_of("dead_letter WHERE queue = 'leads.contact'", "body").await;
    assert!(!rest.windows(told.body.len()).any(|window| window == told.body), "the body is sealed at rest");
    leads.finish().await;
}

#[tokio::test]
async fn a_letter_that_is_redriven_in_vain_waits_again_and_one_that_is_discarded_does_not() {
    let leads = TestLeads::start().await;
    let (_, letter) = given_up(&leads).await;
    let path = path_of(&letter);
    let (status, redriven) = leads.admin().post(&format!("{path}/redrive"), &json!({})).await;
    assert_eq!((status, &redriven["state"]), (200, &json!("redriving")), "{redriven}");
    let again = eventually("it died again", async || {
        let (_, letter) = leads.admin().get(&path).await;
        (letter["deaths"] == 2 && letter["state"] == "waiting").then_some(letter)
    })
    .await;
    assert!(again["resolved_by"].is_null(), "{again}");

    let (status, refused) = leads.admin().post(&format!("{path}/discard"), &json!({"reason": " "})).await;
    assert_eq!((status, &refused["code"]), (422, &json!("invalid_request")));
    let reason = json!({"reason": "sent by a test"});
    let (status, discarded) = leads.admin().post(&format!("{path}/discard"), &reason).await;
    assert_eq!((status, &discarded["state"]), (200, &json!("discarded")), "{discarded}");
    assert_eq!(
        (&discarded["resolved_by"], &discarded["resolved_reason"]),
        (&json!("test"), &reason["reason"])
    );
    for (what, body) in [("redrive", json!({})), ("discard", reason)] {
        let (status, refused) = leads.admin().post(&format!("{path}/{what}"), &body).await;
        assert_eq!((status, &refused["code"]), (409, &json!("dead_letter_decided")), "{what}");
    }
    assert!(listed(&leads, "queue=leads.contact&state=waiting").await.is_empty());
    leads.finish().await;
}

#[tokio::test]
async fn a_letter_goes_back_into_the_queue_it_died_in_alone() {
    let leads = TestLeads::start().await;
    let good = leads.contact("LiLei", "wm7", 10, 1).told();
    leads.broker.broker().redrive(&scrm_mq::topology::LEADS_CARD_CLICK, vec![good.clone()]).await;
    let letter =
        eventually("a dead letter is kept", async || listed(&leads, "queue=leads.card_click").await.pop())
            .await;
    assert!(letter["reason"].as_str().unwrap().starts_with("no handler for events of kind"), "{letter}");
    let chosen = json!({"ids": [letter["id"]]});
    let (status, answer) = leads.admin().post(&format!("{LETTERS}/redrive"), &chosen).await;
    assert_eq!((status, answer), (200, json!({"redriven": 1})));
    eventually("it came into its queue alone", async || {
        let (_, letter) = leads.admin().get(&path_of(&letter)).await;
        (letter["deaths"] == 2).then_some(())
    })
    .await;
    assert!(leads.leads_of("wm7").await.is_empty());
    leads.finish().await;
}

#[tokio::test]
async fn many_letters_of_a_queue_are_redriven_together() {
    let leads = TestLeads::start().await;
    let bad = (0..20).map(|number| {
        let mut contact = leads.contact("", &format!("wm{number}"), 10, number);
        contact.event.user_id = String::new();
        contact.told()
    });
    leads.hear(bad).await;
    let waiting = "queue=leads.contact&state=waiting&limit=200";
    eventually("all are kept", async || (listed(&leads, waiting).await.len() == 20).then_some(())).await;
    let queue = json!({"queue": "leads.contact"});
    let (status, answer) = leads.admin().post(&format!("{LETTERS}/redrive"), &queue).await;
    assert_eq!((status, answer), (200, json!({"redriven": 20})));
    eventually("all have died again", async || {
        listed(&leads, waiting).await.iter().filter(|letter| letter["deaths"] == 2).nth(19).map(drop)
    })
    .await;
    for nonsense in [json!({}), json!({"queue": "leads.contact", "ids": []})] {
        let (status, refused) = leads.admin().post(&format!("{LETTERS}/redrive"), &nonsense).await;
        assert_eq!((status, &refused["code"]), (422, &json!("invalid_request")), "{nonsense}");
    }
    leads.finish().await;
}

#[tokio::test]
async fn strangers_and_other_enterprises_see_no_letter() {
    let leads = TestLeads::start().await;
    let (_, letter) = given_up(&leads).await;
    let path = path_of(&letter);
    let other = leads.server.admin(CorpId::mint(leads.clock.now()));
    assert_eq!(other.get(LETTERS).await.1["items"], json!([]));
    assert_eq!(other.get(&path).await.0, 404);
    for what in ["redrive", "discard"] {
        let (status, refused) = other.post(&format!("{path}/{what}"), &json!({"reason": "x"})).await;
        assert_eq!((status, &refused["code"]), (404, &json!("dead_letter_not_found")), "{what}");
        assert_eq!(leads.server.stranger().post(&format!("{path}/{what}"), &json!({})).await.0, 401);
    }
    let (_, none) = other.post(&format!("{LETTERS}/redrive"), &json!({"queue": "leads.contact"})).await;
    assert_eq!(none, json!({"redriven": 0}));
    let unknown = DeadLetterId::mint(leads.clock.now());
    assert_eq!(leads.admin().get(&format!("{LETTERS}/{unknown}")).await.0, 404);
    for (rest, status) in
        [("?state=lost", 422), ("?limit=0", 422), ("?cursor=x", 422), ("?queue=%00", 200), ("/x", 404)]
    {
        assert_eq!(leads.admin().get(&format!("{LETTERS}{rest}")).await.0, status, "{rest}");
    }
    leads.finish().await;
}

#[tokio::test]
async fn what_was_sent_is_sent_again_with_the_same_ids_and_handled_once() {
    let leads = TestLeads::start().await;
    let since = leads.clock.now();
    leads.hear((0..5).map(|number| leads.contact("LiLei", &format!("wm{number}"), 10, number).told())).await;
    let ids = || {
        leads.broker.published::<LeadAssigned>().iter().map(|(told, _)| told.message_id).collect::<Vec<_>>()
    };
    let before = ids();
    assert_eq!(before.len(), 5);

    leads.clock.advance(Duration::from_secs(1));
    let republish = "/api/v1/leads/republish";
    let other = leads.server.admin(CorpId::mint(leads.clock.now()));
    let (_, nothing) = other.post(republish, &json!({"since": since.to_rfc3339()})).await;
    assert_eq!(nothing, json!({"republished": 0}), "it is another enterprise's");
    let (status, answer) = leads.admin().post(republish, &json!({"since": since.to_rfc3339()})).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["republished"].as_u64().unwrap() >= 5, "{answer}");
    leads.settled().await;
    let after = eventually("all are sent again", async || Some(ids()).filter(|ids| ids.len() == 10)).await;
    assert!(before.iter().all(|id| after.iter().filter(|again| *again == id).count() == 2));

    leads.clock.advance(Duration::from_hours(7 * 24));
    let too_old = json!({"since": since.to_rfc3339()});
    let (status, refused) = leads.admin().post(republish, &too_old).await;
    assert_eq!((status, &refused["code"]), (422, &json!("since_too_old")));
    let ahead = json!({"since": (leads.clock.now() + Duration::from_secs(1)).to_rfc3339()});
    let (status, refused) = leads.admin().post(republish, &ahead).await;
    assert_eq!((status, &refused["code"]), (422, &json!("since_not_past")));
    leads.finish().await;
}
