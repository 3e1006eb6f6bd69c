//! Callbacks that only say that something changed: the subject is read from WeCom and told as it is.

use std::time::Duration;

use scrm_kernel::{CorpId, Timestamp};
use scrm_proto::wecom::v1::{
    ContactRemoved, CustomerGone, CustomerRead, DepartmentsRead, MemberGone, MemberRead, MemberRenamed,
    MemberStatus, TagsRead,
};
use scrm_testing::eventually;
use scrm_wecom::client::{NewTag, NewTags, TagGroupRef};
use serde_json::json;

use crate::simulated::Simulated;

const GET: &str = "externalcontact/get";

#[tokio::test]
async fn a_member_is_read_when_something_about_them_changes() {
    let simulated = Simulated::start().await;
    let member = &simulated.staff[0];
    let named = json!({"UserID": member, "Name": "韩梅梅", "Position": "店长", "Department": "2,3"});
    simulated.happens("update_user", &named).await;
    let (envelope, read) = simulated.told::<MemberRead>("the member", |read| read.name == "韩梅梅").await;
    assert_eq!((envelope.corp, &envelope.key), (simulated.ingest.corp, member));
    assert_eq!((read.position.as_str(), read.status()), ("店长", MemberStatus::Active));
    let places: Vec<i64> = read.departments.iter().map(|place| place.department_id).collect();
    assert_eq!(places, [2, 3]);

    simulated.happens("create_user", &json!({"UserID": "NewHere"})).await;
    simulated.told::<MemberRead>("the new member", |read| read.user_id == "NewHere").await;
    simulated.happens("delete_user", &json!({"UserID": "NewHere"})).await;
    simulated.told::<MemberGone>("that they left", |gone| gone.user_id == "NewHere").await;
    simulated.finish().await;
}

#[tokio::test]
async fn a_new_id_is_told_at_once_and_the_member_is_read_by_it() {
    let simulated = Simulated::start().await;
    let former = &simulated.staff[1];
    simulated.happens("update_user", &json!({"UserID": former, "NewUserID": "NewName"})).await;
    let (_, renamed) = simulated.told::<MemberRenamed>("the new id", |_| true).await;
    assert_eq!((renamed.user_id.as_str(), &renamed.former_user_id), ("NewName", former));
    simulated.told::<MemberRead>("the member", |read| read.user_id == "NewName").await;
    assert_eq!(simulated.ingest.broker.published::<MemberGone>(), Vec::new());
    simulated.finish().await;
}

#[tokio::test]
async fn departments_and_tags_are_read_whole() {
    let simulated = Simulated::start().await;
    for change in ["create_party", "update_party", "delete_party"] {
        simulated.happens(change, &json!({"Id": 2, "Name": "门店"})).await;
    }
    let (_, read) = simulated.told::<DepartmentsRead>("the departments", |_| true).await;
    let root = read.departments.iter().find(|department| department.id == 1).unwrap();
    assert_eq!(root.parent_id, 0);
    assert!(read.departments.len() > 2 && read.departments.iter().any(|one| one.parent_id == 1));

    let group = TagGroupRef::Name("意向".to_owned());
    let tags = NewTags { group, tags: vec![NewTag { name: "高".to_owned(), order: Some(7) }] };
    simulated
        .wecom
        .client()
        .await
        .of(CorpId::mint(Timestamp::default()), None)
        .add_tags(&tags)
        .await
        .unwrap();
    simulated.happens("change_external_tag/create", &json!({"Id": "et1", "TagType": "tag"})).await;
    let (envelope, read) = simulated.told::<TagsRead>("the tags", |_| true).await;
    assert_eq!(envelope.key, simulated.ingest.corp.to_string());
    let group = read.groups.iter().find(|group| group.name == "意向").unwrap();
    assert_eq!(group.tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["高"]);
    simulated.finish().await;
}

