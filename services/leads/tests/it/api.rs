//! Reading leads over HTTP, and who may.

use reqwest::Method;
use scrm_kernel::{CorpId, LeadId};
use serde_json::json;

use crate::support::TestLeads;

#[tokio::test]
async fn pages_of_leads_follow_each_other_newest_first() {
    let leads = TestLeads::start().await;
    for number in 0..5 {
        leads.hear([leads.contact("LiLei", &format!("wm{number}"), 10 - number, 1).told()]).await;
    }
    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let (status, page) = leads.admin().get(&format!("/api/v1/leads/leads?limit=2{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        for lead in page["items"].as_array().unwrap() {
            found.push(lead["external_user_id"].as_str().unwrap().to_owned());
        }
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((found, pages), (["wm4", "wm3", "wm2", "wm1", "wm0"].map(str::to_owned).to_vec(), 3));
    leads.finish().await;
}

#[tokio::test]
async fn another_enterprise_sees_nothing() {
    let leads = TestLeads::start().await;
    leads.hear([leads.contact("LiLei", "wm1", 10, 1).told()]).await;
    let id = leads.lead_of("wm1").await["id"].as_str().unwrap().to_owned();
    let other = leads.server.admin(CorpId::mint(leads.clock.now()));
    for query in ["", "?external_user_id=wm1"] {
        let (status, page) = other.get(&format!("/api/v1/leads/leads{query}")).await;
        assert_eq!((status, page), (200, json!({"items": [], "next_cursor": null})), "{query}");
    }
    let (status, problem) = other.get(&format!("/api/v1/leads/leads/{id}")).await;
    assert_eq!((status, &problem["code"]), (404, &json!("lead_not_found")));
    let nothing = LeadId::mint(leads.clock.now());
    let (status, same) = leads.admin().get(&format!("/api/v1/leads/leads/{nothing}")).await;
    assert_eq!((status, &same["code"]), (404, &problem["code"]));
    leads.finish().await;
}

#[tokio::test]
async fn one_customer_may_be_a_lead_of_two_enterprises() {
    let leads = TestLeads::start().await;
    let other = CorpId::mint(leads.clock.now());
    let ours = leads.contact("LiLei", "wm1", 10, 1);
    let mut theirs = leads.contact("HanMeimei", "wm1", 5, 2);
    theirs.event.corp_id = other.to_string();
    let theirs = scrm_proto::Envelope { corp: other, ..theirs.told() };
    leads.hear([ours.told(), theirs]).await;
    assert_eq!(leads.owner_of("wm1").await, "LiLei");
    let (_, page) = leads.server.admin(other).get("/api/v1/leads/leads").await;
    assert_eq!(page["items"][0]["owner"]["user_id"], "HanMeimei");
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    leads.finish().await;
}

#[tokio::test]
async fn a_list_refuses_what_it_cannot_mean() {
    let leads = TestLeads::start().await;
    let cases = [
        ("?external_user_id=", 422, "invalid_request"),
        ("?external_user_id=%00", 422, "invalid_request"),
        ("?limit=0", 422, "invalid_request"),
        ("?limit=201", 422, "invalid_request"),
        ("?cursor=x", 422, "bad_cursor"),
        ("?cursor=NQ", 422, "bad_cursor"), // 5
        ("?limit=many", 400, "bad_query"),
        ("?surplus=1", 400, "bad_query"),
        ("/not-an-id", 404, "not_found"),
        ("/%ff", 404, "not_found"),
    ];
    for (rest, status, code) in cases {
        let reply = leads.admin().send(Method::GET, &format!("/api/v1/leads/leads{rest}"), "").await;
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{rest}");
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{rest}");
    }
    leads.finish().await;
}

#[tokio::test]
async fn nothing_is_looked_at_without_a_token() {
    let leads = TestLeads::start().await;
    for path in
        ["/api/v1/leads/leads", "/api/v1/leads/leads?limit=0", "/api/v1/leads/leads/x", "/api/v1/leads/"]
    {
        let (status, problem) = leads.server.stranger().get(path).await;
        assert_eq!((status, &problem["code"]), (401, &json!("unauthenticated")), "{path}");
    }
    leads.finish().await;
}
