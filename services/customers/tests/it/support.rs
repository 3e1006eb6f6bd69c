//! A running service, and events as ingest and leads publish them.

use std::time::{Duration, Instant};

use reqwest::Method;
use scrm_customers::Customers;
use scrm_db::Db;
use scrm_kernel::access::{Actor, BuiltIn, Permissions};
use scrm_kernel::time::from_millis;
use scrm_kernel::{Clock, CorpId, Lifecycle, StaffId, Timestamp};
use scrm_mq::Queue;
use scrm_mq::topology::{CUSTOMERS_CHANNEL, CUSTOMERS_CONTACT, CUSTOMERS_STAFF, CUSTOMERS_TAG};
use scrm_process::{Service as _, Setup};
use scrm_proto::wecom::v1::{
    ContactAdded, ContactRemoved, CustomerGone, CustomerRead, Follower, RemovedBy, TagsRead,
};
use scrm_proto::wecom::v1::{Tag, TagGroup};
use scrm_proto::{Envelope, Event};
use scrm_testing::{APP, Client, TestBroker, TestDatabase, TestServer, TestWecom, envelope_of};
use serde_json::{Value, json};

/// The queues that the service listens to.
const QUEUES: [Queue; 4] = [CUSTOMERS_CHANNEL, CUSTOMERS_CONTACT, CUSTOMERS_STAFF, CUSTOMERS_TAG];
pub(crate) const CUSTOMERS: &str = "/api/v1/customers/customers";
/// Longer than the first rung of the ladder on RabbitMQ, whose clock no test moves.
const PATIENCE: Duration = Duration::from_secs(40);

/// The service with its own database, broker and port.
pub(crate) struct TestCustomers {
    pub(crate) clock: Clock,
    pub(crate) broker: TestBroker,
    pub(crate) server: TestServer,
    pub(crate) corp: CorpId,
    pub(crate) customers: Customers,
    rows: Db,
    database: TestDatabase,
    lifecycle: Lifecycle,
}

impl TestCustomers {
    /// Starts the service of an enterprise that is not connected to WeCom.
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts the service connected to a simulated WeCom; use its clock.
    pub(crate) async fn with_wecom(wecom: &TestWecom) -> Self {
        Self::start_with(Some(wecom)).await
    }

    async fn start_with(wecom: Option<&TestWecom>) -> Self {
        let (clock, lifecycle) = (wecom.map_or_else(scrm_testing::clock, TestWecom::clock), Lifecycle::new());
        let database = TestDatabase::new("customers").await;
        let broker = TestBroker::start(&QUEUES, clock.clone()).await;
        let setup = scrm_testing::setup(&database, &broker, &clock, &lifecycle).await;
        let setup = match wecom {
            Some(wecom) => Setup { wecom: wecom.client().await, ..setup },
            None => setup,
        };
        let customers = Customers::start(setup).await.unwrap();
        let server = TestServer::start(vec![customers.routes()], clock.clone(), &lifecycle);
        let rows = Db::peek(database.database(), clock.clone()).await.unwrap();
        let corp = CorpId::mint(clock.now());
        Self { clock, broker, server, corp, customers, rows, database, lifecycle }
    }

    pub(crate) fn admin(&self) -> Client {
        self.server.admin(self.corp)
    }

    /// Returns a client of somebody who has a role and belongs to some departments.
    pub(crate) fn somebody(&self, role: BuiltIn, staff: Option<StaffId>, departments: &[i64]) -> Client {
        let permissions = Permissions::of_role(role, departments).into();
        self.server.client_of(Actor { staff, permissions, ..Actor::of_role(role, self.corp, "test") })
    }

    /// Publishes events and waits until they are handled and what they caused is published.
    pub(crate) async fn hear(&self, events: impl IntoIterator<Item = Envelope>) {
        self.broker.publish(events).await;
        self.settled().await;
    }

    pub(crate) async fn settled(&self) {
        self.broker.at_rest(&self.rows).await;
    }

