//! Customers over HTTP: finding them, and who may not.

use scrm_customers::app::CustomerFilter;
use scrm_kernel::{CorpId, CustomerId, PageRequest, People, Scope, StaffId};
use scrm_mq::topology::CUSTOMERS_CONTACT;
use scrm_proto::directory::v1::StaffChanged;
use scrm_proto::wecom::v1::{Follower, RemovedBy};
use serde_json::{Value, json};

use crate::support::{CUSTOMERS, TestCustomers, follower};

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
            ..StaffChanged::default()
        };
        customers.event(500, None, &event)
    };
    customers.hear([staff(li, 2, "LiLei"), staff(li, 1, "HanMeimei"), staff(han, 1, "HanMeimei")]).await;

    let app = customers.customers.app();
    let scope = |people: &[StaffId]| Scope {
        corp: customers.corp,
        people: People::Only(people.iter().copied().collect()),
    };
    let list = async |people: &[StaffId]| {
        let (scope, filter) = (scope(people), CustomerFilter::default());
        app.customers(&scope, &filter, &PageRequest::default()).await.unwrap().items
    };
    let seen = list(&[li]).await;
    let people: Vec<_> = seen.iter().map(|view| view.customer.person.as_str()).collect();
    assert_eq!(people, ["wm2", "wm1"]);
    assert!(seen.iter().all(|view| view.relations.len() == 1), "only one's own relations");
    assert_eq!(list(&[li, han]).await.len(), 3);
    assert!(list(&[]).await.is_empty());

    let of_han: CustomerId = customers.customer("wm3").await["id"].as_str().unwrap().parse().unwrap();
    let both: CustomerId = customers.customer("wm2").await["id"].as_str().unwrap().parse().unwrap();
    assert!(app.customer(&scope(&[li]), of_han).await.is_err());
    assert!(app.timeline(&scope(&[li]), of_han, &PageRequest::default()).await.is_err());
    assert_eq!(app.timeline(&scope(&[li]), both, &PageRequest::default()).await.unwrap().items.len(), 1);
    let user = scrm_kernel::WecomUserId::parse("HanMeimei").unwrap();
    assert!(app.set_tags(&scope(&[li]), both, &user, 1, Vec::new()).await.is_err());
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
