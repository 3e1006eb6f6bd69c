//! Business calendars over HTTP, and what others are told of them.

use reqwest::Method;
use scrm_kernel::access::BuiltIn;
use scrm_proto::directory::v1::CalendarChanged;
use serde_json::{Value, json};

use crate::support::{TestDirectory, read};

const CALENDARS: &str = "/api/v1/directory/calendars";

impl TestDirectory {
    async fn calendars(&self) -> Vec<Value> {
        let (status, page) = self.admin().get(CALENDARS).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    /// Returns what was told of calendars, in order.
    fn told_of_calendars(&self) -> Vec<CalendarChanged> {
        self.broker.published::<CalendarChanged>().into_iter().map(|(_, event)| event).collect()
    }
}

fn shop() -> Value {
    let (day, sunday) = ("10:00-14:00,15:00-21:00", "");
    json!({
        "name": "门店", "time_zone": "Asia/Shanghai", "week": [day, day, day, day, day, day, sunday],
        "follows_holidays": true, "days": [{"date": "2026-12-24", "name": "盘点", "hours": ""}],
    })
}

fn path_of(calendar: &Value) -> String {
    format!("{CALENDARS}/{}", calendar["id"].as_str().unwrap())
}

#[tokio::test]
async fn every_enterprise_has_one_calendar_from_the_beginning() {
    let directory = TestDirectory::start().await;
    let [first] = directory.calendars().await.try_into().unwrap();
    assert_eq!((&first["is_default"], &first["version"]), (&json!(true), &json!(1)));
    assert_eq!(first["week"][0], "09:00-12:00,13:00-18:00");
    assert_eq!(first["week"][6], "");
    assert!(first["holidays_source"].as_str().unwrap().starts_with("chinese-days "));
    assert_eq!(directory.calendars().await, std::slice::from_ref(&first), "to look again makes no other");

    // One whose staff is known first is told of without anybody looking.
    let other = directory.another_corp();
    directory.hear([read(other, "LiLei", "李雷", 1)]).await;
    let told = directory.told_of_calendars();
    assert_eq!(told.iter().filter(|event| event.corp_id == other.to_string()).count(), 1);
    let own = &told[0];
    assert_eq!((own.version, own.is_default, own.week.len()), (1, true, 7));
    let day = |date: &str| own.days.iter().find(|day| day.date == date).map(|day| day.hours.as_str());
    assert_eq!(day("2026-10-01"), Some(""), "a holiday");
    assert_eq!(day("2026-10-10"), Some("09:00-12:00,13:00-18:00"), "a make-up day");
    directory.finish().await;
}

#[tokio::test]
async fn calendars_are_made_changed_preferred_and_removed() {
    let directory = TestDirectory::start().await;
    let [first] = directory.calendars().await.try_into().unwrap();
    let (status, made) = directory.admin().post(CALENDARS, &shop()).await;
    assert_eq!((status, &made["is_default"], &made["version"]), (201, &json!(false), &json!(1)), "{made}");
    assert_eq!(made["days"], json!([{"date": "2026-12-24", "name": "盘点", "hours": "", "is_own": true}]));

    let path = path_of(&made);
    let (_, days) = directory.admin().get(&format!("{path}/days?year=2026")).await;
    let days = days["items"].as_array().unwrap();
    let on = |date: &str| days.iter().find(|day| day["date"] == date).unwrap();
    assert_eq!(on("2026-12-24")["is_own"], true);
    assert_eq!((&on("2026-10-10")["hours"], &on("2026-10-10")["name"]), (&made["week"][0], &json!("国庆节")));

    let at = |version: i64| directory.admin().with_header("If-Match", format!("\"{version}\""));
    let renamed = json!({"name": "旗舰店", "time_zone": "Asia/Shanghai", "week": shop()["week"], "follows_holidays": false});
    assert_eq!(directory.admin().put(&path, &renamed).await.0, 428);
    assert_eq!(at(2).put(&path, &renamed).await.1["code"], "calendar_changed");
    let (status, changed) = at(1).put(&path, &renamed).await;
    assert_eq!(
        (status, &changed["name"], &changed["version"]),
        (200, &json!("旗舰店"), &json!(2)),
        "{changed}"
    );
    let (_, days) = directory.admin().get(&format!("{path}/days")).await;
    assert_eq!(days["items"], json!([]), "it follows no holidays any more");

    let refused = at(1).send(Method::DELETE, &path_of(&first), "").await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("default_calendar")));
    let (status, preferred) = at(2).put(&format!("{path}/default"), &json!({})).await;
    assert_eq!((status, &preferred["is_default"]), (200, &json!(true)), "{preferred}");
    let defaults: Vec<_> =
        directory.calendars().await.into_iter().map(|one| one["is_default"].clone()).collect();
    assert_eq!(defaults, [json!(false), json!(true)]);
    assert_eq!(at(2).send(Method::DELETE, &path_of(&first), "").await.status, 204);
    assert_eq!(directory.admin().get(&path_of(&first)).await.0, 404);

    directory.settled().await;
    let told = directory.told_of_calendars();
    let last = |id: &Value| {
        let of = |event: &&CalendarChanged| id == event.calendar_id.as_str();
        told.iter().filter(of).max_by_key(|event| event.version).unwrap()
    };
    assert!(last(&first["id"]).removed && !last(&made["id"]).removed && last(&made["id"]).is_default);
    directory.finish().await;
}

#[tokio::test]
async fn a_calendar_that_means_nothing_is_refused_by_the_names_of_its_fields() {
    let directory = TestDirectory::start().await;
    let with = |field: &str, value: Value| {
        let mut calendar = shop();
        calendar[field] = value;
        calendar
    };
    let days = |day: Value| with("days", json!([{"date": "2026-12-24", "hours": ""}, day]));
    for (calendar, field) in [
        (with("name", json!(" ")), "name"),
        (with("name", json!("字".repeat(61))), "name"),
        (with("time_zone", json!("Asia/Atlantis")), "time_zone"),
        (with("week", json!(["09:00-18:00"])), "week"),
        (with("week", json!(["", "", "", "", "", "", ""])), "week"),
        (with("week", json!(["18:00-09:00", "", "", "", "", "", ""])), "week[0]"),
        (with("week", json!(["9-18", "", "", "", "", "", ""])), "week[0]"),
        (days(json!({"date": "2026-12-24", "hours": ""})), "days[1].date"),
        (days(json!({"date": "2026-12-25", "hours": "25:00-26:00"})), "days[1].hours"),
    ] {
        let (status, problem) = directory.admin().post(CALENDARS, &calendar).await;
        assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!(field)), "{problem}");
    }
    assert_eq!(
        directory.admin().post(CALENDARS, &with("days", json!([{"date": "soon", "hours": ""}]))).await.0,
        400
    );
    assert!(directory.told_of_calendars().is_empty());
    directory.finish().await;
}

#[tokio::test]
async fn everybody_sees_calendars_and_only_administrators_change_them() {
    let directory = TestDirectory::start().await;
    let [first] = directory.calendars().await.try_into().unwrap();
    for role in BuiltIn::ALL {
        let client = directory.somebody(role, None, &[]);
        assert_eq!(client.get(&path_of(&first)).await.0, 200, "{role:?}");
        let expected = if role == BuiltIn::Admin { 201 } else { 403 };
        assert_eq!(client.post(CALENDARS, &shop()).await.0, expected, "{role:?}");
    }
    let stranger = directory.server.admin(directory.another_corp());
    assert_eq!(stranger.get(&path_of(&first)).await.0, 404);
    directory.settled().await;
    directory.finish().await;
}
