//! Lists that come page by page.

use futures::{StreamExt as _, TryStreamExt as _};
use scrm_kernel::ExternalUserId;
use scrm_kernel::time::from_millis;
use scrm_wecom::client::{CallError, Handover, TransferStatus};
use serde_json::{Value, json};

use crate::support::{Answer, Scene, user};

const MEMBER_IDS: &str = "user/list_id";
const RELATIONS: &str = "externalcontact/batch/get_by_user";

fn page(userid: &str, next_cursor: Option<&str>) -> Answer {
    let mut page = json!({"errcode": 0, "dept_user": [{"userid": userid, "department": 1}]});
    if let Some(next_cursor) = next_cursor {
        page["next_cursor"] = next_cursor.into();
    }
    Answer::Json(page)
}

fn relation(customer: &str) -> Value {
    json!({"external_contact": {"external_userid": customer, "name": "n", "type": 1},
           "follow_info": {"userid": "LiLei", "createtime": 1_525_779_812, "tag_id": ["et1"], "add_way": 999}})
}

#[tokio::test]
async fn a_list_goes_on_until_its_cursor_is_empty_or_absent() {
    for last in [None, Some("")] {
        let scene = Scene::start();
        let empty = Answer::Json(json!({"errcode": 0, "dept_user": [], "next_cursor": "c2"}));
        scene.server.plays(MEMBER_IDS, [page("a", Some("c1")), empty, page("b", last)]);
        let places: Vec<_> = scene.speaker.member_ids().try_collect().await.unwrap();
        let users: Vec<_> = places.iter().map(|place| place.user.as_str()).collect();
        assert_eq!(users, ["a", "b"]);
        let cursors: Vec<Value> =
            scene.server.seen().iter().map(|seen| seen.json()["cursor"].clone()).collect();
        assert_eq!(cursors, ["", "c1", "c2"]);
    }
}

#[tokio::test]
async fn a_cursor_that_comes_twice_ends_the_list_with_an_error() {
    let scene = Scene::start();
    scene.server.plays(MEMBER_IDS, [page("a", Some("c1")), page("b", Some("c2")), page("c", Some("c1"))]);
    let items: Vec<_> = scene.speaker.member_ids().collect().await;
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 3);
    assert!(matches!(items.last(), Some(Err(CallError::Malformed(_)))));
    assert_eq!((items.len(), scene.server.seen().len()), (4, 3));
}

#[tokio::test]
async fn pages_are_fetched_as_they_are_taken_and_end_with_the_first_error() {
    let scene = Scene::start();
    let refusal = Answer::Json(json!({"errcode": 50100, "errmsg": "invalid cursor"}));
    scene.server.plays(MEMBER_IDS, [page("a", Some("c1")), refusal]);
    let mut items = scene.speaker.member_ids();
    assert!(scene.server.seen().is_empty());
    items.next().await.unwrap().unwrap();
    assert_eq!(scene.server.seen().len(), 1);
    assert_eq!(items.next().await.unwrap().unwrap_err().errcode(), Some(50100));
    assert!(items.next().await.is_none());
}

#[tokio::test]
async fn no_relation_is_an_empty_list() {
    let scene = Scene::start();
    scene.server.refuses("externalcontact/list", 84061).refuses(RELATIONS, 84061);
    scene.server.refuses("externalcontact/get", 84061);
    assert!(scene.speaker.customers_of(&user("LiLei")).await.unwrap().is_empty());
    let relations = scene.speaker.relations_of(vec![user("LiLei")]);
    assert!(relations.try_collect::<Vec<_>>().await.unwrap().is_empty());
    // Of a single customer it is an answer.
    let customer = ExternalUserId::parse("wm1").unwrap();
    assert_eq!(scene.speaker.customer(&customer).await.unwrap_err().errcode(), Some(84061));
}

