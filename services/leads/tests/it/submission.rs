//! What people left with a lead source becomes leads: one a person, in whatever order it is told.

use scrm_mq::topology::LEADS_SUBMISSION;
use scrm_proto::Envelope;
use scrm_proto::leads::v1::LeadAssigned;
use serde_json::{Value, json};

use crate::form::{Form, GROUP, owner};
use crate::support::{TestLeads, orders};

const WANG: Form = Form {
    phone: "+8613800138000",
    union_id: "",
    customer: "",
    name: "王芳",
    channel: "百度",
    group: Some(GROUP),
};

#[tokio::test]
async fn a_submission_becomes_a_lead_with_an_owner_and_a_reason() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei", "HanMeimei"]).await;
    let told = leads.form(&WANG, 10);
    leads.hear([told.clone(), told.clone(), told]).await;

    let found = leads.all_leads().await;
    let [lead] = found.as_slice() else { panic!("{found:?}") };
    let expected = json!({
        "id": lead["id"],
        "version": 1,
        "external_user_id": null,
        "name": "王芳",
        "owner": {"staff_id": null, "user_id": "LiLei", "name": null},
        "channel": "百度",
        "source": "site",
        "group": "华东",
        "stage": "assigned",
        "received_at": "1970-01-01T00:00:10.000Z",
        "assigned_at": "2026-03-02T01:00:00.000Z",
        "reason": {"code": "round_robin", "text": "轮询分配：「华东」轮到成员 LiLei"},
        "profile": "pending",
        "welcome": {"state": "none", "at": null, "problem": null},
        "followed_up_at": null,
        "transfer": null,
    });
    assert_eq!(*lead, expected);
    let published = leads.broker.published::<LeadAssigned>();
    let [(envelope, event)] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!((event.owner_user_id.as_str(), event.reason.as_str()), ("LiLei", "round_robin"));
    assert_eq!((event.external_user_id.as_str(), event.channel.as_str()), ("", "百度"));
    assert_eq!(envelope.received_seq, Some(10));

    for (query, count) in [
        ("phone=13800138000", 1),
        ("phone=%2B86%20138-0013-8000", 1),
        ("phone=13900139000", 0),
        ("source=site", 1),
        ("source=other", 0),
        ("source=a%00b", 0),
    ] {
        let (status, page) = leads.admin().get(&format!("/api/v1/leads/leads?{query}")).await;
        assert_eq!((status, page["items"].as_array().unwrap().len()), (200, count), "{query}");
    }
    let (status, problem) = leads.admin().get("/api/v1/leads/leads?phone=many").await;
    assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!("phone")));
    leads.finish().await;
}

#[tokio::test]
async fn a_form_without_a_channel_has_its_sources_name() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei"]).await;
    leads.hear([leads.form(&Form { channel: "", ..WANG }, 10)]).await;
    assert_eq!(leads.all_leads().await[0]["channel"], "官网表单");
    leads.finish().await;
}

#[tokio::test]
async fn many_forms_at_once_are_shared_out_as_one_after_the_other() {
    let leads = TestLeads::start().await;
    let members = json!([
        {"user_id": "LiLei", "daily_cap": 20},
        {"user_id": "HanMeimei"},
        {"user_id": "ZhaoMin", "open_cap": 25},
    ]);
    leads.group(GROUP, json!({"strategy": "round_robin", "members": members})).await;
    let of = |number: i64| -> Form {
        let phone: &str = format!("+86139{number:08}").leak();
        Form { phone, ..WANG }
    };
    let mut told: Vec<Envelope> = (0..90).map(|number| leads.form(&of(number), 10 + number)).collect();
    // Ten of them write once more, and one form is told twice.
    told.extend((0..10).map(|number| leads.form(&of(number), 200 + number)));
    told.push(told[50].clone());
    leads.hear(told).await;

    let found = leads.all_leads().await;
    let of_member = |member: &str| found.iter().filter(|lead| owner(lead) == member).count();
    assert_eq!(["LiLei", "HanMeimei", "ZhaoMin"].map(of_member), [20, 45, 25]);
    assert_eq!((found.len(), leads.rows_of("submission").await), (90, 100));
    leads.finish().await;
}

