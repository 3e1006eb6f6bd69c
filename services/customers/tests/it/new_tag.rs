//! Tags of the enterprise that are made here, and then in WeCom.

use std::time::{Duration, Instant};

use scrm_kernel::CorpId;
use scrm_testing::TestWecom;
use serde_json::{Value, json};

use crate::support::{TestCustomers, delete_in_wecom};

const TAGS: &str = "/api/v1/customers/tags";
const GROUPS: &str = "/api/v1/customers/tag-groups";
const ADD: &str = "externalcontact/add_corp_tag";
const LIST: &str = "externalcontact/get_corp_tag_list";
/// Longer than the first rung of the ladder on RabbitMQ, and than a call that is never answered.
const PATIENCE: Duration = Duration::from_mins(1);

/// The service and the WeCom that it speaks with.
struct Library {
    wecom: TestWecom,
    customers: TestCustomers,
}

impl Library {
    async fn start() -> Self {
        let wecom = TestWecom::start(scrm_testing::clock());
        let customers = TestCustomers::with_wecom(&wecom).await;
        Self { wecom, customers }
    }

    async fn post(&self, group: &str, name: &str) -> (u16, Value) {
        self.customers.admin().post(TAGS, &json!({"group_name": group, "name": name})).await
    }

    /// Wants a tag, and returns its address.
    async fn wanted(&self, group: &str, name: &str) -> String {
        let (status, tag) = self.post(group, name).await;
        assert_eq!((status, &tag["state"], &tag["tag_id"]), (201, &json!("waiting"), &Value::Null), "{tag}");
        format!("{TAGS}/{}", tag["id"].as_str().unwrap())
    }

    async fn read(&self, path: &str) -> Value {
        let (status, tag) = self.customers.admin().get(path).await;
        assert_eq!(status, 200, "{tag}");
        tag
    }

