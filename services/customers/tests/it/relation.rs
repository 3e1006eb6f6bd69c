//! Who has a customer as contact, whatever the order of telling.

use scrm_proto::Envelope;
use scrm_proto::wecom::v1::{Follower, RemovedBy};
use serde_json::{Value, json};

use crate::support::{TestCustomers, follower};

#[tokio::test]
async fn a_contact_makes_a_customer_whom_a_reading_names() {
    let customers = TestCustomers::start().await;
    customers.hear([customers.added("wm1", "LiLei", 100, 1)]).await;
    let customer = customers.customer("wm1").await;
    assert_eq!((&customer["state"], &customer["profile"]), (&json!("present"), &json!("pending")));
    assert_eq!(customer["name"], Value::Null);

    let follower = Follower { remark: "Old Wang".to_owned(), add_way: 1, ..follower("lilei", 99, &[]) };
    customers.hear([customers.read("wm1", "Wang Fang", vec![follower], 105)]).await;
    let customer = customers.customer("wm1").await;
    assert_eq!((&customer["name"], &customer["type"]), (&json!("Wang Fang"), &json!("wechat")));
    let relations = customer["relations"].as_array().unwrap();
    assert_eq!(relations.len(), 1, "{customer}");
    assert_eq!((&relations[0]["user_id"], &relations[0]["remark"]), (&json!("LiLei"), &json!("Old Wang")));

    customers.hear([customers.read("wm1", "Wang", vec![], 101)]).await;
    assert_eq!(customers.customer("wm1").await, customer, "an older reading changes nothing");
    // The event and the reading tell of one contact.
    let told = customers.told("wm1").await;
    assert_eq!(told, [("added".to_owned(), "1970-01-01T00:01:39.000Z".to_owned(), json!("LiLei"))]);
    customers.finish().await;
}

#[tokio::test]
async fn who_is_in_no_reading_any_more_is_no_contact_any_more() {
    let customers = TestCustomers::start().await;
    let both = vec![follower("LiLei", 90, &[]), follower("HanMeimei", 90, &[])];
    customers.hear([customers.read("wm1", "Wang", both, 100)]).await;
    customers.hear([customers.read("wm1", "Wang", vec![follower("LiLei", 90, &[])], 200)]).await;
    let ended = customers.relation("wm1", "HanMeimei").await;
    assert_eq!((&ended["state"], &ended["ended_by"]), (&json!("ended"), &json!("unknown")));
    assert_eq!(customers.relation("wm1", "LiLei").await["state"], "present");

    // Too close to tell which was first.
    customers.hear([customers.added("wm1", "HanMeimei", 300, 1)]).await;
    customers.hear([customers.read("wm1", "Wang", vec![follower("LiLei", 90, &[])], 301)]).await;
    assert_eq!(customers.relation("wm1", "HanMeimei").await["state"], "present");
    customers.finish().await;
}

#[tokio::test]
async fn a_customer_who_deleted_the_member_stays_listed_and_is_no_contact() {
    let customers = TestCustomers::start().await;
    customers.hear([customers.added("wm1", "LiLei", 100, 1)]).await;
    customers.hear([customers.removed("wm1", "LiLei", 200, 2, RemovedBy::Customer)]).await;
    let gone = customers.customer("wm1").await;
    assert_eq!(gone["state"], "gone");
    // WeCom shows the relation to the member as before.
    customers.hear([customers.read("wm1", "Wang", vec![follower("LiLei", 100, &[])], 300)]).await;
    let relation = customers.relation("wm1", "LiLei").await;
    assert_eq!((&relation["state"], &relation["ended_by"]), (&json!("ended"), &json!("customer")));
    assert_eq!(relation["ended_at"], "1970-01-01T00:03:20.000Z");
    // They met again, and the callback was lost.
    customers.hear([customers.read("wm1", "Wang", vec![follower("LiLei", 350, &[])], 400)]).await;
    assert_eq!(customers.relation("wm1", "LiLei").await["state"], "present");
    assert_eq!(customers.customer("wm1").await["state"], "present");
    customers.finish().await;
}

#[tokio::test]
async fn a_customer_who_is_gone_is_a_tombstone_until_somebody_meets_them_again() {
    let customers = TestCustomers::start().await;
    customers.hear([customers.read("wm1", "Wang", vec![follower("LiLei", 90, &[])], 100)]).await;
    customers.hear([customers.gone("wm1", 200)]).await;
    assert!(customers.list("").await.is_empty());
    let gone = customers.list("state=gone").await;
    assert_eq!((gone.len(), &gone[0]["name"]), (1, &json!("Wang")));
    assert_eq!(gone[0]["relations"][0]["state"], "ended");
    customers.hear([customers.gone("wm1", 150)]).await;
    customers.hear([customers.added("wm1", "HanMeimei", 300, 3)]).await;
    let back = customers.customer("wm1").await;
    assert_eq!((&back["state"], &back["id"]), (&json!("present"), &gone[0]["id"]));
    customers.finish().await;
}

