//! What the directory tells of members: names of owners, and who cannot take leads.

use std::time::Duration;

use scrm_kernel::StaffId;
use scrm_kernel::access::BuiltIn;
use scrm_mq::topology::LEADS_STAFF;
use scrm_proto::directory::v1::{DepartmentChanged, StaffChanged, StaffState};
use scrm_proto::{Envelope, Event};
use scrm_testing::{Client, envelope_of, eventually};
use serde_json::{Value, json};

use crate::form::{Form, GROUP, owner};
use crate::support::{TestLeads, orders};

impl TestLeads {
    /// Returns what the directory tells of an active member.
    pub(crate) fn member(&self, staff: StaffId, version: i64, user: &str, name: &str) -> StaffChanged {
        StaffChanged {
            corp_id: self.corp.to_string(),
            staff_id: staff.to_string(),
            version,
            user_id: user.to_owned(),
            name: name.to_owned(),
            state: StaffState::Active.into(),
            ..StaffChanged::default()
        }
    }

    pub(crate) fn told_of(&self, event: &impl Event) -> Envelope {
        envelope_of(self.corp, self.clock.now(), event)
    }

    fn new_member(&self) -> StaffId {
        StaffId::mint(self.clock.now())
    }
}

#[tokio::test]
async fn an_owner_has_a_name_as_soon_as_the_member_is_known() {
    let leads = TestLeads::start().await;
    leads.hear([leads.contact("LiLei", "wm1", 10, 1).told()]).await;
    let before = json!({"staff_id": null, "user_id": "LiLei", "name": null});
    assert_eq!(leads.lead_of("wm1").await["owner"], before);

    let id = leads.new_member();
    leads.hear([leads.told_of(&leads.member(id, 1, "lilei", "李雷"))]).await;
    let after = json!({"staff_id": id, "user_id": "LiLei", "name": "李雷"});
    assert_eq!(leads.lead_of("wm1").await["owner"], after);
    let path = "/api/v1/leads/leads?external_user_id=wm1";
    let other = leads.server.admin(scrm_kernel::CorpId::mint(leads.clock.now()));
    assert_eq!(other.get(path).await.1["items"], json!([]));

    // WeCom withholds the name from now on.
    leads.hear([leads.told_of(&leads.member(id, 2, "LiLei", ""))]).await;
    assert_eq!(leads.lead_of("wm1").await["owner"]["name"], Value::Null);
    leads.finish().await;
}

#[tokio::test]
async fn who_sees_only_some_people_sees_their_leads_whatever_their_ids_were() {
    let leads = TestLeads::start().await;
    let (li, han, wei) = (leads.new_member(), leads.new_member(), leads.new_member());
    let contacts = [("LiLei", "wm1"), ("HanMeimei", "wm2"), ("nobody", "wm3"), ("Lily", "wm4")];
    let told =
        contacts.iter().zip(1..).map(|((user, person), at)| leads.contact(user, person, 10, at).told());
    leads.hear(told).await;
    let renamed = |former: &str, member: StaffChanged| StaffChanged {
        former_user_ids: vec![former.to_owned()],
        ..member
    };
    // Li Lei has another id since; Lily had one that Wei has now.
    let members = [
        renamed("lilei", leads.member(li, 2, "leilei", "李雷")),
        renamed("lily", leads.member(han, 2, "hanmeimei", "韩梅梅")),
        leads.member(wei, 1, "lily", "魏华"),
    ];
    leads.hear(members.iter().map(|member| leads.told_of(member))).await;

    let sales = |staff| leads.somebody(BuiltIn::Sales, Some(staff), &[]);
    for (client, expected) in [
        (leads.somebody(BuiltIn::Sales, None, &[]), vec![]),
        (sales(li), vec!["wm1"]),
        (sales(han), vec!["wm2"]),
        (sales(wei), vec!["wm4"]),
        (leads.somebody(BuiltIn::Marketer, None, &[]), vec!["wm1", "wm2", "wm3", "wm4"]),
    ] {
        assert_eq!(seen_by(&client).await, expected);
    }
    let of_han = format!("/api/v1/leads/leads/{}", leads.lead_of("wm2").await["id"].as_str().unwrap());
    assert_eq!((sales(li).get(&of_han).await.0, sales(han).get(&of_han).await.0), (404, 200));
    leads.finish().await;
}

