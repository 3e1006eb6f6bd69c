//! The enterprise's tags, and those that readings show.

use serde_json::{Value, json};

use crate::support::{TestCustomers, follower, wanted};

const GROUPS: &str = "/api/v1/customers/tag-groups";

#[tokio::test]
async fn the_newest_reading_of_the_library_counts() {
    let customers = TestCustomers::start().await;
    customers.hear([customers.library(&[("t1", "Gold"), ("t2", "Silver")], 200)]).await;
    customers.hear([customers.library(&[("t1", "Old gold"), ("t3", "Bronze")], 100)]).await;
    let names = async || {
        let (status, groups) = customers.admin().get(GROUPS).await;
        assert_eq!(status, 200, "{groups}");
        let items = groups["items"].as_array().unwrap().clone();
        let tags = items.iter().flat_map(|group| group["tags"].as_array().unwrap().clone());
        tags.map(|tag| tag["name"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(names().await, ["Gold", "Silver"]);
    customers.hear([customers.library(&[("t2", "Silver+")], 300)]).await;
    assert_eq!(names().await, ["Silver+"]);
    customers.hear([customers.library(&[("t1", "Gold"), ("t2", "Silver")], 400)]).await;
    assert_eq!(names().await, ["Gold", "Silver"]);
    let (_, none) =
        customers.server.admin(scrm_kernel::CorpId::mint(customers.clock.now())).get(GROUPS).await;
    assert_eq!(none, json!({"items": [], "next_cursor": null}));
    customers.finish().await;
}

#[tokio::test]
async fn what_members_do_in_wecom_appears_here() {
    let customers = TestCustomers::start().await;
    customers.hear([customers.library(&[("t1", "Gold"), ("t2", "Silver")], 50)]).await;
    let read = |tags: &[&str], at| customers.read("wm1", "Wang", vec![follower("LiLei", 90, tags)], at);
    customers.hear([read(&["t1"], 100)]).await;
    let relation = customers.relation("wm1", "LiLei").await;
    assert_eq!(
        relation["tags"],
        json!([{
            "id": "t1", "name": "Gold", "group_name": "Level", "is_wanted": true, "in_wecom": true,
            "state": "synced", "problem": null
        }])
    );
    customers.hear([read(&["t2", "t9"], 200), read(&["t1"], 150)]).await;
    let relation = customers.relation("wm1", "LiLei").await;
    assert_eq!(wanted(&relation), ["t2", "t9"]);
    assert_eq!((&relation["tags"][1]["name"], &relation["version"]), (&Value::Null, &json!(3)));

    let timeline = customers.timeline("wm1").await;
    let told: Vec<_> = timeline.iter().map(|entry| (&entry["kind"], &entry["data"]["tag_name"])).collect();
    let entry = |kind: &str, name: Value| (json!(kind), name);
    let expected = [
        entry("added", Value::Null),
        entry("untagged", json!("Gold")),
        entry("tagged", json!("Silver")),
        entry("tagged", Value::Null),
    ];
    assert_eq!(told, expected.iter().map(|(kind, name)| (kind, name)).collect::<Vec<_>>());
    customers.finish().await;
}
