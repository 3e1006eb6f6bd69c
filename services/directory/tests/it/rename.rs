//! Members whose id changes.

use std::collections::BTreeMap;

use scrm_kernel::CorpId;
use scrm_process::Service as _;
use scrm_proto::Envelope;
use scrm_proto::directory::v1::StaffChanged;
use scrm_testing::Shape;
use serde_json::{Value, json};

use crate::support::{TestDirectory, gone, orders, read, renamed};

#[tokio::test]
async fn a_rename_leaves_one_member_in_any_order_and_any_repetition() {
    let directory = TestDirectory::start().await;
    for order in orders(4) {
        let corp = directory.another_corp();
        let heard = [
            read(corp, "LiLei", "李雷", 10),
            renamed(corp, "lilei", "LeiLi", 20),
            gone(corp, "LiLei", 22),
            read(corp, "LeiLi", "李雷", 23),
        ];
        let again = heard.iter().map(|heard| Envelope {
            message_id: scrm_kernel::MessageId::mint(heard.occurred_at),
            ..heard.clone()
        });
        directory.hear(order.iter().map(|index| heard[*index].clone()).chain(again)).await;
        let only = directory.only_of(corp).await;
        let shown = (&only["user_id"], &only["name"], &only["state"]);
        assert_eq!(shown, (&json!("LeiLi"), &json!("李雷"), &json!("active")), "{order:?}");
        let former: Vec<String> = serde_json::from_value(only["former_user_ids"].clone()).unwrap();
        assert_eq!(former.len(), 1, "{order:?}");
        assert!(former[0].eq_ignore_ascii_case("lilei"), "{order:?}");
        is_told_as_shown(&directory, corp, &[only]);
    }
    directory.finish().await;
}

/// Checks that whoever keeps the newest version of everybody told of has what is shown.
fn is_told_as_shown(directory: &TestDirectory, corp: CorpId, shown: &[Value]) {
    let told = directory.told().into_iter().filter(|told| told.corp_id == corp.to_string());
    let mut newest = BTreeMap::<_, StaffChanged>::new();
    // Replicas publish beside each other, so an older version may come later.
    for told in told {
        if newest.get(&told.staff_id).is_none_or(|known| known.version < told.version) {
            newest.insert(told.staff_id.clone(), told);
        }
    }
    let (mut others, mut here): (Vec<_>, Vec<_>) =
        newest.into_values().partition(|told| !told.same_as_staff_id.is_empty());
    here.sort_by(|one, other| one.staff_id.cmp(&other.staff_id));
    let told: Vec<_> =
        here.iter().map(|told| (told.staff_id.as_str(), told.version, told.user_id.as_str())).collect();
    let shown: Vec<_> = shown
        .iter()
        .map(|one| {
            (
                one["id"].as_str().unwrap(),
                one["version"].as_i64().unwrap(),
                one["user_id"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(told, shown);
    others.retain(|told| here.iter().all(|one| one.staff_id != told.same_as_staff_id));
    assert!(others.is_empty(), "{others:?} are like nobody");
}

#[tokio::test]
async fn a_late_rename_joins_two_members_and_says_so() {
    let directory = TestDirectory::start().await;
    let corp = directory.corp;
    directory.hear([read(corp, "LeiLi", "李雷", 23)]).await;
    directory.hear([read(corp, "LiLei", "李雷", 10)]).await;
    let ids: Vec<Value> = directory.staff().await.into_iter().map(|one| one["id"].clone()).collect();
    directory.hear([renamed(corp, "LiLei", "LeiLi", 20)]).await;

    let only = directory.only_of(corp).await;
    assert_eq!((&only["id"], &only["user_id"]), (&ids[0], &json!("LeiLi")));
    let path = format!("/api/v1/directory/staff/{}", ids[1].as_str().unwrap());
    let (status, other) = directory.admin().get(&path).await;
    assert_eq!((status, &other["state"], &other["same_as"]), (200, &json!("left"), &ids[0]));
    assert_eq!(other["user_id"], Value::Null);
    let told = directory.told().into_iter().find(|told| !told.same_as_staff_id.is_empty()).unwrap();
    assert_eq!(
        (json!(told.staff_id), json!(told.same_as_staff_id), told.user_id.as_str()),
        (ids[1].clone(), ids[0].clone(), "")
    );
    directory.finish().await;
}

#[tokio::test]
async fn a_former_id_may_become_somebody_elses() {
    let directory = TestDirectory::start().await;
    for order in orders(4) {
        let corp = directory.another_corp();
        let heard = [
            read(corp, "sales1", "李雷", 10),
            renamed(corp, "sales1", "LiLei", 20),
            read(corp, "LiLei", "李雷", 21),
            read(corp, "sales1", "韩梅梅", 30),
        ];
        directory.hear(order.iter().map(|index| heard[*index].clone())).await;
        let staff = directory.staff_of(corp, "").await;
        let mut shown: Vec<_> = staff
            .iter()
            .map(|one| (one["user_id"].as_str().unwrap(), one["name"].as_str().unwrap()))
            .collect();
        shown.sort_unstable();
        assert_eq!(shown, [("LiLei", "李雷"), ("sales1", "韩梅梅")], "{order:?}");
        is_told_as_shown(&directory, corp, &staff);
    }
    directory.finish().await;
}

#[tokio::test]
async fn replicas_that_hear_everything_at_once_agree() {
    const MEMBERS: usize = 24;
    let directory = TestDirectory::start().await;
    // Of a data folder there is one process.
    let replica = match Shape::chosen() {
        Shape::Embedded => None,
        Shape::Distributed => Some(directory.replica().await),
    };
    let corp = directory.corp;
    let mut heard = Vec::new();
    for number in 0..MEMBERS {
        let (former, id, name) = (format!("old{number}"), format!("new{number}"), format!("员工{number}"));
        heard.push(read(corp, &id, &name, 23));
        heard.push(renamed(corp, &former, &id, 20));
        heard.push(read(corp, &former, &name, 10));
    }
    // The parts of one member far from each other, so that different lanes have them at once.
    heard.sort_by_key(|envelope| std::cmp::Reverse(envelope.message_id.as_uuid().as_bytes()[15]));
    directory.hear(heard).await;
    let staff = directory.staff_of(corp, "?limit=200").await;
    assert_eq!(staff.len(), MEMBERS);
    for member in &staff {
        let number = member["user_id"].as_str().unwrap().strip_prefix("new").unwrap();
        assert_eq!(member["former_user_ids"], json!([format!("old{number}")]));
        assert_eq!(member["name"], format!("员工{number}"));
    }
    is_told_as_shown(&directory, corp, &staff);
    directory.finish().await;
    if let Some(replica) = replica {
        replica.close().await.unwrap();
    }
}