    /// Returns the customers that a list shows.
    pub(crate) async fn list(&self, query: &str) -> Vec<Value> {
        let (status, page) = self.admin().get(&format!("{CUSTOMERS}?{query}")).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    /// Returns a customer by WeCom's id, present or gone.
    pub(crate) async fn customer(&self, person: &str) -> Value {
        let mut found = self.list(&format!("external_user_id={person}")).await;
        found.extend(self.list(&format!("external_user_id={person}&state=gone")).await);
        let [customer] = found.as_slice() else { panic!("{person} is {} customers", found.len()) };
        customer.clone()
    }

    /// Returns the relation of a customer with a member.
    pub(crate) async fn relation(&self, person: &str, member: &str) -> Value {
        let customer = self.customer(person).await;
        let relations = customer["relations"].as_array().unwrap();
        let relation = relations.iter().find(|relation| relation["user_id"] == member);
        relation.unwrap_or_else(|| panic!("no relation with {member} in {customer}")).clone()
    }

    /// Returns what happened with a customer, oldest first: kind, second and member.
    pub(crate) async fn told(&self, person: &str) -> Vec<(String, String, Value)> {
        let entries = self.timeline(person).await;
        let entry = |entry: &Value| {
            let text = |field: &str| entry[field].as_str().unwrap().to_owned();
            (text("kind"), text("at"), entry["user_id"].clone())
        };
        entries.iter().map(entry).collect()
    }

    /// Returns the entries of a customer's timeline, oldest first.
    pub(crate) async fn timeline(&self, person: &str) -> Vec<Value> {
        let customer = self.customer(person).await;
        let path = format!("{CUSTOMERS}/{}/timeline", customer["id"].as_str().unwrap());
        let (status, page) = self.admin().get(&path).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().iter().rev().cloned().collect()
    }

    /// Sets the tags of a relation, from the version that is shown.
    pub(crate) async fn set_tags(&self, person: &str, member: &str, tags: &[&str]) -> (u16, Value) {
        let version = self.relation(person, member).await["version"].clone();
        let path = self.tags_path(person, member).await;
        let admin = self.admin().with_header("If-Match", format!("\"{version}\""));
        admin.put(&path, &json!({"tag_ids": tags})).await
    }

    pub(crate) async fn tags_path(&self, person: &str, member: &str) -> String {
        let customer = self.customer(person).await;
        format!("{CUSTOMERS}/{}/relations/{member}/tags", customer["id"].as_str().unwrap())
    }

    /// Waits until a relation is as `is_right` says; moves the clock on, so that what waits to be repeated is.
    pub(crate) async fn until(&self, person: &str, member: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let relation = self.relation(person, member).await;
            if is_right(&relation) {
                return relation;
            }
            assert!(begun.elapsed() < PATIENCE, "still {relation}");
            if !relation["sync"]["problem"].is_null() {
                self.clock.advance(Duration::from_secs(10));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn finish(self) {
        self.lifecycle.stop();
        assert!(self.lifecycle.finish(PATIENCE).await, "a task of the service failed");
        self.rows.close().await.unwrap();
        self.customers.close().await.unwrap();
        self.broker.finish().await;
        self.database.finish().await;
    }
}

/// Returns a moment of the test's time.
pub(crate) fn second(second: i64) -> Timestamp {
    from_millis(second * 1000)
}

/// Returns the names of the tags in a relation that are wanted.
pub(crate) fn wanted(relation: &Value) -> Vec<&str> {
    let tags = relation["tags"].as_array().unwrap().iter().filter(|tag| tag["is_wanted"] == true);
    tags.map(|tag| tag["id"].as_str().unwrap()).collect()
}

/// Events of the enterprise.
impl TestCustomers {
    pub(crate) fn event<E: Event>(&self, at: i64, seq: Option<i64>, event: &E) -> Envelope {
        Envelope { received_seq: seq, ..envelope_of(self.corp, second(at), event) }
    }

    pub(crate) fn added(&self, person: &str, member: &str, at: i64, seq: i64) -> Envelope {
        let event = ContactAdded {
            corp_id: self.corp.to_string(),
            user_id: member.to_owned(),
            external_user_id: person.to_owned(),
            ..ContactAdded::default()
        };
        self.event(at, Some(seq), &event)
    }

    pub(crate) fn removed(&self, person: &str, member: &str, at: i64, seq: i64, by: RemovedBy) -> Envelope {
        let event = ContactRemoved {
            corp_id: self.corp.to_string(),
            user_id: member.to_owned(),
            external_user_id: person.to_owned(),
            by: by.into(),
            ..ContactRemoved::default()
        };
        self.event(at, Some(seq), &event)
    }

    /// Returns a reading of a customer.
    pub(crate) fn read(&self, person: &str, name: &str, followers: Vec<Follower>, at: i64) -> Envelope {
        let event = CustomerRead {
            corp_id: self.corp.to_string(),
            external_user_id: person.to_owned(),
            name: name.to_owned(),
            r#type: 1,
            followers,
            ..CustomerRead::default()
        };
        self.event(at, None, &event)
    }

    pub(crate) fn gone(&self, person: &str, at: i64) -> Envelope {
        let event = CustomerGone { corp_id: self.corp.to_string(), external_user_id: person.to_owned() };
        self.event(at, None, &event)
    }

    /// Returns a reading of the library: one group with these tags, by id and name.
    pub(crate) fn library(&self, tags: &[(&str, &str)], at: i64) -> Envelope {
        let tag =
            |(id, name): &(&str, &str)| Tag { id: (*id).to_owned(), name: (*name).to_owned(), order: 0 };
        let tags = tags.iter().map(tag).collect();
        let group = TagGroup { id: "g1".to_owned(), name: "Level".to_owned(), order: 1, tags };
        let event = TagsRead { corp_id: self.corp.to_string(), groups: vec![group] };
        self.event(at, None, &event)
    }

    /// Does something to WeCom's API: see the sandbox's faults.
    pub(crate) async fn faults(&self, wecom: &TestWecom, faults: Value) {
        let (status, answer) = wecom.control(Method::PUT, "/_control/faults", &faults).await;
        assert_eq!(status, 200, "{answer}");
    }
}

/// Returns what a reading lists of a member.
pub(crate) fn follower(member: &str, met_at: i64, tags: &[&str]) -> Follower {
    Follower {
        user_id: member.to_owned(),
        added_at: met_at,
        tag_ids: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..Follower::default()
    }
}

/// Deletes a tag in WeCom.
pub(crate) async fn delete_in_wecom(wecom: &TestWecom, tag: &str) {
    let app = wecom.sandbox.app(APP).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/cgi-bin/gettoken?corpid={}&corpsecret={}", wecom.url(), app.corp_id, app.secret);
    let token: Value = http.get(url).send().await.unwrap().json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let url = format!("{}/cgi-bin/externalcontact/del_corp_tag?access_token={token}", wecom.url());
    let answer = http.post(url).json(&json!({"tag_id": [tag]})).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["errcode"], 0);
}
