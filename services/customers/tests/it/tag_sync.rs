//! Tags that are set here, in WeCom itself.

use reqwest::Method;
use scrm_proto::wecom::v1::{RemovedBy, TagsRead};
use scrm_testing::{APP, TestWecom};
use serde_json::{Value, json};

use crate::support::{TestCustomers, delete_in_wecom, follower, wanted};

const MARK: &str = "externalcontact/mark_tag";

/// The service, the WeCom that it speaks with, and one contact in both.
pub(crate) struct Company {
    pub(crate) wecom: TestWecom,
    pub(crate) customers: TestCustomers,
    pub(crate) person: String,
    pub(crate) member: String,
    /// Ids of the enterprise's tags.
    pub(crate) tags: Vec<String>,
}

impl Company {
    pub(crate) async fn start() -> Self {
        let wecom = TestWecom::start(scrm_testing::clock());
        let customers = TestCustomers::with_wecom(&wecom).await;
        let scan = json!({"app": APP, "type": "scan", "fields": {"state": "referral"}});
        let (status, done) = wecom.control(Method::POST, "/_control/events", &scan).await;
        assert_eq!(status, 200, "{done}");
        let text = |field: &str| done["deliveries"][0][field].as_str().unwrap().to_owned();
        let (person, member) = (text("external_user_id"), text("user_id"));
        let groups = &wecom.sandbox.company().tag_groups;
        let tags = groups.iter().flat_map(|group| group.tags.iter().map(|tag| tag.id.clone())).collect();
        let company = Self { wecom, customers, person, member, tags };
        company.customers.hear([company.library()]).await;
        company.customers.hear([company.reading(&[], -60)]).await;
        company
    }

    fn library(&self) -> scrm_proto::Envelope {
        let groups = self.wecom.sandbox.company().tag_groups.iter();
        let groups = groups.map(|group| scrm_proto::wecom::v1::TagGroup {
            id: group.id.clone(),
            name: group.name.clone(),
            order: 0,
            tags: (group.tags.iter())
                .map(|tag| scrm_proto::wecom::v1::Tag {
                    id: tag.id.clone(),
                    name: tag.name.clone(),
                    order: 0,
                })
                .collect(),
        });
        let event = TagsRead { corp_id: self.customers.corp.to_string(), groups: groups.collect() };
        self.customers.event(100, None, &event)
    }

    /// Returns a reading of the contact, so many seconds from now.
    pub(crate) fn reading(&self, tags: &[&str], from_now: i64) -> scrm_proto::Envelope {
        let now = self.customers.clock.now().timestamp();
        let followers = vec![follower(&self.member, now - 3600, tags)];
        self.customers.read(&self.person, "Wang", followers, now + from_now)
    }

    pub(crate) async fn set(&self, tags: &[&str]) -> Value {
        let (status, relation) = self.customers.set_tags(&self.person, &self.member, tags).await;
        assert_eq!(status, 200, "{relation}");
        relation
    }

    pub(crate) async fn relation(&self) -> Value {
        self.customers.relation(&self.person, &self.member).await
    }

    /// Waits until WeCom was asked for everything.
    pub(crate) async fn synced(&self) -> Value {
        let is_synced = |relation: &Value| relation["sync"]["state"] == "synced";
        self.customers.until(&self.person, &self.member, is_synced).await
    }

    /// Returns the tags that WeCom has.
    pub(crate) async fn in_wecom(&self) -> Vec<String> {
        let person = scrm_kernel::ExternalUserId::parse(&self.person).unwrap();
        let customer =
            self.wecom.client().await.of(self.customers.corp, None).customer(&person).await.unwrap();
        let mut tags: Vec<_> = customer.followers[0].corp_tag_ids().map(str::to_owned).collect();
        tags.sort_unstable();
        tags
    }

    pub(crate) async fn finish(self) {
        self.customers.finish().await;
        self.wecom.finish().await;
    }
}

fn sorted<'a>(tags: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut tags: Vec<String> = tags.into_iter().cloned().collect();
    tags.sort_unstable();
    tags
}

