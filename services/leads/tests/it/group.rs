//! Routing groups, as an administrator sets them up.

use scrm_kernel::CorpId;
use serde_json::json;

use crate::support::TestLeads;

const EAST: &str = "/api/v1/leads/groups/%E5%8D%8E%E4%B8%9C";

#[tokio::test]
async fn a_group_is_shown_as_it_was_set_up() {
    let leads = TestLeads::start().await;
    let (status, problem) = leads.admin().get(EAST).await;
    assert_eq!((status, &problem["code"]), (404, &json!("group_not_found")));
    let form = json!({"strategy": "weighted", "backup": "Boss", "members": [
        {"user_id": "LiLei", "weight": 3, "daily_cap": 10}, {"user_id": "HanMeimei", "open_cap": 5, "is_active": false},
    ]});
    let shown = json!({
        "name": "华东", "strategy": "weighted", "backup": "Boss", "version": 1,
        "updated_at": "2026-03-02T01:00:00.000Z",
        "members": [
            {"user_id": "LiLei", "weight": 3, "daily_cap": 10, "open_cap": null, "is_active": true,
             "assigned": 0, "assigned_today": 0},
            {"user_id": "HanMeimei", "weight": 1, "daily_cap": null, "open_cap": 5, "is_active": false,
             "assigned": 0, "assigned_today": 0},
        ],
    });
    assert_eq!(leads.admin().put(EAST, &form).await, (200, shown.clone()));
    assert_eq!(leads.admin().get(EAST).await, (200, shown.clone()));
    let (_, listed) = leads.admin().get("/api/v1/leads/groups").await;
    assert_eq!(listed, json!({"items": [shown], "next_cursor": null}));

    let form = json!({"strategy": "round_robin", "members": []});
    let made_from = |version: i64| leads.admin().with_header("if-match", format!("\"{version}\""));
    let (status, problem) = made_from(0).put(EAST, &form).await;
    assert_eq!((status, &problem["code"]), (409, &json!("group_changed")));
    let (status, group) = made_from(1).put(EAST, &form).await;
    assert_eq!((status, &group["version"], &group["members"]), (200, &json!(2), &json!([])));
    leads.finish().await;
}

#[tokio::test]
async fn a_form_is_refused_with_every_field_named() {
    let leads = TestLeads::start().await;
    let form = json!({"strategy": "luck", "backup": "lilei", "members": [
        {"user_id": "LiLei", "weight": 0}, {"user_id": "LILEI", "daily_cap": -1}, {"user_id": "", "open_cap": 100_001},
    ]});
    let (status, problem) = leads.admin().put("/api/v1/leads/groups/a%00b", &form).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_request")));
    let fields: Vec<_> =
        problem["fields"].as_array().unwrap().iter().map(|field| field["field"].as_str().unwrap()).collect();
    let expected = [
        "name",
        "strategy",
        "members[0].weight",
        "members[1].daily_cap",
        "members[1].user_id",
        "members[2].user_id",
        "members[2].open_cap",
        "backup",
    ];
    assert_eq!(fields, expected);
    leads.finish().await;
}

#[tokio::test]
async fn groups_belong_to_their_enterprise() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei"]).await;
    let other = leads.server.admin(CorpId::mint(leads.clock.now()));
    assert_eq!(other.get("/api/v1/leads/groups").await.1["items"], json!([]));
    assert_eq!(other.get(EAST).await.0, 404);
    assert_eq!(leads.server.stranger().get(EAST).await.0, 401);
    assert_eq!(leads.server.stranger().put(EAST, &json!({})).await.0, 401);
    leads.finish().await;
}
