//! Members whose id in WeCom changes stay one member.

use scrm_kernel::StaffId;
use scrm_kernel::access::BuiltIn;
use scrm_mq::topology::CUSTOMERS_STAFF;
use scrm_proto::Envelope;
use scrm_proto::directory::v1::StaffChanged;
use scrm_proto::wecom::v1::{Follower, RemovedBy};
use serde_json::{Value, json};

use crate::support::{TestCustomers, follower, wanted};

impl TestCustomers {
    fn new_member(&self) -> StaffId {
        StaffId::mint(self.clock.now())
    }

    /// Returns what the directory tells of a member.
    fn member(&self, id: StaffId, version: i64, user: &str, former: &[&str]) -> Envelope {
        let event = StaffChanged {
            corp_id: self.corp.to_string(),
            staff_id: id.to_string(),
            version,
            user_id: user.to_owned(),
            former_user_ids: former.iter().map(|user| (*user).to_owned()).collect(),
            ..StaffChanged::default()
        };
        self.event(500, None, &event)
    }

    /// Returns the members who have, or had, a customer as contact.
    async fn members_of(&self, person: &str) -> Vec<Value> {
        let customer = self.customer(person).await;
        customer["relations"].as_array().unwrap().iter().map(|relation| relation["user_id"].clone()).collect()
    }
}

#[tokio::test]
async fn who_has_another_id_has_the_same_customers_and_the_same_past() {
    let customers = TestCustomers::start().await;
    let id = customers.new_member();
    customers.hear([customers.member(id, 1, "LiLei", &[]), customers.library(&[("t1", "Gold")], 90)]).await;
    customers.hear([customers.added("wm1", "LiLei", 100, 1), customers.added("wm2", "LiLei", 100, 2)]).await;
    customers.hear([customers.read("wm1", "Wang", vec![follower("LiLei", 100, &["t1"])], 110)]).await;
    customers.hear([customers.removed("wm2", "LiLei", 200, 3, RemovedBy::Member)]).await;
    let (before, kept) = (customers.customer("wm1").await, customers.relation("wm1", "LiLei").await);

    customers.hear([customers.member(id, 2, "lei.li", &["LiLei"])]).await;
    let relation = customers.relation("wm1", "lei.li").await;
    assert_eq!((&relation["tags"], &relation["added_at"]), (&kept["tags"], &kept["added_at"]));
    let after = customers.customer("wm1").await;
    assert!(after["version"].as_i64() > before["version"].as_i64(), "{after}");
    assert_eq!(customers.members_of("wm2").await, ["lei.li"]);
    let told: Vec<_> =
        customers.told("wm2").await.into_iter().map(|(kind, _, member)| (kind, member)).collect();
    let entry = |kind: &str| (kind.to_owned(), json!("lei.li"));
    assert_eq!(told, [entry("added"), entry("removed_by_member")]);

    // What is told late, or asked for, by the former id means the same member.
    customers.hear([customers.added("wm3", "lilei", 150, 4)]).await;
    customers.hear([customers.read("wm1", "Wang", vec![follower("LILEI", 100, &[])], 120)]).await;
    for person in ["wm1", "wm3"] {
        assert_eq!(customers.members_of(person).await, ["lei.li"], "{person}");
    }
    for user in ["lilei", "lei.li"] {
        assert_eq!(customers.list(&format!("user_id={user}")).await.len(), 2, "{user}");
    }
    assert_eq!(wanted(&customers.relation("wm1", "lei.li").await), Vec::<&str>::new());
    let path = customers.tags_path("wm1", "LiLei").await;
    let version = customers.relation("wm1", "lei.li").await["version"].clone();
    let admin = customers.admin().with_header("If-Match", format!("\"{version}\""));
    let (status, relation) = admin.put(&path, &json!({"tag_ids": ["t1"]})).await;
    assert_eq!((status, &relation["user_id"]), (200, &json!("lei.li")), "{relation}");

    let own = customers.somebody(BuiltIn::Sales, Some(id), &[]);
    let (_, seen) = own.get("/api/v1/customers/customers").await;
    assert_eq!(seen["items"].as_array().unwrap().len(), 2, "one sees what was one's own before");
    customers.finish().await;
}