#[tokio::test]
async fn one_phone_is_one_lead_and_its_owner_is_protected() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei", "HanMeimei"]).await;
    leads.hear([leads.form(&WANG, 10)]).await;
    for second in 11..20 {
        leads.hear([leads.form(&Form { name: "王女士", ..WANG }, second)]).await;
    }
    let found = leads.all_leads().await;
    assert_eq!((found.len(), owner(&found[0]), &found[0]["name"]), (1, "LiLei", &json!("王芳")));
    assert_eq!(leads.broker.published::<LeadAssigned>().len(), 1);
    let reasons =
        leads.count("SELECT count(*) AS found FROM submission WHERE reason_code = 'protected'").await;
    assert_eq!(reasons, 9);
    // A repetition takes nobody's turn.
    leads.hear([leads.form(&Form { phone: "+8613800138001", ..WANG }, 30)]).await;
    assert_eq!(owner(&leads.all_leads().await[1]), "HanMeimei");
    leads.finish().await;
}

#[tokio::test]
async fn a_person_is_known_by_any_mark_in_any_order() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei", "HanMeimei"]).await;
    for (number, order) in orders(3).into_iter().enumerate() {
        let phone: &'static str = format!("+861390013900{number}").leak();
        let union_id: &'static str = format!("union-{number}").leak();
        let customer: &'static str = format!("wm{number}").leak();
        let all = Form { phone, union_id, customer, ..WANG };
        let forms =
            [Form { customer: "", ..all.clone() }, all.clone(), Form { phone: "", customer: "", ..all }];
        for index in order {
            leads.hear([leads.form(&forms[index], 10)]).await;
        }
        assert_eq!(leads.all_leads().await.len(), number + 1);
        leads.lead_of(customer).await;
    }
    leads.finish().await;
}

#[tokio::test]
async fn two_customers_who_share_a_phone_are_two_people() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei"]).await;
    for customer in ["wm1", "wm2", "wm1"] {
        leads.hear([leads.form(&Form { customer, ..WANG }, 10)]).await;
    }
    assert_eq!(leads.all_leads().await.len(), 2);
    assert_eq!(leads.owner_of("wm1").await, "LiLei");
    assert_eq!(leads.owner_of("wm2").await, "LiLei");
    leads.finish().await;
}

#[tokio::test]
async fn a_contact_and_a_form_of_one_person_are_one_lead() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei"]).await;
    let form = |customer| Form { customer, phone: "", ..WANG };
    // The form first: its owner keeps the lead.
    leads.hear([leads.form(&form("wm1"), 10)]).await;
    leads.hear([leads.contact("WangFang", "wm1", 20, 1).told()]).await;
    assert_eq!(leads.owner_of("wm1").await, "LiLei");
    // The contact first: she keeps it.
    leads.hear([leads.contact("WangFang", "wm2", 20, 2).told()]).await;
    leads.hear([leads.form(&form("wm2"), 30)]).await;
    let lead = leads.lead_of("wm2").await;
    assert_eq!((owner(&lead), &lead["name"], &lead["source"]), ("WangFang", &json!("王芳"), &json!("site")));
    assert_eq!(lead["reason"]["code"], "added_by_contact");
    assert_eq!(leads.all_leads().await.len(), 2);
    leads.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_submits_32_times_at_once_has_one_lead() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei", "HanMeimei"]).await;
    let told: Vec<Envelope> = (0..32)
        .map(|number| {
            let union_id = if number % 2 == 0 { "union-1" } else { "" };
            leads.form(&Form { union_id, ..WANG }, 10 + number)
        })
        .collect();
    leads.hear(told).await;
    assert_eq!(leads.all_leads().await.len(), 1);
    assert_eq!(leads.count("SELECT count(*) AS found FROM submission").await, 32);
    assert_eq!(leads.broker.published::<LeadAssigned>().len(), 1);
    leads.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_a_dead_letter_and_nothing_personal_is_kept_in_clear() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei"]).await;
    let mut event: scrm_proto::ingest::v1::LeadSubmitted = leads.form(&WANG, 10).open().unwrap();
    event.submission_id = "not-an-id".to_owned();
    leads
        .hear([scrm_testing::envelope_of(leads.corp, leads.clock.now(), &event), leads.form(&WANG, 11)])
        .await;
    let dead = leads.broker.dead_letters(&LEADS_SUBMISSION, 1).await;
    assert!(dead[0].reason.starts_with("submission_id is not a UUID"), "{dead:?}");
    let found: Vec<Value> = leads.all_leads().await;
    assert_eq!(found.len(), 1);
    let sealed = leads.sealed_of("lead", "phone").await;
    assert!(!String::from_utf8_lossy(&sealed).contains("13800138000"));
    let plain = leads.keys.open(leads.corp, "lead.phone", &scrm_kernel::Sealed::from_bytes(sealed)).unwrap();
    assert_eq!(plain, b"+8613800138000");
    leads.finish().await;
}
