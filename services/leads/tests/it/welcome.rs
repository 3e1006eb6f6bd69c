//! Welcome messages: one per relation, inside 20 seconds, whatever happens on the way.

use std::time::Duration;

use reqwest::Method;
use scrm_kernel::StaffId;
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::{ContactRemoved, CustomerRead, RemovedBy};
use scrm_testing::{envelope_of, eventually};
use serde_json::json;

use crate::support::TestLeads;
use crate::welcome_support::{GREETINGS, Greeted, SEND};

/// Returns what tells the name of a customer.
fn read(greeted: &Greeted, customer: &str, name: &str) -> Envelope {
    let read = CustomerRead {
        corp_id: greeted.leads.corp.to_string(),
        external_user_id: customer.to_owned(),
        name: name.to_owned(),
        ..CustomerRead::default()
    };
    envelope_of(greeted.leads.corp, greeted.leads.clock.now(), &read)
}

#[tokio::test]
async fn a_new_contact_is_greeted_by_name_once_however_often_it_is_told() {
    let greeted = Greeted::start("{customer|您}好，欢迎").await;
    let contact = greeted.arrives("wm-greeted", "code-1", 1).await;
    let read = read(&greeted, "wm-greeted", "小鹿");
    let told = [contact.told(), contact.clone().half().told(), contact.through("other").told(), read];
    greeted.hear(told).await;

    assert_eq!(greeted.outcome_of("wm-greeted").await, "sent");
    let calls = greeted.wecom.calls(SEND);
    let [(body, _)] = calls.as_slice() else { panic!("one call, not {}", calls.len()) };
    assert_eq!(body["text"]["content"], "小鹿好，欢迎");
    let lead = greeted.leads.lead_of("wm-greeted").await;
    assert_eq!((&lead["profile"], &lead["name"]), (&json!("complete"), &json!("小鹿")));
    assert!(lead["welcome"]["at"].is_string(), "{lead}");
    greeted.finish().await;
}

#[tokio::test]
async fn without_a_name_in_time_it_says_its_neutral_words() {
    let greeted = Greeted::start("{customer|您}好").await;
    let contact = greeted.arrives("wm-nameless", "code-1", 1).await;
    greeted.hear([contact.told()]).await;
    assert_eq!(greeted.outcome_of("wm-nameless").await, "sent");
    assert_eq!(greeted.wecom.calls(SEND)[0].0["text"]["content"], "您好");
    let lead = greeted.leads.lead_of("wm-nameless").await;
    assert_eq!(lead["profile"], "pending");

    // Whoever gets the lead sees that the person was greeted.
    let path = format!("/api/v1/leads/leads/{}/reassign", lead["id"].as_str().unwrap());
    let admin = greeted.leads.admin().with_header("if-match", format!("\"{}\"", lead["version"]));
    let heir = greeted.wecom.sandbox.app("demo").unwrap().staff[1].clone();
    let (status, given) = admin.post(&path, &json!({"user_id": heir, "transfer": false})).await;
    assert_eq!((status, &given["owner"]["user_id"]), (200, &json!(heir)), "{given}");
    assert_eq!(greeted.leads.lead_of("wm-nameless").await["welcome"], lead["welcome"]);
    greeted.finish().await;
}

#[tokio::test]
async fn a_message_waits_two_seconds_for_the_name_and_not_longer() {
    let greeted = Greeted::start("{customer|您}好").await;
    let (leads, customers) = (&greeted.leads, ["wm-in-time", "wm-too-late"]);
    for (customer, seq) in customers.into_iter().zip(1..) {
        let contact = greeted.arrives(customer, &format!("code-{seq}"), seq).await;
        leads.broker.publish([contact.told()]).await;
    }
    eventually("both messages are being sent", async || {
        let mut are_claimed = true;
        for customer in customers {
            let found = leads.leads_of(customer).await;
            are_claimed &= found.iter().any(|lead| lead["welcome"]["state"] == "calling");
        }
        are_claimed.then_some(())
    })
    .await;

    leads.clock.advance(Duration::from_millis(1_999));
    leads.broker.publish([read(&greeted, "wm-in-time", "小鹿")]).await;
    assert_eq!(greeted.outcome_of("wm-in-time").await, "sent");
    leads.clock.advance(Duration::from_millis(1));
    assert_eq!(greeted.outcome_of("wm-too-late").await, "sent");
    let said: Vec<_> =
        greeted.wecom.calls(SEND).into_iter().map(|(body, _)| body["text"]["content"].clone()).collect();
    assert_eq!(said, ["小鹿好", "您好"]);
    leads.broker.publish([read(&greeted, "wm-too-late", "小鹿")]).await;
    leads.settled().await;
    assert_eq!(greeted.answers(), [0, 0]);
    greeted.finish().await;
}