#[tokio::test]
async fn tags_that_are_set_here_come_to_wecom() {
    let company = Company::start().await;
    let [one, two, three] = &company.tags[..3] else { panic!("too few tags") };
    let set = company.set(&[one, two]).await;
    assert_eq!((&set["version"], set["tags"].as_array().unwrap().len()), (&json!(2), 2));
    company.synced().await;
    assert_eq!(company.in_wecom().await, sorted([one, two]));

    company.set(&[two, three]).await;
    let synced = company.synced().await;
    assert_eq!(company.in_wecom().await, sorted([two, three]));
    assert_eq!(
        sorted(wanted(&synced).iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>().iter()),
        sorted([two, three])
    );
    assert!(
        synced["tags"]
            .as_array()
            .unwrap()
            .iter()
            .all(|tag| tag["state"] == "synced" && tag["in_wecom"] == true)
    );
    company.set(&[two, three]).await;
    company.customers.settled().await;
    assert_eq!(company.wecom.calls(MARK).len(), 2, "nothing to change, nothing to call");
    let timeline = company.customers.timeline(&company.person).await;
    let kinds: Vec<_> = timeline.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "tagged").count(), 3, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "untagged").count(), 1, "{kinds:?}");
    company.finish().await;
}

#[tokio::test]
async fn what_members_do_in_wecom_afterwards_wins_and_what_was_read_before_does_not() {
    let company = Company::start().await;
    let [one, two] = &company.tags[..2] else { panic!("too few tags") };
    company.set(&[one]).await;
    company.synced().await;
    company.customers.hear([company.reading(&[two], -30)]).await;
    let relation = company.relation().await;
    assert_eq!(wanted(&relation).len(), 2, "{relation}");
    company.customers.hear([company.reading(&[two], 30)]).await;
    let relation = company.relation().await;
    assert_eq!((wanted(&relation), &relation["version"]), (vec![two.as_str()], &json!(4)));
    company.finish().await;
}

#[tokio::test]
async fn a_call_that_fails_or_ends_unclear_is_repeated() {
    for fault in ["close_after_accept", "error_rate"] {
        let company = Company::start().await;
        company.customers.faults(&company.wecom, json!({"api": {MARK: {fault: 1}}})).await;
        company.set(&[&company.tags[0]]).await;
        let has_problem = |relation: &Value| relation["sync"]["problem"].is_string();
        let waiting = company.customers.until(&company.person, &company.member, has_problem).await;
        assert_eq!(waiting["tags"][0]["state"], "waiting", "{fault}: {waiting}");
        company.customers.faults(&company.wecom, json!({})).await;
        let synced = company.synced().await;
        assert_eq!((&synced["sync"]["problem"], wanted(&synced).len()), (&Value::Null, 1), "{fault}");
        assert_eq!(company.in_wecom().await, sorted([&company.tags[0]]));
        company.finish().await;
    }
}

#[tokio::test]
async fn a_tag_that_wecom_does_not_know_is_refused_alone() {
    let company = Company::start().await;
    let [bad, good, old] = &company.tags[..3] else { panic!("too few tags") };
    company.set(&[old]).await;
    company.synced().await;
    for tag in [bad, old] {
        delete_in_wecom(&company.wecom, tag).await;
    }
    company.set(&[bad, good]).await;
    let synced = company.synced().await;
    let of = |id: &str| synced["tags"].as_array().unwrap().iter().find(|tag| tag["id"] == id).cloned();
    let refused = of(bad).unwrap();
    assert_eq!((&refused["state"], &refused["in_wecom"]), (&json!("refused"), &json!(false)));
    assert!(refused["problem"].as_str().unwrap().contains("40068"), "{refused}");
    assert_eq!(of(good).unwrap()["state"], "synced");
    assert_eq!(of(old), None, "who is to lose a deleted tag has lost it");
    assert_eq!(company.in_wecom().await, sorted([good]));
    // Nobody asks again by itself, and a reading does not hide the refusal.
    let calls = company.wecom.calls(MARK).len();
    company.customers.hear([company.reading(&[good], 30)]).await;
    assert_eq!(company.relation().await["tags"].as_array().unwrap().len(), 2);
    assert_eq!(company.wecom.calls(MARK).len(), calls);
    company.set(&[good]).await;
    assert_eq!(company.synced().await["tags"].as_array().unwrap().len(), 1);
    company.finish().await;
}

