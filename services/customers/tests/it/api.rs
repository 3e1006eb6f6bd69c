//! Customers over HTTP: finding them, and who may not.

use scrm_kernel::access::BuiltIn;
use scrm_kernel::{CorpId, StaffId};
use scrm_mq::topology::CUSTOMERS_CONTACT;
use scrm_proto::directory::v1::StaffChanged;
use scrm_proto::wecom::v1::{Follower, RemovedBy};
use scrm_testing::Client;
use serde_json::{Value, json};

use crate::support::{CUSTOMERS, TestCustomers, follower};

async fn list(client: &Client) -> Vec<Value> {
    let (status, page) = client.get(CUSTOMERS).await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().unwrap().clone()
}

fn ids(customers: &[Value]) -> Vec<&str> {
    customers.iter().map(|customer| customer["external_user_id"].as_str().unwrap()).collect()
}

/// Three customers: of the first member, of both, and of the second.
async fn three() -> TestCustomers {
    let customers = TestCustomers::start().await;
    let remarked = Follower { remark: "VIP 100%".to_owned(), ..follower("HanMeimei", 90, &["t2"]) };
    let told = [
        customers.read("wm1", "Wang Fang", vec![follower("LiLei", 90, &["t1"])], 100),
        customers.read("wm2", "张伟", vec![follower("LiLei", 90, &["t2"]), remarked], 100),
        customers.read("wm3", "Zhao_Li", vec![follower("hanmeimei", 90, &["t1"])], 100),
    ];
    for one in told {
        customers.hear([one]).await;
    }
    customers
}

#[tokio::test]
async fn customers_are_found_by_name_remark_tag_and_member() {
    let customers = three().await;
    for (query, expected) in [
        ("", vec!["wm3", "wm2", "wm1"]),
        ("q=FANG", vec!["wm1"]),
        ("q=%E4%BC%9F", vec!["wm2"]),
        ("q=100%25", vec!["wm2"]),
        ("q=%25", vec!["wm2"]),
        ("q=_", vec!["wm3"]),
        ("q=%00", vec![]),
        ("tag=t1", vec!["wm3", "wm1"]),
        ("user_id=LILEI", vec!["wm2", "wm1"]),
        ("user_id=HanMeimei&tag=t2", vec!["wm2"]),
        ("user_id=LiLei&tag=t1&q=fang", vec!["wm1"]),
        ("external_user_id=wm3", vec!["wm3"]),
        ("state=gone", vec![]),
    ] {
        assert_eq!(ids(&customers.list(query).await), expected, "{query}");
    }
    customers.hear([customers.removed("wm2", "LiLei", 200, 1, RemovedBy::Member)]).await;
    assert_eq!(ids(&customers.list("user_id=LiLei").await), ["wm1"]);
    for (query, field) in
        [("state=x", "state"), ("user_id=", "user_id"), ("limit=0", "limit"), ("cursor=x", "cursor")]
    {
        let (status, problem) = customers.admin().get(&format!("{CUSTOMERS}?{query}")).await;
        assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!(field)), "{query}");
    }
    customers.finish().await;
}

#[tokio::test]
async fn pages_of_customers_and_of_a_timeline_follow_each_other() {
    let customers = three().await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, page) = customers.admin().get(&format!("{CUSTOMERS}?limit=2{cursor}")).await;
        found.extend(ids(page["items"].as_array().unwrap()).into_iter().map(str::to_owned));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, ["wm3", "wm2", "wm1"]);

    for at in [200, 300, 400] {
        let name = format!("Wang {at}");
        customers.hear([customers.read("wm1", &name, vec![follower("LiLei", 90, &["t1"])], at)]).await;
    }
    let path = format!("{CUSTOMERS}/{}/timeline", customers.customer("wm1").await["id"].as_str().unwrap());
    let (mut kinds, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, page) = customers.admin().get(&format!("{path}?limit=1{cursor}")).await;
        kinds.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(kinds, ["profile_changed", "profile_changed", "profile_changed", "added"]);
    customers.finish().await;
}

