//! Reading the roster over HTTP, and who may.

use reqwest::Method;
use scrm_kernel::StaffId;
use scrm_proto::wecom::v1::{MemberRead, MemberStatus};
use serde_json::json;

use crate::support::{TestDirectory, at, gone, member, read, renamed};

#[tokio::test]
async fn pages_of_members_follow_each_other() {
    let directory = TestDirectory::start().await;
    for number in 0..5 {
        directory.hear([read(directory.corp, &format!("user{number}"), "李雷", 10 - number)]).await;
    }
    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let (status, page) = directory.admin().get(&format!("/api/v1/directory/staff?limit=2{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        for member in page["items"].as_array().unwrap() {
            found.push(member["user_id"].as_str().unwrap().to_owned());
        }
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(
        (found, pages),
        (["user0", "user1", "user2", "user3", "user4"].map(str::to_owned).to_vec(), 3)
    );
    directory.finish().await;
}

#[tokio::test]
async fn members_are_found_by_state_and_by_any_part_of_name_or_id() {
    let directory = TestDirectory::start().await;
    let corp = directory.corp;
    let invited =
        MemberRead { status: MemberStatus::NotActivated.into(), ..member(corp, "Jim_100%", "Jim Grün") };
    let aliased = MemberRead { alias: "梅子".to_owned(), ..member(corp, "HanMeimei", "韩梅梅") };
    directory
        .hear([
            read(corp, "LiLei", "李雷", 10),
            renamed(corp, "LiLei", "LeiLi", 20),
            at(corp, 10, &aliased),
            at(corp, 10, &invited),
            read(corp, "WangGang", "王刚", 10),
            gone(corp, "WangGang", 20),
        ])
        .await;
    let cases = [
        ("?state=active", vec!["HanMeimei", "LeiLi"]),
        ("?state=invited", vec!["Jim_100%"]),
        ("?state=left", vec!["WangGang"]),
        ("?state=disabled", vec![]),
        ("?q=%E6%A2%85", vec!["HanMeimei"]),          // 梅
        ("?q=%E6%A2%85%E5%AD%90", vec!["HanMeimei"]), // 梅子
        ("?q=lilei", vec!["LeiLi"]),
        ("?q=GR%C3%9CN", vec!["Jim_100%"]), // GRÜN
        ("?q=_1", vec!["Jim_100%"]),
        ("?q=0%25", vec!["Jim_100%"]),
        ("?q=%25%25", vec![]),
        ("?q=a%00", vec![]),
        ("?q=&state=left", vec!["WangGang"]),
    ];
    for (query, expected) in cases {
        let staff = directory.staff_of(corp, query).await;
        let mut found: Vec<_> = staff.iter().map(|one| one["user_id"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    directory.finish().await;
}

#[tokio::test]
async fn another_enterprise_sees_nothing_and_has_its_own() {
    let directory = TestDirectory::start().await;
    let other = directory.another_corp();
    directory.hear([read(directory.corp, "LiLei", "李雷", 10)]).await;
    let id = directory.only_of(directory.corp).await["id"].as_str().unwrap().to_owned();
    let stranger = directory.server.admin(other);
    for path in ["staff", "staff?q=lilei", "departments"] {
        let (status, list) = stranger.get(&format!("/api/v1/directory/{path}")).await;
        assert_eq!((status, list), (200, json!({"items": [], "next_cursor": null})), "{path}");
    }
    let (status, problem) = stranger.get(&format!("/api/v1/directory/staff/{id}")).await;
    assert_eq!((status, &problem["code"]), (404, &json!("staff_not_found")));
    let nobody = StaffId::mint(directory.clock.now());
    let (status, same) = directory.admin().get(&format!("/api/v1/directory/staff/{nobody}")).await;
    assert_eq!((status, &same["code"]), (404, &problem["code"]));

    directory.hear([read(other, "LiLei", "李蕾", 10), gone(other, "LiLei", 20)]).await;
    assert_eq!(directory.only_of(other).await["state"], "left");
    assert_eq!(directory.only_of(directory.corp).await["state"], "active");
    directory.finish().await;
}

#[tokio::test]
async fn a_list_refuses_what_it_cannot_mean() {
    let directory = TestDirectory::start().await;
    let cases = [
        ("?state=busy", 422, "invalid_request"),
        ("?limit=0", 422, "invalid_request"),
        ("?cursor=x", 422, "bad_cursor"),
        ("?department=sales", 400, "bad_query"),
        ("?surplus=1", 400, "bad_query"),
        ("/not-an-id", 404, "not_found"),
    ];
    for (rest, status, code) in cases {
        let reply = directory.admin().send(Method::GET, &format!("/api/v1/directory/staff{rest}"), "").await;
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{rest}");
    }
    directory.finish().await;
}

#[tokio::test]
async fn nothing_is_looked_at_without_a_token() {
    let directory = TestDirectory::start().await;
    for path in ["staff", "staff?limit=0", "staff/x", "departments"] {
        let (status, problem) = directory.server.stranger().get(&format!("/api/v1/directory/{path}")).await;
        assert_eq!((status, &problem["code"]), (401, &json!("unauthenticated")), "{path}");
    }
    directory.finish().await;
}
