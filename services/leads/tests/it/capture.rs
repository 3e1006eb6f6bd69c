//! A contact becomes a lead: one, however often and in whatever order it is told.

use std::time::Duration;

use scrm_process::Service as _;
use scrm_testing::Shape;
use serde_json::json;

use crate::support::{TestLeads, orders};

#[tokio::test]
async fn a_new_contact_becomes_a_lead_with_an_owner() {
    let leads = TestLeads::start().await;
    let second = leads.clock.now().timestamp();
    leads.clock.advance(Duration::from_millis(789));
    leads.hear([leads.contact("LiLei", "wm1", second, 1).told()]).await;

    let (status, page) = leads.admin().get("/api/v1/leads/leads?external_user_id=wm1").await;
    assert_eq!(status, 200, "{page}");
    let id = page["items"][0]["id"].as_str().unwrap().to_owned();
    let lead = json!({
        "id": id,
        "version": 1,
        "external_user_id": "wm1",
        "name": null,
        "source": null,
        "group": null,
        "owner": {"staff_id": null, "user_id": "LiLei", "name": null},
        "channel": "spring-fair",
        "stage": "assigned",
        "received_at": "2026-03-02T01:00:00.250Z",
        "assigned_at": "2026-03-02T01:00:00.789Z",
        "reason": {"code": "added_by_contact", "text": "客户最先添加了成员 LiLei 为联系人，线索归其所有"},
        "name": null, "profile": "pending",
        "welcome": {"state": "none", "at": null, "problem": null},
        "followed_up_at": null,
        "transfer": null,
        "name": null,
    });
    assert_eq!(page, json!({"items": [lead], "next_cursor": null}));
    assert_eq!(leads.admin().get(&format!("/api/v1/leads/leads/{id}")).await, (200, lead));

    assert!(leads.leads_of("wm2").await.is_empty());
    leads.finish().await;
}

#[tokio::test]
async fn a_contact_without_a_channel_has_none() {
    let leads = TestLeads::start().await;
    let mut contact = leads.contact("LiLei", "wm1", 10, 1);
    contact.event.state.clear();
    leads.hear([contact.told()]).await;
    assert!(leads.lead_of("wm1").await["channel"].is_null());
    leads.finish().await;
}

#[tokio::test]
async fn a_contact_told_many_times_is_one_lead_and_one_touch() {
    let leads = TestLeads::start().await;
    let mut told = Vec::new();
    for customer in ["wm1", "wm2"] {
        let contact = leads.contact("LiLei", customer, 10, 1);
        let message = contact.told();
        told.extend([
            message.clone(),
            message.clone(),
            message,
            contact.told(),
            contact.through("second").told(),
        ]);
    }
    leads.hear(told).await;
    for customer in ["wm1", "wm2"] {
        leads.lead_of(customer).await;
        assert_eq!(leads.touches_of(customer).await, 1);
        assert_eq!(leads.assignments_of(customer).len(), 1);
    }
    leads.finish().await;
}

#[tokio::test]
async fn many_contacts_at_once_are_a_lead_for_each_person() {
    let leads = TestLeads::start().await;
    // Of every fifth person there is a lead already, whose owner is somebody else.
    let known =
        (0..100).step_by(5).map(|number| leads.contact("ZhaoMin", &format!("wm{number}"), 5, 1).told());
    leads.hear(known.collect::<Vec<_>>()).await;
    let mut told = Vec::new();
    for number in 0..100 {
        let customer = format!("wm{number}");
        told.push(leads.contact("LiLei", &customer, 20, 2).told());
        // Some add another member too, the earlier of the two.
        if number % 4 == 0 {
            told.push(leads.contact("HanMeimei", &customer, 10, 3).told());
        }
    }
    leads.hear(told).await;

    assert_eq!(leads.rows_of("lead").await, 100);
    for number in 0..100 {
        let (customer, is_known, has_two) = (format!("wm{number}"), number % 5 == 0, number % 4 == 0);
        let owner = leads.owner_of(&customer).await;
        let expected = if is_known {
            "ZhaoMin"
        } else if has_two {
            "HanMeimei"
        } else {
            "LiLei"
        };
        assert_eq!(owner, expected, "{customer}");
        let touches = 1 + i64::from(is_known) + i64::from(has_two);
        assert_eq!(leads.touches_of(&customer).await, touches, "{customer}");
    }
    leads.finish().await;
}

#[tokio::test]
async fn half_and_whole_contacts_through_two_apps_are_one_touch_in_any_order() {
    let leads = TestLeads::start().await;
    // (seconds of the half and of the whole contact)
    for (half, whole) in [(10, 20), (10, 10)] {
        for order in orders(4) {
            let digits: String = order.iter().map(ToString::to_string).collect();
            let customer = format!("wm-{half}-{whole}-{digits}");
            let contacts = [
                leads.contact("LiLei", &customer, half, 1).half(),
                leads.contact("LiLei", &customer, half, 2).half().through("second"),
                leads.contact("LiLei", &customer, whole, 3),
                leads.contact("LiLei", &customer, whole, 4).through("second"),
            ];
            leads.hear(order.iter().map(|index| contacts[*index].told())).await;
            leads.lead_of(&customer).await;
            assert_eq!(leads.touches_of(&customer).await, 1, "{customer}");
            let assignments = leads.assignments_of(&customer);
            assert_eq!(assignments.len(), 1, "{customer}: {assignments:?}");
        }
    }
    leads.finish().await;
}

#[tokio::test]
async fn another_member_another_channel_or_another_time_is_another_touch() {
    let leads = TestLeads::start().await;
    let first = leads.contact("LiLei", "wm1", 10, 1);
    let mut channel = first.clone();
    channel.event.state = "autumn-fair".to_owned();
    let member = leads.contact("HanMeimei", "wm1", 10, 2);
    let again = leads.contact("LiLei", "wm1", 1000, 3);
    let same_member = leads.contact("LILEI", "wm1", 10, 4);
    leads.hear([first, channel, member, again, same_member].map(|contact| contact.told())).await;
    leads.lead_of("wm1").await;
    assert_eq!(leads.touches_of("wm1").await, 4);
    leads.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_whom_32_publish_at_once_has_one_lead() {
    let leads = TestLeads::start().await;
    let messages: Vec<_> =
        (1..=32).map(|seq| leads.contact(&format!("member{seq}"), "wm1", 10, seq).told()).collect();
    let publish = messages.into_iter().map(|message| leads.broker.publish([message]));
    futures::future::join_all(publish).await;
    leads.settled().await;
    assert_eq!(leads.owner_of("wm1").await, "member1");
    assert_eq!(leads.touches_of("wm1").await, 32);
    leads.finish().await;
}

/// Replicas share a database in the distributed shape only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_that_hear_of_one_person_at_once_make_one_lead_and_one_touch() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let leads = TestLeads::start().await;
    let replica = leads.replica().await;
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for customer in 0..40 {
        let customer = format!("wm{customer}");
        let half = leads.contact("LiLei", &customer, 10, 1).half();
        let whole = leads.contact("LiLei", &customer, 20, 2).through("second");
        one.extend([half.told(), whole.told()]);
        other.extend([whole.told(), half.told()]);
    }
    tokio::join!(leads.broker.publish(one), leads.broker.publish(other));
    leads.settled().await;
    for customer in 0..40 {
        let customer = format!("wm{customer}");
        leads.lead_of(&customer).await;
        assert_eq!(leads.touches_of(&customer).await, 1, "{customer}");
    }
    leads.finish().await;
    replica.close().await.unwrap();
}