#[tokio::test]
async fn who_may_see_only_some_people_sees_only_their_customers() {
    let customers = three().await;
    let (li, han) = (StaffId::mint(customers.clock.now()), StaffId::mint(customers.clock.now()));
    let staff = |id: StaffId, version: i64, user: &str| {
        let event = StaffChanged {
            corp_id: customers.corp.to_string(),
            staff_id: id.to_string(),
            version,
            user_id: user.to_owned(),
            department_ids: vec![2],
            ..StaffChanged::default()
        };
        customers.event(500, None, &event)
    };
    customers.hear([staff(li, 2, "LiLei"), staff(li, 1, "HanMeimei"), staff(han, 1, "HanMeimei")]).await;

    let sales = |staff| customers.somebody(BuiltIn::Sales, Some(staff), &[2]);
    let seen = list(&sales(li)).await;
    let people: Vec<_> = seen.iter().map(|customer| customer["external_user_id"].as_str().unwrap()).collect();
    assert_eq!(people, ["wm2", "wm1"]);
    let relations = |customer: &Value| customer["relations"].as_array().unwrap().len();
    assert!(seen.iter().all(|customer| relations(customer) == 1), "only one's own relations");
    assert_eq!(list(&customers.somebody(BuiltIn::SalesManager, None, &[2])).await.len(), 3);
    assert!(list(&customers.somebody(BuiltIn::SalesManager, None, &[3])).await.is_empty());
    assert!(
        list(&customers.somebody(BuiltIn::Sales, None, &[2])).await.is_empty(),
        "who is nobody has nothing"
    );

    let id_of = async |person: &str| customers.customer(person).await["id"].as_str().unwrap().to_owned();
    let (of_han, both) = (id_of("wm3").await, id_of("wm2").await);
    let path = |id: &str, rest: &str| format!("/api/v1/customers/customers/{id}{rest}");
    for rest in ["", "/timeline"] {
        assert_eq!(sales(li).get(&path(&of_han, rest)).await.0, 404, "{rest}");
        assert_eq!(sales(han).get(&path(&of_han, rest)).await.0, 200, "{rest}");
    }
    assert_eq!(sales(li).get(&path(&both, "/timeline")).await.1["items"].as_array().unwrap().len(), 1);
    let tags = path(&both, "/relations/HanMeimei/tags");
    let (status, _) = sales(li).with_header("If-Match", "\"1\"").put(&tags, &json!({"tag_ids": []})).await;
    assert_eq!(status, 404, "the relation is a colleague's");
    let (status, problem) = customers
        .somebody(BuiltIn::QaReviewer, None, &[2])
        .with_header("If-Match", "\"1\"")
        .put(&tags, &json!({"tag_ids": []}))
        .await;
    assert_eq!((status, &problem["code"]), (403, &json!("not_allowed")));
    customers.finish().await;
}

#[tokio::test]
async fn another_enterprise_and_a_stranger_see_nothing() {
    let customers = three().await;
    let id = customers.customer("wm1").await["id"].as_str().unwrap().to_owned();
    let tags = customers.tags_path("wm1", "LiLei").await;
    let other = customers.server.admin(CorpId::mint(customers.clock.now()));
    assert_eq!(other.get(CUSTOMERS).await.1, json!({"items": [], "next_cursor": null}));
    for path in [format!("{CUSTOMERS}/{id}"), format!("{CUSTOMERS}/{id}/timeline")] {
        assert_eq!(other.get(&path).await.1["code"], "customer_not_found");
        assert_eq!(customers.server.stranger().get(&path).await.0, 401);
    }
    let (status, problem) = other.with_header("If-Match", "\"1\"").put(&tags, &json!({"tag_ids": []})).await;
    assert_eq!((status, &problem["code"]), (404, &json!("customer_not_found")));
    customers.finish().await;
}

#[tokio::test]
async fn what_cannot_be_a_contact_is_a_dead_letter_that_names_the_field() {
    let customers = TestCustomers::start().await;
    customers
        .hear([
            customers.added("wm1", " ", 100, 1),
            customers.added("", "LiLei", 100, 1),
            customers.read("wm2", "a\u{0}b", vec![follower("LiLei", i64::MAX, &["t\u{0}"])], 100),
        ])
        .await;
    let dead = customers.broker.dead_letters(&CUSTOMERS_CONTACT, 2).await;
    let mut reasons: Vec<_> = dead.iter().map(|letter| letter.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["external_user_id is empty", "user_id is empty"]);
    assert_eq!(customers.customer("wm2").await["name"], "ab");
    customers.finish().await;
}