/// Everything that happens with one customer, in the order it happens.
fn story(customers: &TestCustomers) -> Vec<Envelope> {
    let (li, han) = (|at| follower("LiLei", at, &["t1"]), |at| follower("HanMeimei", at, &[]));
    vec![
        customers.added("wm1", "LiLei", 100, 1),
        customers.read("wm1", "Wang", vec![li(100)], 110),
        customers.added("wm1", "HanMeimei", 200, 2),
        customers.read("wm1", "Wang Fang", vec![li(100), han(200)], 210),
        customers.removed("wm1", "LiLei", 300, 3, RemovedBy::Member),
        customers.gone("wm1", 305),
        customers.added("wm1", "LiLei", 400, 4),
        customers.removed("wm1", "HanMeimei", 400, 5, RemovedBy::Customer),
        customers.read("wm1", "Fang", vec![li(400), han(200)], 410),
    ]
}

/// Returns what must not depend on the order: all but our ids, times and counts.
async fn outcome(customers: &TestCustomers) -> Value {
    let mut customer = customers.customer("wm1").await;
    for field in ["id", "version", "created_at", "updated_at"] {
        customer.as_object_mut().unwrap().remove(field);
    }
    let relations = customer["relations"].as_array_mut().unwrap();
    relations.sort_by_key(|relation| relation["user_id"].to_string());
    for relation in relations {
        relation.as_object_mut().unwrap().remove("version");
    }
    let mut told = customers.told("wm1").await;
    // What is seen by comparing readings depends on which were compared.
    told.retain(|(kind, ..)| kind != "profile_changed");
    told.sort_by_key(|(kind, at, member)| (at.clone(), kind.clone(), member.to_string()));
    json!({"customer": customer, "told": told})
}

#[tokio::test]
async fn the_order_of_telling_does_not_matter_nor_does_telling_twice() {
    let customers = TestCustomers::start().await;
    customers.hear(story(&customers)).await;
    let expected = outcome(&customers).await;
    assert_eq!(expected["customer"]["name"], "Fang");
    let relations = expected["customer"]["relations"].as_array().unwrap();
    let ends: Vec<_> = relations.iter().map(|relation| &relation["ended_by"]).collect();
    assert_eq!(ends, [&json!("customer"), &Value::Null]);
    customers.finish().await;

    let mut places: Vec<usize> = (0..9).collect();
    for round in 0..12 {
        // Another order each time, and every third event twice.
        places.rotate_left(round % 5 + 1);
        places.swap(round % 9, (round * 7 + 3) % 9);
        let customers = TestCustomers::start().await;
        let told = story(&customers);
        let again = places.iter().filter(|place| *place % 3 == 0).map(|place| told[*place].clone());
        let told = places.iter().map(|place| told[*place].clone()).chain(again.collect::<Vec<_>>());
        for one in told
            .map(|told| Envelope { message_id: scrm_kernel::MessageId::mint(customers.clock.now()), ..told })
        {
            customers.hear([one]).await;
        }
        assert_eq!(outcome(&customers).await, expected, "{places:?}");
        customers.finish().await;
    }
}

#[tokio::test]
async fn many_at_once_are_as_one_after_the_other() {
    let customers = TestCustomers::start().await;
    let person = |number: i64| format!("wm{number}");
    // Some are known before.
    customers.hear((0..8).map(|number| customers.added(&person(number), "HanMeimei", 50, number))).await;

    let added = (0..40).map(|number| customers.added(&person(number), "LiLei", 100, 100 + number));
    customers.hear(added).await;
    let followers = || vec![follower("LiLei", 100, &[]), follower("HanMeimei", 50, &[])];
    let read = |number: i64| customers.read(&person(number), &format!("Name {number}"), followers(), 200);
    // The last ones are unheard of.
    customers.hear((0..44).map(read)).await;

    assert_eq!(customers.list("limit=100").await.len(), 44);
    for number in 0..44 {
        let customer = customers.customer(&person(number)).await;
        assert_eq!(
            (&customer["state"], &customer["name"]),
            (&json!("present"), &json!(format!("Name {number}")))
        );
        assert_eq!(customer["relations"].as_array().unwrap().len(), 2, "{customer}");
        let told = customers.told(&person(number)).await;
        let told: Vec<_> = told.iter().map(|(kind, _, member)| (kind.as_str(), member)).collect();
        assert_eq!(told, [("added", &json!("HanMeimei")), ("added", &json!("LiLei"))]);
    }
    customers.finish().await;
}
