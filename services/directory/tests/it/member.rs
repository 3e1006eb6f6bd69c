//! What is read of members.

use scrm_proto::Envelope;
use scrm_proto::directory::v1::StaffState;
use scrm_proto::wecom::v1::{MemberPlace, MemberRead, MemberStatus};
use serde_json::json;

use crate::support::{TestDirectory, at, gone, member, orders, read};

#[tokio::test]
async fn a_member_who_was_read_is_shown_and_told_of() {
    let directory = TestDirectory::start().await;
    let corp = directory.corp;
    let leads = MemberPlace { department_id: 7, leads: true };
    let departments = vec![leads, MemberPlace { department_id: 2, leads: false }];
    let event = MemberRead { departments, alias: "小李".to_owned(), ..member(corp, "LiLei", "李雷") };
    directory.hear([at(corp, 10, &event)]).await;

    let mut only = directory.only_of(corp).await;
    let id = only.as_object_mut().unwrap().remove("id").unwrap();
    let expected = json!({
        "user_id": "LiLei", "former_user_ids": [], "name": "李雷", "alias": "小李", "position": "顾问",
        "avatar": "https://example.com/face.png", "main_department": 2,
        "departments": [{"id": 2, "leads": false}, {"id": 7, "leads": true}],
        "leader_user_ids": ["HanMeimei"], "state": "active", "same_as": null, "version": 1,
    });
    assert_eq!(only, expected);
    let (status, one) =
        directory.admin().get(&format!("/api/v1/directory/staff/{}", id.as_str().unwrap())).await;
    assert_eq!((status, &one["user_id"]), (200, &json!("LiLei")));

    let [told] = directory.told().try_into().unwrap();
    assert_eq!((told.corp_id, told.staff_id.as_str()), (corp.to_string(), id.as_str().unwrap()));
    assert_eq!((told.version, told.user_id.as_str(), told.name.as_str()), (1, "LiLei", "李雷"));
    assert_eq!((told.department_ids, told.state), (vec![2, 7], StaffState::Active.into()));
    directory.finish().await;
}

#[tokio::test]
async fn only_what_really_changed_is_told() {
    let directory = TestDirectory::start().await;
    let corp = directory.corp;
    let first = read(corp, "LiLei", "李雷", 10);
    directory.hear([first.clone(), first, read(corp, "LiLei", "李雷", 20)]).await;
    directory.hear([read(corp, "LiLei", "李雷", 15), gone(corp, "HanMeimei", 30)]).await;
    assert_eq!(directory.told().len(), 1);
    let invited = MemberRead { status: MemberStatus::NotActivated.into(), ..member(corp, "LiLei", "李雷") };
    directory.hear([at(corp, 30, &invited)]).await;
    let versions: Vec<_> = directory.told().iter().map(|told| (told.version, told.state())).collect();
    assert_eq!(versions, [(1, StaffState::Active), (2, StaffState::Invited)]);
    directory.finish().await;
}

#[tokio::test]
async fn the_newest_reading_counts_in_any_order() {
    let directory = TestDirectory::start().await;
    for order in orders(3) {
        let corp = directory.another_corp();
        let disabled =
            MemberRead { status: MemberStatus::Disabled.into(), ..member(corp, "LILEI", "李雷雷") };
        let heard = [read(corp, "lilei", "李雷", 10), gone(corp, "LiLei", 20), at(corp, 30, &disabled)];
        directory.hear(order.iter().map(|index| heard[*index].clone())).await;
        let only = directory.only_of(corp).await;
        let shown = (&only["user_id"], &only["name"], &only["state"]);
        assert_eq!(shown, (&json!("LILEI"), &json!("李雷雷"), &json!("disabled")), "{order:?}");
    }
    directory.finish().await;
}

#[tokio::test]
async fn of_two_readings_at_one_moment_the_later_arrival_counts() {
    let directory = TestDirectory::start().await;
    for order in orders(2) {
        let corp = directory.another_corp();
        let heard = [("李雷", 1), ("李雷雷", 2)];
        let heard =
            heard.map(|(name, seq)| Envelope { received_seq: Some(seq), ..read(corp, "LiLei", name, 10) });
        directory.hear(order.iter().map(|index| heard[*index].clone())).await;
        assert_eq!(directory.only_of(corp).await["name"], "李雷雷", "{order:?}");
    }
    directory.finish().await;
}

#[tokio::test]
async fn who_left_and_comes_back_keeps_the_id() {
    let directory = TestDirectory::start().await;
    let corp = directory.corp;
    directory.hear([read(corp, "LiLei", "李雷", 10)]).await;
    let before = directory.only_of(corp).await;
    directory.hear([gone(corp, "lilei", 20)]).await;
    assert_eq!(directory.only_of(corp).await["state"], "left");
    directory.hear([read(corp, "LiLei", "李雷", 30)]).await;
    let after = directory.only_of(corp).await;
    assert_eq!(
        (&after["id"], &after["state"], &after["version"]),
        (&before["id"], &json!("active"), &json!(3))
    );
    directory.finish().await;
}

#[tokio::test]
async fn nobody_is_made_of_an_id_that_is_gone() {
    let directory = TestDirectory::start().await;
    directory.hear([gone(directory.corp, "LiLei", 20)]).await;
    assert!(directory.staff().await.is_empty() && directory.told().is_empty());
    directory.hear([read(directory.corp, "LiLei", "李雷", 10)]).await;
    assert_eq!(directory.only_of(directory.corp).await["state"], "left");
    directory.finish().await;
}