#[tokio::test]
async fn a_strange_row_does_not_hide_the_others() {
    let scene = Scene::start();
    let rows = [relation("wm1"), relation(&"w".repeat(99)), json!(5), relation("wm2")];
    scene.server.says(RELATIONS, json!({"errcode": 0, "external_contact_list": rows}));
    let relations: Vec<_> = scene.speaker.relations_of(vec![user("LiLei")]).try_collect().await.unwrap();
    let ids: Vec<_> = relations.iter().map(|relation| relation.contact.id.as_str()).collect();
    assert_eq!(ids, ["wm1", "wm2"]);
    let follower = &relations[0].follower;
    assert_eq!(follower.corp_tag_ids().collect::<Vec<_>>(), ["et1"]);
    assert_eq!((follower.add_way, follower.created_at), (Some(999), Some(from_millis(1_525_779_812_000))));
    assert_eq!(format!("{:?}", relations[0]), "Relation { .. }");

    scene.server.says("externalcontact/list", json!({"external_userid": ["wm1", "", 7, "wm2"]}));
    assert_eq!(scene.speaker.customers_of(&user("LiLei")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_customer_comes_with_the_followers_of_all_pages() {
    let scene = Scene::start();
    let customer = |userid: &str, next: &str| {
        let tags = json!([{"group_name": "g", "tag_name": "t", "tag_id": "et1", "type": 1},
                          {"group_name": "g", "tag_name": "mine", "type": 2}]);
        Answer::Json(json!({
            "errcode": 0, "next_cursor": next,
            "external_contact": {"external_userid": "wm1", "name": "n", "type": 1, "gender": 1},
            "follow_user": [{"userid": userid, "tags": tags, "state": "s1", "wechat_channels": {"source": 1}}],
        }))
    };
    scene.server.plays("externalcontact/get", [customer("LiLei", "c1"), customer("HanMeimei", "")]);
    let id = ExternalUserId::parse("wm1").unwrap();
    let found = scene.speaker.customer(&id).await.unwrap();
    assert_eq!((&found.contact.id, found.contact.gender), (&id, Some(1)));
    let users: Vec<_> = found.followers.iter().map(|follower| follower.user.as_str()).collect();
    assert_eq!(users, ["LiLei", "HanMeimei"]);
    assert_eq!(found.followers[0].corp_tag_ids().collect::<Vec<_>>(), ["et1"]);
    let seen = scene.server.seen();
    assert_eq!((seen[0].query.get("cursor"), seen[1].query["cursor"].as_str()), (None, "c1"));

    scene.server.plays("externalcontact/get", [customer("LiLei", "c1")]);
    assert!(matches!(scene.speaker.customer(&id).await.unwrap_err(), CallError::Malformed(_)));
}

#[tokio::test]
async fn transfers_and_contact_ways_are_lists_too() {
    let scene = Scene::start();
    let rows = json!([{"external_userid": "wm1", "status": 1, "takeover_time": 1_588_262_400},
                      {"external_userid": "wm2", "status": 2, "takeover_time": 0},
                      {"external_userid": "wm3", "status": 77}]);
    scene.server.says("externalcontact/resigned/transfer_result", json!({"errcode": 0, "customer": rows}));
    let results = scene.speaker.transfer_results(Handover::Resigned, user("a"), user("b"));
    let results: Vec<_> = results.try_collect().await.unwrap();
    let states: Vec<_> =
        results.iter().map(|result| (result.status, result.taken_over_at.is_some())).collect();
    let expected =
        [(TransferStatus::Done, true), (TransferStatus::Waiting, false), (TransferStatus::Other(77), false)];
    assert_eq!(states, expected);

    let scene = Scene::start();
    scene.server.says("externalcontact/list_contact_way", json!({"contact_way": [{"config_id": "w1"}]}));
    let ways = scene.speaker.contact_ways(from_millis(1000), from_millis(2000));
    assert_eq!(ways.try_collect::<Vec<_>>().await.unwrap(), ["w1"]);
    let asked = json!({"start_time": 1, "end_time": 2, "cursor": "", "limit": 1000});
    assert_eq!(scene.server.body(), asked);
}