#[tokio::test]
async fn who_is_no_contact_in_wecom_any_more_is_refused_with_its_words() {
    let company = Company::start().await;
    let remove = json!({"app": APP, "type": "del_external_contact",
        "fields": {"UserID": company.member, "ExternalUserID": company.person}});
    let (status, done) = company.wecom.control(Method::POST, "/_control/events", &remove).await;
    assert_eq!(status, 200, "{done}");
    company.set(&[&company.tags[0]]).await;
    let synced = company.synced().await;
    assert_eq!(synced["tags"][0]["state"], "refused", "{synced}");
    assert!(synced["tags"][0]["problem"].as_str().unwrap().contains("84061"), "{synced}");

    // Once we know, nobody is asked.
    let now = company.customers.clock.now().timestamp();
    let removed = company.customers.removed(&company.person, &company.member, now, 1, RemovedBy::Member);
    company.customers.hear([removed]).await;
    let (status, problem) = company.customers.set_tags(&company.person, &company.member, &[]).await;
    assert_eq!((status, &problem["code"]), (409, &json!("relation_ended")));
    company.finish().await;
}

#[tokio::test]
async fn what_cannot_be_wanted_is_refused() {
    let company = Company::start().await;
    let (customers, person, member) = (&company.customers, &company.person, &company.member);
    let (status, problem) =
        customers.set_tags(person, member, &[&company.tags[0], "et-nothing", "\u{0}"]).await;
    assert_eq!(status, 422, "{problem}");
    let fields = problem["fields"].as_array().unwrap().iter().map(|field| &field["field"]);
    assert_eq!(fields.collect::<Vec<_>>(), ["tag_ids[1]", "tag_ids[2]"]);
    let many = vec![company.tags[0].as_str(); 301];
    assert_eq!(customers.set_tags(person, member, &many).await.1["fields"][0]["field"], "tag_ids");

    let path = customers.tags_path(person, member).await;
    let body = json!({"tag_ids": [company.tags[0]]});
    assert_eq!(customers.admin().put(&path, &body).await.0, 428);
    let old = customers.admin().with_header("If-Match", "\"7\"");
    let (status, problem) = old.put(&path, &body).await;
    assert_eq!((status, &problem["code"]), (409, &json!("tags_changed")));
    let nobody = path.replace(member.as_str(), "nobody");
    let (status, problem) = old.put(&nobody, &body).await;
    assert_eq!((status, &problem["code"]), (404, &json!("relation_not_found")));
    customers.settled().await;
    assert!(company.wecom.calls(MARK).is_empty());
    company.finish().await;
}

#[tokio::test]
async fn relations_are_marked_beside_each_other_and_no_more_than_wecom_bears() {
    let company = Company::start().await;
    let mut people = vec![(company.person.clone(), company.member.clone())];
    for _ in 0..11 {
        let scan = json!({"app": APP, "type": "scan", "fields": {"state": "referral"}});
        let (_, done) = company.wecom.control(Method::POST, "/_control/events", &scan).await;
        let text = |field: &str| done["deliveries"][0][field].as_str().unwrap().to_owned();
        people.push((text("external_user_id"), text("user_id")));
    }
    let now = company.customers.clock.now().timestamp();
    let readings = people[1..].iter().map(|(person, member)| {
        company.customers.read(person, "Wang", vec![follower(member, now - 60, &[])], now - 30)
    });
    company.customers.hear(readings.collect::<Vec<_>>()).await;
    company.customers.faults(&company.wecom, json!({"api": {MARK: {"latency_ms": 30}}})).await;
    for (person, member) in &people {
        assert_eq!(company.customers.set_tags(person, member, &[&company.tags[0]]).await.0, 200);
    }
    company.customers.settled().await;
    let calls = company.wecom.calls(MARK);
    assert_eq!(calls.len(), people.len(), "none was refused for being one too many");
    assert!(calls.iter().all(|(_, answer)| answer["errcode"] == 0), "{calls:?}");
    company.finish().await;
}