#[tokio::test]
async fn a_customer_is_read_when_a_relation_changes_and_told_gone_with_the_last_one() {
    let simulated = Simulated::start().await;
    let [first, second, ..] = simulated.staff.as_slice() else { panic!("a company has members") };
    simulated.add(first, "wmA").await;
    simulated.add(second, "wmA").await;
    simulated.told::<CustomerRead>("both relations", |read| read.followers.len() == 2).await;

    let parted = |member| json!({"UserID": member, "ExternalUserID": "wmA"});
    simulated.happens("del_external_contact", &parted(first)).await;
    simulated
        .told::<CustomerRead>("the relation that is left", |read| {
            read.followers.len() == 1 && read.followers[0].user_id == *second
        })
        .await;
    simulated.happens("del_external_contact", &parted(second)).await;
    simulated.told::<CustomerGone>("that nobody knows them", |gone| gone.external_user_id == "wmA").await;
    assert_eq!(simulated.told_times::<ContactRemoved>(2).await.len(), 2);
    simulated.finish().await;
}

#[tokio::test]
async fn many_hints_are_few_readings_and_the_last_state_is_told() {
    let simulated = Simulated::start().await;
    simulated.faults(&json!({"api": {"user/get": {"latency_ms": 100}}})).await;
    let member = simulated.staff[0].clone();
    let event = |number: u32| {
        let fields = json!({"UserID": member, "Name": format!("第{number}名")});
        json!({"app": "demo", "type": "update_user", "fields": fields})
    };
    simulated.events(&(1..=50).map(event).collect()).await;
    simulated.told::<MemberRead>("the last name", |read| read.name == "第50名").await;
    let (rows, calls) = (simulated.ingest.processed().await.len(), simulated.wecom.calls("user/get").len());
    assert!(rows == 50 && calls < 25, "{rows} callbacks were {calls} calls");
    simulated.finish().await;
}

#[tokio::test]
async fn a_copy_of_a_hint_means_to_look_again() {
    let simulated = Simulated::start().await;
    let member = &simulated.staff[0];
    simulated.add(member, "wmA").await;
    simulated.told::<CustomerRead>("the customer", |_| true).await;

    // The clock stands still: these are byte for byte the same.
    let edit = json!({"UserID": member, "ExternalUserID": "wmA"});
    for readings in 2..=4 {
        simulated.happens("edit_external_contact", &edit).await;
        simulated.told_times::<CustomerRead>(readings).await;
    }
    assert_eq!(simulated.ingest.processed().await.len(), 2, "an addition and one edit are stored");
    simulated.finish().await;
}

#[tokio::test]
async fn a_copy_of_a_fact_is_no_second_fact() {
    let simulated = Simulated::start().await;
    let add = json!({"UserID": simulated.staff[0], "ExternalUserID": "wmA"});
    let events = json!({"app": "demo", "type": "add_external_contact", "fields": add, "times": 3});
    simulated.events(&events).await;
    simulated.told::<CustomerRead>("the customer", |_| true).await;
    simulated.ingest.processed().await;
    assert_eq!(simulated.wecom.calls(GET).len(), 1);
    simulated.finish().await;
}

#[tokio::test]
async fn a_wecom_that_is_busy_is_asked_again() {
    let simulated = Simulated::start().await;
    simulated.faults(&json!({"api": {"user/get": {"errcode": -1}}})).await;
    simulated.happens("update_user", &json!({"UserID": simulated.staff[0], "Name": "韩梅梅"})).await;
    eventually("WeCom was asked as often as the client does", async || {
        (simulated.wecom.calls("user/get").len() == 4).then_some(())
    })
    .await;
    simulated.faults(&json!({})).await;
    // The look may not be put off yet, so the time passes in steps.
    eventually("the member is told", async || {
        simulated.ingest.clock.advance(Duration::from_secs(10));
        simulated.ingest.broker.published::<MemberRead>().into_iter().next()
    })
    .await;
    simulated.finish().await;
}
