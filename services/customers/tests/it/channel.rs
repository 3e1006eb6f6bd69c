//! Customers who come through a channel have its tags.

use scrm_proto::Envelope;
use scrm_proto::leads::v1::ContactChannelled;
use serde_json::{Value, json};

use crate::support::wanted;
use crate::tag_sync::Company;

/// Returns a message that the contact came through a channel, so many seconds from now.
fn arrival(company: &Company, tags: &[&str], from_now: i64) -> Envelope {
    let event = ContactChannelled {
        corp_id: company.customers.corp.to_string(),
        external_user_id: company.person.clone(),
        user_id: company.member.clone(),
        channel_id: "c1".to_owned(),
        channel_name: "Spring fair".to_owned(),
        tag_ids: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    company.customers.event(company.customers.clock.now().timestamp() + from_now, Some(7), &event)
}

fn came(timeline: &[Value]) -> Vec<&Value> {
    timeline.iter().filter(|entry| entry["kind"] == "came_by_channel").map(|entry| &entry["data"]).collect()
}

#[tokio::test]
async fn who_comes_through_a_channel_has_its_tags_in_wecom() {
    let company = Company::start().await;
    let [one, two] = &company.tags[..2] else { panic!("too few tags") };
    company.customers.hear([arrival(&company, &[one, two], -10), arrival(&company, &[one, two], -9)]).await;
    company.synced().await;
    let mut expected = vec![one.clone(), two.clone()];
    expected.sort_unstable();
    assert_eq!(company.in_wecom().await, expected);
    let timeline = company.customers.timeline(&company.person).await;
    assert_eq!(came(&timeline), [&json!({"channel_id": "c1", "channel_name": "Spring fair"})]);
    assert_eq!(company.wecom.calls("externalcontact/mark_tag").len(), 1);

    // Told again after somebody took a tag off.
    company.set(&[one]).await;
    company.synced().await;
    company.customers.hear([arrival(&company, &[one, two], -10)]).await;
    assert_eq!(wanted(&company.relation().await), [one.as_str()]);
    company.finish().await;
}

#[tokio::test]
async fn what_was_decided_after_the_customer_came_stands() {
    let company = Company::start().await;
    let [one, two] = &company.tags[..2] else { panic!("too few tags") };
    company.set(&[one]).await;
    company.synced().await;
    company.set(&[]).await;
    company.synced().await;
    company.customers.hear([arrival(&company, &[one, two], -10)]).await;
    let relation = company.synced().await;
    assert_eq!(wanted(&relation), [two.as_str()]);
    company.finish().await;
}

#[tokio::test]
async fn an_arrival_that_is_told_first_makes_the_customer() {
    let company = Company::start().await;
    let mut event: ContactChannelled = arrival(&company, &[], 0).open().unwrap();
    event.external_user_id = "wm-first".to_owned();
    company.customers.hear([company.customers.event(500, Some(3), &event)]).await;
    company.customers.hear([company.customers.added("wm-first", &company.member, 500, 3)]).await;
    let kinds: Vec<_> = company.customers.told("wm-first").await.into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds, ["added", "came_by_channel"]);
    assert_eq!(company.customers.customer("wm-first").await["state"], "present");
    company.finish().await;
}
