//! Departments come as complete listings.

use scrm_kernel::CorpId;
use scrm_proto::Envelope;
use scrm_proto::directory::v1::DepartmentChanged;
use scrm_proto::wecom::v1::{Department, DepartmentsRead, MemberPlace, MemberRead};
use serde_json::{Value, json};

use crate::support::{TestDirectory, at, member, orders};

/// Returns a listing of departments: number, parent and name of each.
fn listed(corp: CorpId, second: i64, departments: &[(i64, i64, &str)]) -> Envelope {
    let department = |(id, parent_id, name): &(i64, i64, &str)| Department {
        id: *id,
        parent_id: *parent_id,
        name: (*name).to_owned(),
        order: 100 - *id,
        leader_user_ids: vec!["HanMeimei".to_owned()],
    };
    let departments = departments.iter().map(department).collect();
    at(corp, second, &DepartmentsRead { corp_id: corp.to_string(), departments })
}

async fn shown(directory: &TestDirectory, corp: CorpId) -> Vec<Value> {
    let (status, list) = directory.server.admin(corp).get("/api/v1/directory/departments").await;
    assert_eq!(status, 200, "{list}");
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_newest_listing_counts_in_any_order() {
    let directory = TestDirectory::start().await;
    for order in orders(3) {
        let corp = directory.another_corp();
        let heard = [
            listed(corp, 10, &[(1, 0, "总部"), (2, 1, "销售部")]),
            listed(corp, 20, &[(1, 0, "总部"), (3, 1, "客服部")]),
            listed(corp, 30, &[(1, 0, "总部"), (2, 1, "市场部")]),
        ];
        directory.hear(order.iter().map(|index| heard[*index].clone())).await;
        let shown = shown(&directory, corp).await;
        let names: Vec<_> = shown.iter().map(|one| (one["id"].as_i64(), one["name"].as_str())).collect();
        assert_eq!(names, [(Some(1), Some("总部")), (Some(2), Some("市场部"))], "{order:?}");
    }
    directory.finish().await;
}

#[tokio::test]
async fn changes_of_departments_are_told_once() {
    let directory = TestDirectory::start().await;
    let corp = directory.corp;
    let first = listed(corp, 10, &[(1, 0, "总部"), (2, 1, "销售部")]);
    directory.hear([first.clone(), first]).await;
    directory
        .hear([listed(corp, 20, &[(1, 0, "总部"), (2, 1, "销售部")]), listed(corp, 30, &[(1, 0, "总部")])])
        .await;
    let expected = json!([{
        "id": 1, "name": "总部", "parent_id": null, "order": 99, "leader_user_ids": ["HanMeimei"], "version": 1,
    }]);
    assert_eq!(json!(shown(&directory, corp).await), expected);
    let told = directory.broker.published::<DepartmentChanged>().into_iter();
    let mut told: Vec<_> = told.map(|(_, told)| (told.department_id, told.version, told.removed)).collect();
    told.sort_unstable();
    assert_eq!(told, [("1".to_owned(), 1, false), ("2".to_owned(), 1, false), ("2".to_owned(), 2, true)]);
    directory.finish().await;
}

#[tokio::test]
async fn a_department_is_asked_for_with_those_below_it() {
    let directory = TestDirectory::start().await;
    let corp = directory.corp;
    let listing = listed(corp, 10, &[(1, 0, "总部"), (2, 1, "销售部"), (3, 2, "华东"), (4, 1, "客服部")]);
    let of = |id: &str, department_id: i64| {
        let departments = vec![MemberPlace { department_id, leads: false }];
        at(corp, 10, &MemberRead { departments, ..member(corp, id, id) })
    };
    directory.hear([listing, of("LiLei", 3), of("HanMeimei", 4), of("WangGang", 2)]).await;
    for (query, expected) in [
        ("?department=1", vec!["HanMeimei", "LiLei", "WangGang"]),
        ("?department=2", vec!["LiLei", "WangGang"]),
        ("?department=3", vec!["LiLei"]),
        ("?department=9", vec![]),
    ] {
        let staff = directory.staff_of(corp, query).await;
        let mut found: Vec<_> = staff.iter().map(|one| one["user_id"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    directory.finish().await;
}
