//! The corp's tags.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::client::TestCorp;

#[actix_web::test]
async fn tags_are_made_changed_and_deleted() {
    let corp = TestCorp::start().await;
    let scripted = corp.done("externalcontact/get_corp_tag_list", json!({})).await;
    let groups = scripted["tag_group"].as_array().unwrap().len();
    assert_eq!(groups, corp.sandbox.company().tag_groups.len());

    let added = corp
        .done(
            "externalcontact/add_corp_tag",
            json!({"group_name": "渠道", "tag": [{"name": "a"}, {"name": "b", "order": 4_000_000_000_u64}]}),
        )
        .await;
    let group = added["tag_group"]["group_id"].as_str().unwrap().to_owned();
    let tag = added["tag_group"]["tag"][0]["id"].as_str().unwrap().to_owned();
    let more = corp
        .done("externalcontact/add_corp_tag", json!({"group_name": "渠道", "tag": [{"name": "c"}]}))
        .await;
    assert_eq!(more["tag_group"]["group_id"], group, "a group of that name is used again");
    assert_eq!(more["tag_group"]["tag"].as_array().unwrap().len(), 1, "only what is new");
    for (body, errcode) in [
        (json!({"group_id": group, "tag": [{"name": "a"}]}), 40071),
        (json!({"group_id": group, "tag": [{"name": "长".repeat(31)}]}), 40072),
        (json!({"group_id": "et0", "tag": [{"name": "d"}]}), 40068),
        (json!({"group_id": group, "tag": []}), 40058),
    ] {
        assert_eq!(corp.post("externalcontact/add_corp_tag", body).await["errcode"], errcode);
    }
    corp.done("externalcontact/edit_corp_tag", json!({"id": tag, "name": "a2"})).await;
    let taken = json!({"id": tag, "name": "b"});
    assert_eq!(corp.post("externalcontact/edit_corp_tag", taken).await["errcode"], 40071);

    let corp = corp.restarted().await;
    let listed = corp.done("externalcontact/get_corp_tag_list", json!({"group_id": [group]})).await;
    let names: Vec<&Value> =
        listed["tag_group"][0]["tag"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    assert_eq!(names, ["a2", "b", "c"]);

    let all: Vec<Value> =
        listed["tag_group"][0]["tag"].as_array().unwrap().iter().map(|tag| tag["id"].clone()).collect();
    corp.done("externalcontact/del_corp_tag", json!({"tag_id": all})).await;
    let left = corp.done("externalcontact/get_corp_tag_list", json!({})).await;
    assert_eq!(left["tag_group"].as_array().unwrap().len(), groups, "the last tag takes the group along");
    let by_id = corp.done("externalcontact/get_corp_tag_list", json!({"tag_id": [tag]})).await;
    assert_eq!(by_id["tag_group"][0]["tag"][0]["deleted"], true, "by id what is deleted still shows");
}

#[actix_web::test]
async fn a_customer_is_marked_without_a_callback() {
    let corp = TestCorp::start().await;
    let (member, customer) = corp.scanned(json!({"state": "referral"})).await;
    let tags: Vec<&str> =
        corp.sandbox.company().tag_groups[0].tags.iter().map(|tag| tag.id.as_str()).collect();
    let mark = |add: &[&str], remove: &[&str]| json!({"userid": member, "external_userid": customer, "add_tag": add, "remove_tag": remove});
    let before = corp.sandbox.callbacks().len();
    corp.done("externalcontact/mark_tag", mark(&tags[..2], &[])).await;
    corp.done("externalcontact/mark_tag", mark(&tags[1..3], &tags[..1])).await;
    assert_eq!(corp.post("externalcontact/mark_tag", mark(&[], &[])).await["errcode"], 41017);
    assert_eq!(corp.post("externalcontact/mark_tag", mark(&["et0"], &[])).await["errcode"], 40068);
    assert_eq!(corp.sandbox.callbacks().len(), before);

    let shown = corp.customer(&customer).await["follow_user"][0]["tags"].clone();
    let ids: Vec<&Value> = shown.as_array().unwrap().iter().map(|tag| &tag["tag_id"]).collect();
    assert_eq!(ids, [tags[1], tags[2]]);
    corp.done("externalcontact/del_corp_tag", json!({"tag_id": [tags[1]]})).await;
    assert_eq!(corp.customer(&customer).await["follow_user"][0]["tags"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn too_many_marks_at_once_are_refused() {
    let corp = TestCorp::start().await;
    let (member, customer) = corp.scanned(json!({"state": "referral"})).await;
    let tag = &corp.sandbox.company().tag_groups[0].tags[0].id;
    let body = json!({"userid": member, "external_userid": customer, "add_tag": [tag]});
    let answers = join_all((0..3000).map(|_| corp.post("externalcontact/mark_tag", body.clone()))).await;
    let count = |errcode: i64| answers.iter().filter(|answer| answer["errcode"] == errcode).count();
    assert!(count(0) >= 5 && count(45033) > 0, "{} done, {} refused", count(0), count(45033));
    assert_eq!(count(0) + count(45033), 3000);
    for _ in 0..5 {
        corp.done("externalcontact/mark_tag", body.clone()).await;
    }
}