#[tokio::test]
async fn an_owner_is_known_by_a_former_id_unless_somebody_else_has_it() {
    let leads = TestLeads::start().await;
    leads.hear([leads.contact("sales1", "wm1", 10, 1).told()]).await;
    let (lilei, hanmei) = (leads.new_member(), leads.new_member());
    let renamed = StaffChanged {
        former_user_ids: vec!["Sales1".to_owned()],
        ..leads.member(lilei, 2, "LiLei", "李雷")
    };
    leads.hear([leads.told_of(&renamed), leads.told_of(&leads.member(lilei, 1, "sales1", "李雷"))]).await;
    let owner = &leads.lead_of("wm1").await["owner"];
    assert_eq!((&owner["staff_id"], &owner["name"]), (&json!(lilei), &json!("李雷")));

    leads.hear([leads.told_of(&leads.member(hanmei, 1, "sales1", "韩梅梅"))]).await;
    let owner = &leads.lead_of("wm1").await["owner"];
    assert_eq!((&owner["staff_id"], &owner["name"]), (&json!(hanmei), &json!("韩梅梅")));
    leads.finish().await;
}

#[tokio::test]
async fn of_a_member_the_highest_version_counts_in_any_order() {
    let leads = TestLeads::start().await;
    for (number, order) in orders(3).into_iter().enumerate() {
        let (id, user, customer) = (leads.new_member(), format!("user{number}"), format!("wm{number}"));
        leads.hear([leads.contact(&user, &customer, 10, 1).told()]).await;
        let told = [
            leads.member(id, 1, &user, "一"),
            StaffChanged { user_id: String::new(), ..leads.member(id, 2, &user, "二") },
            StaffChanged {
                former_user_ids: vec![user.clone()],
                ..leads.member(id, 3, &format!("{user}x"), "三")
            },
        ];
        leads.hear(order.iter().chain(&order).map(|index| leads.told_of(&told[*index]))).await;
        assert_eq!(leads.lead_of(&customer).await["owner"]["name"], "三", "{order:?}");
    }
    leads.finish().await;
}

#[tokio::test]
async fn who_is_disabled_or_gone_gets_no_leads_and_nobody_else_is_held_up() {
    let leads = TestLeads::start().await;
    let members = json!([{"user_id": "LiLei"}, {"user_id": "HanMeimei"}, {"user_id": "WangGang"}]);
    let group = json!({"strategy": "round_robin", "members": members, "backup": "ZhaoMin"});
    leads.group(GROUP, group).await;
    let away =
        [("LiLei", StaffState::Left), ("WangGang", StaffState::Disabled), ("ZhaoMin", StaffState::Invited)];
    let away = away.map(|(user, state)| {
        let told = leads.member(leads.new_member(), 1, user, user);
        StaffChanged { state: state.into(), ..told }
    });
    leads.hear(away.iter().map(|told| leads.told_of(told))).await;
    let form = |phone| leads.form(&Form { phone, ..Form::default() }, 10);
    leads.hear([form("+8613800138000"), form("+8613800138001")]).await;
    let owners: Vec<_> = leads.all_leads().await.iter().map(|lead| owner(lead).to_owned()).collect();
    // Of her nothing is known.
    assert_eq!(owners, ["HanMeimei", "HanMeimei"]);
    leads.finish().await;
}

#[tokio::test]
async fn a_lead_waits_while_everybody_is_away_and_goes_to_who_comes_back() {
    let leads = TestLeads::start().await;
    leads.round_robin(&["LiLei"]).await;
    let id = leads.new_member();
    let left = StaffChanged { state: StaffState::Left.into(), ..leads.member(id, 1, "LiLei", "李雷") };
    leads.hear([leads.told_of(&left)]).await;
    leads.hear([leads.form(&Form { phone: "+8613800138000", ..Form::default() }, 10)]).await;
    let lead = &leads.all_leads().await[0];
    assert_eq!((&lead["stage"], &lead["reason"]["code"]), (&json!("pool"), &json!("no_eligible_member")));

    leads.hear([leads.told_of(&leads.member(id, 2, "LiLei", "李雷"))]).await;
    eventually("an owner of the lead", async || {
        leads.clock.advance(Duration::from_secs(30));
        let lead = &leads.all_leads().await[0];
        (lead["stage"] == "assigned").then(|| assert_eq!(lead["owner"]["name"], "李雷"))
    })
    .await;
    leads.settled().await;
    leads.finish().await;
}