    /// Waits until a tag is as `is_right` says; moves the clock on, so that what waits to be repeated is.
    async fn until(&self, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let tag = self.read(path).await;
            if is_right(&tag) {
                return tag;
            }
            assert!(begun.elapsed() < PATIENCE, "still {tag}");
            if tag["problem"].is_string() {
                self.customers.clock.advance(Duration::from_secs(10));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn made(&self, path: &str) -> Value {
        self.until(path, |tag| tag["state"] == "made").await
    }

    async fn faults(&self, api: Value) {
        self.customers.faults(&self.wecom, json!({"api": api})).await;
    }

    /// Returns the ids of the tags of some name that WeCom has in a group of some name.
    async fn in_wecom(&self, group: &str, name: &str) -> Vec<String> {
        let all = scrm_wecom::client::TagFilter::All;
        let groups = self.wecom.client().await.of(self.customers.corp, None).tags(&all).await.unwrap();
        let tags = groups.into_iter().filter(|known| known.name == group).flat_map(|known| known.tags);
        tags.filter(|tag| tag.name == name).map(|tag| tag.id).collect()
    }

    /// Returns the names of the groups that are shown with their tags.
    async fn shown(&self) -> Vec<(String, Vec<String>)> {
        let (status, groups) = self.customers.admin().get(GROUPS).await;
        assert_eq!(status, 200, "{groups}");
        let text = |value: &Value| value["name"].as_str().unwrap().to_owned();
        let group =
            |group: &Value| (text(group), group["tags"].as_array().unwrap().iter().map(text).collect());
        groups["items"].as_array().unwrap().iter().map(group).collect()
    }

    async fn finish(self) {
        self.customers.finish().await;
        self.wecom.finish().await;
    }
}

#[tokio::test]
async fn a_tag_is_made_in_wecom_with_its_group_and_shown_at_once() {
    let library = Library::start().await;
    let gold = library.made(&library.wanted("等级", "金牌").await).await;
    assert!(library.wecom.calls(LIST).is_empty(), "nobody looks for what was clearly made");
    assert_eq!(library.in_wecom("等级", "金牌").await, [gold["tag_id"].as_str().unwrap()]);
    let silver = library.made(&library.wanted("等级", " 银牌 ").await).await;
    assert_eq!((&silver["name"], &silver["group_name"]), (&json!("银牌"), &json!("等级")));
    let shown = library.shown().await;
    let [(group, tags)] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!((group.as_str(), tags.len()), ("等级", 2));
    assert_eq!(library.wecom.calls(ADD).len(), 2);

    // The same name in another group is another tag.
    library.made(&library.wanted("来源", "金牌").await).await;
    let (status, problem) = library.post("等级", "金牌").await;
    assert_eq!((status, &problem["code"]), (409, &json!("tag_exists")));
    library.customers.settled().await;
    assert_eq!(library.wecom.calls(ADD).len(), 3);
    library.finish().await;
}

#[tokio::test]
async fn what_was_made_without_an_answer_is_adopted_and_not_doubled() {
    for fault in ["close_after_accept", "timeout_after_accept"] {
        let library = Library::start().await;
        library.faults(json!({ADD: {fault: 1}})).await;
        let tag = library.made(&library.wanted("等级", "金牌").await).await;
        assert_eq!(library.in_wecom("等级", "金牌").await, [tag["tag_id"].as_str().unwrap()], "{fault}");
        library.customers.settled().await;
        assert_eq!(library.wecom.calls(ADD).len(), 1, "{fault}: it was asked for once");
        library.finish().await;
    }
}

#[tokio::test]
async fn what_could_not_be_looked_for_at_once_is_looked_for_before_it_is_asked_for_again() {
    let library = Library::start().await;
    library.faults(json!({ADD: {"close_after_accept": 1}, LIST: {"errcode": 40058}})).await;
    let path = library.wanted("等级", "金牌").await;
    let waiting = library.until(&path, |tag| tag["problem"].is_string()).await;
    assert_eq!(waiting["state"], "waiting", "{waiting}");
    library.faults(json!({})).await;
    library.made(&path).await;
    assert_eq!(library.in_wecom("等级", "金牌").await.len(), 1);
    assert_eq!(library.wecom.calls(ADD).len(), 1);
    library.finish().await;
}

#[tokio::test]
async fn a_passing_failure_is_repeated() {
    let library = Library::start().await;
    library.faults(json!({ADD: {"errcode": -1}})).await;
    let path = library.wanted("等级", "金牌").await;
    library.until(&path, |tag| tag["problem"].is_string()).await;
    // Whoever does not want to wait may want it anew.
    let (status, again) = library.post("等级", "金牌").await;
    assert_eq!((status, again["id"].as_str()), (201, path.rsplit('/').next()), "{again}");
    library.faults(json!({})).await;
    let tag = library.made(&path).await;
    assert_eq!(library.in_wecom("等级", "金牌").await, [tag["tag_id"].as_str().unwrap()]);
    library.finish().await;
}

#[tokio::test]
async fn a_tag_that_somebody_made_in_wecom_meanwhile_is_adopted() {
    let library = Library::start().await;
    let company = library.wecom.sandbox.company();
    // Nobody has read the library yet, so nobody here knows of it.
    let (group, tag) = (&company.tag_groups[0], &company.tag_groups[0].tags[0]);
    let made = library.made(&library.wanted(&group.name, &tag.name).await).await;
    assert_eq!(made["tag_id"], tag.id);
    assert_eq!(library.in_wecom(&group.name, &tag.name).await, [tag.id.as_str()]);
    library.finish().await;
}

#[tokio::test]
async fn what_wecom_refuses_is_shown_with_its_words_and_may_be_wanted_again() {
    let library = Library::start().await;
    library.faults(json!({ADD: {"errcode": 40126}})).await;
    let path = library.wanted("等级", "金牌").await;
    let refused = library.until(&path, |tag| tag["state"] == "refused").await;
    assert!(refused["problem"].as_str().unwrap().contains("40126"), "{refused}");
    library.customers.settled().await;
    assert_eq!(library.wecom.calls(ADD).len(), 1, "nobody asks again by itself");
    library.faults(json!({})).await;
    assert_eq!(library.wanted("等级", "金牌").await, path);
    library.made(&path).await;
    library.finish().await;
}

#[tokio::test]
async fn a_tag_that_wecom_has_lost_may_be_made_again() {
    let library = Library::start().await;
    let path = library.wanted("等级", "金牌").await;
    let first = library.made(&path).await["tag_id"].clone();
    delete_in_wecom(&library.wecom, first.as_str().unwrap()).await;
    let now = library.customers.clock.now().timestamp();
    library.customers.hear([library.customers.library(&[("other", "Other")], now + 1)]).await;
    library.customers.clock.advance(Duration::from_secs(5));
    assert_eq!(library.wanted("等级", "金牌").await, path);
    let second = library.until(&path, |tag| tag["state"] == "made").await;
    assert_ne!(second["tag_id"], first);
    assert!(library.shown().await.contains(&("等级".to_owned(), vec!["金牌".to_owned()])));
    library.finish().await;
}

#[tokio::test]
async fn a_request_that_comes_again_makes_one_tag() {
    let library = Library::start().await;
    let client = library.customers.admin().with_header("Idempotency-Key", "order-7");
    let body = json!({"group_name": "等级", "name": "金牌", "order": 5});
    let (status, first) = client.post(TAGS, &body).await;
    assert_eq!((status, &first["order"]), (201, &json!(5)), "{first}");
    library.made(&format!("{TAGS}/{}", first["id"].as_str().unwrap())).await;
    assert_eq!(client.post(TAGS, &body).await, (201, first));
    let (status, problem) = client.post(TAGS, &json!({"group_name": "等级", "name": "银牌"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("idempotency_key_reused")));
    assert_eq!(library.wecom.calls(ADD).len(), 1);
    library.finish().await;
}

#[tokio::test]
async fn one_of_many_who_want_the_same_gets_it() {
    let library = Library::start().await;
    library.faults(json!({ADD: {"latency_ms": 3000}})).await;
    let wanting = (0..8).map(|_| library.post("等级", "金牌"));
    let answers = futures::future::join_all(wanting).await;
    let count = |status: u16| answers.iter().filter(|(found, _)| *found == status).count();
    assert_eq!((count(201), count(409)), (1, 7), "{answers:?}");
    let refusals = answers.iter().filter(|(status, _)| *status == 409);
    assert!(refusals.clone().all(|(_, problem)| problem["code"] == "tag_under_way"), "{answers:?}");
    library.customers.settled().await;
    assert_eq!(library.in_wecom("等级", "金牌").await.len(), 1);
    library.finish().await;
}

#[tokio::test]
async fn bad_input_is_named_and_changes_nothing() {
    let library = Library::start().await;
    for (body, fields) in [
        (json!({"group_name": " ", "name": "a\nb"}), vec!["group_name", "name"]),
        (json!({"group_name": "g", "name": "长".repeat(31)}), vec!["name"]),
        (json!({"group_name": "g\u{0}", "name": "a"}), vec!["group_name"]),
    ] {
        let (status, problem) = library.customers.admin().post(TAGS, &body).await;
        let named: Vec<_> = problem["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["field"].as_str().unwrap())
            .collect();
        assert_eq!((status, named), (422, fields), "{problem}");
    }
    for body in [json!({"name": "a"}), json!({"group_name": "g", "name": "a", "order": -1}), json!([])] {
        assert_eq!(library.customers.admin().post(TAGS, &body).await.0, 400, "{body}");
    }
    let body = json!({"group_name": "g", "name": "a"});
    assert_eq!(library.customers.server.stranger().post(TAGS, &body).await.0, 401);
    library.customers.settled().await;
    assert!(library.wecom.calls(ADD).is_empty());
    let path = library.wanted("g", "a").await;
    let other = library.customers.server.admin(CorpId::mint(library.customers.clock.now()));
    let (status, problem) = other.get(&path).await;
    assert_eq!((status, &problem["code"]), (404, &json!("tag_not_found")));
    library.made(&path).await;
    library.finish().await;
}
