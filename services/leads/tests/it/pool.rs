//! Leads that nobody can take wait, and are given out when somebody can.

use std::time::Duration;

use scrm_proto::leads::v1::LeadAssigned;
use scrm_testing::eventually;
use serde_json::json;

use crate::form::{Form, GROUP, owner};
use crate::support::TestLeads;

const PHONES: [&str; 5] =
    ["+8613800138000", "+8613800138001", "+8613800138002", "+8613800138003", "+8613800138004"];

fn form(phone: &'static str) -> Form {
    Form { phone, ..Form::default() }
}

async fn owners(leads: &TestLeads) -> Vec<String> {
    leads.all_leads().await.iter().map(|lead| owner(lead).to_owned()).collect()
}

#[tokio::test]
async fn a_lead_without_a_group_waits_for_it() {
    let leads = TestLeads::start().await;
    leads.hear([leads.form(&form(PHONES[0]), 10)]).await;
    let lead = &leads.all_leads().await[0];
    assert_eq!(
        (&lead["owner"], &lead["assigned_at"], &lead["stage"]),
        (&json!(null), &json!(null), &json!("pool"))
    );
    assert_eq!(lead["reason"]["code"], "no_such_group");
    assert!(leads.broker.published::<LeadAssigned>().is_empty());

    leads.round_robin(&["LiLei"]).await;
    leads.settled().await;
    let lead = &leads.all_leads().await[0];
    assert_eq!((owner(lead), &lead["reason"]["code"]), ("LiLei", &json!("round_robin")));
    let published = leads.broker.published::<LeadAssigned>();
    assert_eq!((published.len(), published[0].0.received_seq), (1, Some(10)));
    leads.finish().await;
}

#[tokio::test]
async fn leads_wait_while_nobody_can_take_them_and_a_change_gives_them_out_oldest_first() {
    let leads = TestLeads::start().await;
    let group = |is_active| {
        json!({"strategy": "round_robin", "members": [
            {"user_id": "LiLei", "is_active": is_active}, {"user_id": "HanMeimei", "is_active": is_active},
        ]})
    };
    leads.group(GROUP, group(false)).await;
    for (second, phone) in (10..).zip(PHONES) {
        leads.hear([leads.form(&form(phone), second)]).await;
    }
    assert_eq!(owners(&leads).await, ["nobody"; 5]);
    assert_eq!(leads.all_leads().await[0]["reason"]["code"], "no_eligible_member");
    // A person who waits and asks again still waits, once.
    leads.hear([leads.form(&form(PHONES[0]), 30)]).await;
    assert_eq!(leads.all_leads().await.len(), 5);

    leads.group(GROUP, group(true)).await;
    assert_eq!(owners(&leads).await, ["LiLei", "HanMeimei", "LiLei", "HanMeimei", "LiLei"]);
    leads.settled().await;
    assert_eq!(leads.broker.published::<LeadAssigned>().len(), 5);
    leads.finish().await;
}

#[tokio::test]
async fn a_new_day_in_shanghai_gives_new_room() {
    let leads = TestLeads::start().await;
    let form_of_group = json!({"strategy": "round_robin", "members": [{"user_id": "LiLei", "daily_cap": 2}]});
    leads.group(GROUP, form_of_group).await;
    for (second, phone) in (10..).zip(PHONES) {
        leads.hear([leads.form(&form(phone), second)]).await;
    }
    assert_eq!(owners(&leads).await, ["LiLei", "LiLei", "nobody", "nobody", "nobody"]);
    // 09:00 in Shanghai: a minute before midnight nothing changes.
    leads.clock.advance(Duration::from_mins(15 * 60 - 1));
    assert_eq!(leads.leads.app().drain_pool().await.unwrap(), 0);
    leads.clock.advance(Duration::from_mins(1));
    eventually("the job gives out what waited", async || {
        (owners(&leads).await == ["LiLei", "LiLei", "LiLei", "LiLei", "nobody"]).then_some(())
    })
    .await;
    let (_, group) = leads.admin().get(&format!("/api/v1/leads/groups/{GROUP}")).await;
    assert_eq!(
        (&group["members"][0]["assigned"], &group["members"][0]["assigned_today"]),
        (&json!(4), &json!(2))
    );
    leads.settled().await;
    leads.finish().await;
}

#[tokio::test]
async fn a_contact_takes_a_lead_out_of_the_pool() {
    let leads = TestLeads::start().await;
    leads.hear([leads.form(&Form { customer: "wm1", ..form(PHONES[0]) }, 10)]).await;
    assert!(leads.lead_of("wm1").await["owner"].is_null());
    leads.hear([leads.contact("LiLei", "wm1", 20, 1).told()]).await;
    assert_eq!(leads.owner_of("wm1").await, "LiLei");
    leads.round_robin(&["HanMeimei"]).await;
    assert_eq!(leads.owner_of("wm1").await, "LiLei");
    assert_eq!(leads.assignments_of("wm1").len(), 1);
    leads.finish().await;
}