#[tokio::test]
async fn a_member_greets_by_name_as_soon_as_it_is_known() {
    let greeted = Greeted::start("我是{staff|您的顾问}").await;
    let first = greeted.arrives("wm-early", "code-1", 1).await;
    greeted.leads.hear([first.told()]).await;
    assert_eq!(greeted.outcome_of("wm-early").await, "sent");
    let staff = StaffId::mint(greeted.leads.clock.now());
    let member = greeted.leads.member(staff, 1, &greeted.member(), "李雷");
    greeted.leads.hear([greeted.leads.told_of(&member)]).await;
    let second = greeted.arrives("wm-late", "code-2", 2).await;
    greeted.leads.hear([second.told()]).await;
    assert_eq!(greeted.outcome_of("wm-late").await, "sent");
    let said: Vec<_> =
        greeted.wecom.calls(SEND).into_iter().map(|(body, _)| body["text"]["content"].clone()).collect();
    assert_eq!(said, ["我是您的顾问", "我是李雷"]);
    greeted.finish().await;
}

#[tokio::test]
async fn contacts_who_parted_are_greeted_when_they_meet_again() {
    let greeted = Greeted::start("您好").await;
    let first = greeted.arrives("wm-returns", "code-1", 1).await;
    greeted.leads.hear([first.told()]).await;
    greeted.leads.clock.advance(Duration::from_mins(1));
    let removed = ContactRemoved {
        corp_id: greeted.leads.corp.to_string(),
        app: "demo".to_owned(),
        user_id: greeted.member().to_uppercase(),
        external_user_id: "wm-returns".to_owned(),
        by: RemovedBy::Customer.into(),
    };
    let removed = envelope_of(greeted.leads.corp, greeted.leads.clock.now(), &removed);
    greeted.leads.hear([removed]).await;
    greeted.leads.clock.advance(Duration::from_mins(1));
    let second = greeted.arrives("wm-returns", "code-2", 3).await;
    greeted.hear([second.told(), first.told(), second.told()]).await;
    assert_eq!(greeted.outcome_of("wm-returns").await, "sent");
    assert_eq!(greeted.answers(), [0, 0]);
    greeted.finish().await;
}

#[tokio::test]
async fn an_unclear_call_is_repeated_and_what_was_delivered_counts_as_sent() {
    let greeted = Greeted::start("您好").await;
    greeted.fault(json!({"close_after_accept": 1.0})).await;
    let contact = greeted.arrives("wm-unclear", "code-1", 1).await;
    greeted.leads.broker.publish([contact.told()]).await;
    // Until the clock is moved nobody tries again.
    eventually("a call whose answer was lost", async || {
        (!greeted.wecom.calls(SEND).is_empty()).then_some(())
    })
    .await;
    greeted.fault(json!({})).await;
    greeted.hear([]).await;
    assert_eq!(greeted.outcome_of("wm-unclear").await, "sent");
    let answers = greeted.answers();
    assert_eq!(answers.first(), Some(&0));
    assert_eq!(answers.iter().filter(|code| **code == 0).count(), 1, "{answers:?}");
    greeted.finish().await;
}