#[tokio::test]
async fn what_began_under_the_new_id_is_put_together_with_what_was_before() {
    let customers = TestCustomers::start().await;
    let id = customers.new_member();
    let tags = [("t1", "Gold"), ("t2", "Silver"), ("t3", "Bronze")];
    customers.hear([customers.member(id, 1, "LiLei", &[]), customers.library(&tags, 90)]).await;
    customers.hear([customers.added("wm1", "LiLei", 100, 1)]).await;
    customers.hear([customers.read("wm1", "Wang", vec![follower("LiLei", 100, &["t1"])], 110)]).await;
    // The enterprise is not connected to WeCom, so the wish stays one.
    assert_eq!(customers.set_tags("wm1", "LiLei", &["t1", "t2"]).await.0, 200);

    // A reading shows the new id first: they look like two members.
    let renamed = Follower { remark: "Old Wang".to_owned(), ..follower("lei.li", 100, &["t1", "t3"]) };
    customers.hear([customers.read("wm1", "Wang", vec![renamed], 2_000_000_000)]).await;
    assert_eq!(customers.members_of("wm1").await, ["LiLei", "lei.li"]);
    customers.hear([customers.member(id, 2, "lei.li", &["LiLei"])]).await;
    assert_eq!(customers.members_of("wm1").await, ["lei.li"]);
    let relation = customers.relation("wm1", "lei.li").await;
    assert_eq!((&relation["state"], &relation["remark"]), (&json!("present"), &json!("Old Wang")));
    assert_eq!(wanted(&relation), ["t1", "t2", "t3"], "{relation}");
    let kinds: Vec<_> = customers.told("wm1").await.into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "added").count(), 1, "{kinds:?}");

    // Told again, or by an older version, nothing changes.
    let before = customers.customer("wm1").await;
    customers
        .hear([customers.member(id, 2, "lei.li", &["LiLei"]), customers.member(id, 1, "LiLei", &["lei.li"])])
        .await;
    assert_eq!(customers.customer("wm1").await, before);
    customers.finish().await;
}

#[tokio::test]
async fn a_former_id_that_somebody_else_has_means_them() {
    let customers = TestCustomers::start().await;
    let (li, han) = (customers.new_member(), customers.new_member());
    customers.hear([customers.member(li, 1, "sales1", &[])]).await;
    customers.hear([customers.added("wm1", "sales1", 100, 1)]).await;
    customers.hear([customers.member(li, 2, "LiLei", &["sales1"])]).await;
    customers.hear([customers.member(han, 1, "Sales1", &[])]).await;
    customers
        .hear([customers.added("wm1", "sales1", 600, 2), customers.added("wm2", "sales1", 600, 3)])
        .await;
    assert_eq!(customers.members_of("wm1").await, ["LiLei", "sales1"]);
    assert_eq!(customers.members_of("wm2").await, ["sales1"]);

    // She gets an id of her own as well; his relations stay his.
    customers.hear([customers.member(han, 2, "HanMeimei", &["Sales1"])]).await;
    assert_eq!(customers.members_of("wm1").await, ["LiLei", "HanMeimei"]);
    assert_eq!(customers.members_of("wm2").await, ["HanMeimei"]);
    // And back.
    customers.hear([customers.member(han, 3, "Sales1", &["HanMeimei"])]).await;
    assert_eq!(customers.members_of("wm2").await, ["Sales1"]);
    customers.finish().await;
}

#[tokio::test]
async fn a_member_who_cannot_be_one_is_a_dead_letter() {
    let customers = TestCustomers::start().await;
    customers.hear([customers.member(customers.new_member(), 1, "LiLei", &[" "])]).await;
    let dead = customers.broker.dead_letters(&CUSTOMERS_STAFF, 1).await;
    assert_eq!(dead[0].reason, "user_id is empty");
    customers.finish().await;
}