#[tokio::test]
async fn what_cannot_be_a_member_is_a_dead_letter() {
    let leads = TestLeads::start().await;
    let good = leads.member(leads.new_member(), 1, "LiLei", "李雷");
    let cases = [
        (StaffChanged { staff_id: "1".to_owned(), ..good.clone() }, "staff_id is not a UUID"),
        (StaffChanged { user_id: "x".repeat(65), ..good.clone() }, "user_id has 65 bytes"),
        (StaffChanged { former_user_ids: vec![String::new()], ..good.clone() }, "former_user_ids is empty"),
    ];
    leads.hear(cases.iter().map(|(told, _)| leads.told_of(told))).await;
    let dead = leads.broker.dead_letters(&LEADS_STAFF, cases.len()).await;
    for (_, expected) in cases {
        assert!(dead.iter().any(|letter| letter.reason.starts_with(expected)), "{expected}: {dead:?}");
    }
    leads.finish().await;
}

/// Returns the people of the leads that somebody sees, in order.
async fn seen_by(client: &Client) -> Vec<String> {
    let (status, page) = client.get("/api/v1/leads/leads").await;
    assert_eq!(status, 200, "{page}");
    let people = page["items"].as_array().unwrap().iter();
    let mut people: Vec<_> =
        people.map(|lead| lead["external_user_id"].as_str().unwrap().to_owned()).collect();
    people.sort();
    people
}

#[tokio::test]
async fn a_manager_sees_the_leads_of_the_departments_and_of_those_below_them() {
    let leads = TestLeads::start().await;
    let department = |number: i64, parent: i64, version, removed| DepartmentChanged {
        corp_id: leads.corp.to_string(),
        department_id: number.to_string(),
        version,
        name: format!("部门{number}"),
        parent_id: parent,
        removed,
    };
    // 1 over 2 over 3, and 4 beside them.
    let tree = [(1, 0), (2, 1), (3, 2), (4, 1)].map(|(number, parent)| department(number, parent, 1, false));
    leads.hear(tree.iter().map(|one| leads.told_of(one))).await;
    let mut members = Vec::new();
    for (number, user) in [(2, "lilei"), (3, "hanmeimei"), (4, "weihua")] {
        let member = leads.member(leads.new_member(), 1, user, user);
        members.push(StaffChanged { department_ids: vec![number], ..member });
    }
    leads.hear(members.iter().map(|member| leads.told_of(member))).await;
    let contacts = [("wm2", "lilei"), ("wm3", "hanmeimei"), ("wm4", "weihua")];
    let told =
        contacts.iter().zip(1..).map(|((person, user), at)| leads.contact(user, person, 10, at).told());
    leads.hear(told).await;

    let manager = |own: &[i64]| leads.somebody(BuiltIn::SalesManager, None, own);
    assert_eq!(seen_by(&manager(&[1])).await, ["wm2", "wm3", "wm4"]);
    assert_eq!(seen_by(&manager(&[2])).await, ["wm2", "wm3"]);
    assert_eq!(seen_by(&manager(&[3, 4])).await, ["wm3", "wm4"]);
    assert!(seen_by(&manager(&[])).await.is_empty() && seen_by(&manager(&[9])).await.is_empty());

    // 3 moves below 4; a circle ends; what is gone has nothing below it; an older version changes nothing.
    let moves = [department(3, 4, 3, false), department(3, 2, 2, false), department(1, 3, 2, false)];
    leads.hear(moves.iter().map(|one| leads.told_of(one))).await;
    assert_eq!(seen_by(&manager(&[2])).await, ["wm2"]);
    assert_eq!(seen_by(&manager(&[4])).await, ["wm2", "wm3", "wm4"]);
    leads.hear([leads.told_of(&department(3, 4, 4, true))]).await;
    assert_eq!(seen_by(&manager(&[4])).await, ["wm4"]);
    leads.finish().await;
}