#[tokio::test]
async fn what_wecom_refuses_is_shown_and_not_repeated() {
    let greeted = Greeted::start("您好").await;
    let mut stranger = greeted.leads.contact(&greeted.member(), "wm-stranger", 1_772_413_200, 1);
    "no-such-code".clone_into(&mut stranger.event.welcome_code);
    greeted.leads.hear([stranger.told()]).await;
    assert_eq!(greeted.outcome_of("wm-stranger").await, "refused");
    greeted.leads.hear([stranger.told()]).await;
    assert_eq!(greeted.answers(), [41050]);

    let late = greeted.arrives("wm-late", "code-late", 2).await;
    greeted.leads.clock.advance(Duration::from_secs(21));
    greeted.leads.hear([late.told()]).await;
    assert_eq!(greeted.outcome_of("wm-late").await, "expired");
    assert_eq!(greeted.answers(), [41050], "the 20 seconds were over, so nobody was called");
    greeted.finish().await;
}

#[tokio::test]
async fn the_words_of_a_channel_go_before_the_default_ones() {
    let greeted = Greeted::start("默认").await;
    let admin = greeted.leads.admin();
    let own = json!({
        "text": "欢迎来到春季展",
        "attachments": [
            {"kind": "link", "title": "目录", "description": "全部产品", "url": "https://shop.example/list"},
        ],
    });
    assert_eq!(admin.put(&format!("{GREETINGS}?channel=spring-fair"), &own).await.0, 200);
    let contact = greeted.arrives("wm-fair", "code-1", 1).await;
    greeted.leads.hear([contact.told()]).await;
    assert_eq!(greeted.outcome_of("wm-fair").await, "sent");
    let (body, _) = &greeted.wecom.calls(SEND)[0];
    assert_eq!(body["text"]["content"], "欢迎来到春季展");
    assert_eq!(body["attachments"][0]["link"]["url"], "https://shop.example/list");

    let (status, listed) = admin.get(GREETINGS).await;
    assert_eq!((status, listed["items"].as_array().unwrap().len()), (200, 2), "{listed}");

    // Of two who edit them from one version, one is told that they have changed.
    assert_eq!((&listed["items"][0]["version"], &listed["items"][1]["version"]), (&json!(1), &json!(1)));
    let fair = format!("{GREETINGS}?channel=spring-fair");
    let made_from = |version: i64| admin.clone().with_header("if-match", format!("\"{version}\""));
    assert_eq!(made_from(1).put(&fair, &own).await.1["version"], 2);
    let (status, problem) = made_from(1).put(&fair, &own).await;
    assert_eq!((status, &problem["code"]), (409, &json!("greeting_changed")));
    assert_eq!(made_from(1).send(Method::DELETE, &fair, "").await.status, 409);
    assert_eq!(made_from(1).put(&format!("{GREETINGS}?channel=nowhere"), &own).await.0, 409);

    let removed = made_from(2).send(Method::DELETE, &fair, "").await;
    assert_eq!(removed.status, 204);
    let again = admin.send(Method::DELETE, &format!("{GREETINGS}?channel=spring-fair"), "").await;
    assert_eq!((again.status, &again.json()["code"]), (404, &json!("greeting_not_found")));
    greeted.finish().await;
}

#[tokio::test]
async fn words_that_cannot_be_sent_are_refused_by_field() {
    let leads = TestLeads::start().await;
    let cases = [
        (json!({"text": "{name}好"}), "text"),
        (json!({"text": ""}), "text"),
        (json!({"text": "好".repeat(1400)}), "text"),
        (
            json!({"attachments": [{"kind": "link", "title": "", "url": "https://a.example"}]}),
            "attachments[0].title",
        ),
        (
            json!({"attachments": [{"kind": "link", "title": "a", "url": "javascript:1"}]}),
            "attachments[0].url",
        ),
    ];
    for (body, field) in cases {
        let (status, problem) = leads.admin().put(GREETINGS, &body).await;
        assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!(field)), "{problem}");
    }
    let (status, problem) = leads.admin().put(&format!("{GREETINGS}?channel="), &json!({"text": "好"})).await;
    assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!("channel")), "{problem}");
    assert_eq!(leads.admin().get(GREETINGS).await.1["items"], json!([]));
    leads.finish().await;
}
