//! A running service, and members as ingest publishes them.

use std::time::Duration;

use scrm_db::Db;
use scrm_directory::Directory;
use scrm_directory::app::Cost;
use scrm_kernel::access::{Actor, BuiltIn, Permissions};
use scrm_kernel::time::from_millis;
use scrm_kernel::{Clock, CorpId, Lifecycle, StaffId};
use scrm_mq::topology::DIRECTORY_ROSTER;
use scrm_process::Service as _;
use scrm_proto::directory::v1::StaffChanged;
use scrm_proto::wecom::v1::{MemberGone, MemberPlace, MemberRead, MemberRenamed, MemberStatus};
use scrm_proto::{Envelope, Event};
use scrm_testing::{Client, TestBroker, TestDatabase, TestServer, envelope_of};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// The service with its own database, broker and port.
pub(crate) struct TestDirectory {
    pub(crate) clock: Clock,
    pub(crate) broker: TestBroker,
    pub(crate) server: TestServer,
    pub(crate) corp: CorpId,
    pub(crate) directory: Directory,
    rows: Db,
    database: TestDatabase,
    lifecycle: Lifecycle,
}

impl TestDirectory {
    pub(crate) async fn start() -> Self {
        let (clock, lifecycle) = (scrm_testing::clock(), Lifecycle::new());
        let database = TestDatabase::new("directory").await;
        let broker = TestBroker::start(&[DIRECTORY_ROSTER], clock.clone()).await;
        let setup = scrm_testing::setup(&database, &broker, &clock, &lifecycle).await;
        let tokens = setup.tokens.clone();
        let directory = Directory::start_with(setup, Cost::Least).await.unwrap();
        let server = TestServer::with_tokens(tokens, vec![directory.routes()], &lifecycle);
        let rows = Db::peek(database.database(), clock.clone()).await.unwrap();
        let corp = CorpId::mint(clock.now());
        Self { clock, broker, server, corp, directory, rows, database, lifecycle }
    }

    /// Starts one more process of the service on the same database and the same queue.
    pub(crate) async fn replica(&self) -> Directory {
        let setup = scrm_testing::setup(&self.database, &self.broker, &self.clock, &self.lifecycle).await;
        Directory::start_with(setup, Cost::Least).await.unwrap()
    }

    pub(crate) fn admin(&self) -> Client {
        self.server.admin(self.corp)
    }

    /// Returns a client of somebody who has a role and belongs to some departments.
    pub(crate) fn somebody(&self, role: BuiltIn, staff: Option<StaffId>, departments: &[i64]) -> Client {
        let permissions = Permissions::of_role(role, departments).into();
        self.server.client_of(Actor { staff, permissions, ..Actor::of_role(role, self.corp, "test") })
    }

    /// Returns a new enterprise, to which nothing is known.
    pub(crate) fn another_corp(&self) -> CorpId {
        CorpId::mint(self.clock.now())
    }

    /// Publishes events and waits until they are handled and what they caused is published.
    pub(crate) async fn hear(&self, events: impl IntoIterator<Item = Envelope>) {
        self.broker.publish(events).await;
        self.broker.at_rest(&self.rows).await;
    }

    /// Waits until what requests caused is published.
    pub(crate) async fn settled(&self) {
        self.broker.at_rest(&self.rows).await;
    }

    /// Returns the members of a corp whom a query finds.
    pub(crate) async fn staff_of(&self, corp: CorpId, query: &str) -> Vec<Value> {
        let path = format!("/api/v1/directory/staff{query}");
        let (status, page) = self.server.admin(corp).get(&path).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    pub(crate) async fn staff(&self) -> Vec<Value> {
        self.staff_of(self.corp, "").await
    }

    /// Returns the only member of a corp.
    pub(crate) async fn only_of(&self, corp: CorpId) -> Value {
        let staff = self.staff_of(corp, "").await;
        let [only] = staff.as_slice() else { panic!("there are {staff:?}") };
        only.clone()
    }

    /// Returns what was told of the staff, in order.
    pub(crate) fn told(&self) -> Vec<StaffChanged> {
        self.broker.published::<StaffChanged>().into_iter().map(|(_, event)| event).collect()
    }

    pub(crate) async fn finish(self) {
        self.lifecycle.stop();
        assert!(self.lifecycle.finish(PATIENCE).await, "a task of the service failed");
        self.rows.close().await.unwrap();
        self.directory.close().await.unwrap();
        self.broker.finish().await;
        self.database.finish().await;
    }
}

/// Puts an event that happened at a second of the test's time into an envelope.
pub(crate) fn at<E: Event>(corp: CorpId, second: i64, event: &E) -> Envelope {
    let received_seq = Some(second);
    Envelope { received_seq, ..envelope_of(corp, from_millis(second * 1000), event) }
}

/// Returns a reading of an active member of department 2.
pub(crate) fn member(corp: CorpId, id: &str, name: &str) -> MemberRead {
    MemberRead {
        corp_id: corp.to_string(),
        user_id: id.to_owned(),
        name: name.to_owned(),
        alias: String::new(),
        position: "顾问".to_owned(),
        departments: vec![MemberPlace { department_id: 2, leads: false }],
        main_department: 2,
        leader_user_ids: vec!["HanMeimei".to_owned()],
        status: MemberStatus::Active.into(),
        avatar: "https://example.com/face.png".to_owned(),
    }
}

pub(crate) fn read(corp: CorpId, id: &str, name: &str, second: i64) -> Envelope {
    at(corp, second, &member(corp, id, name))
}

pub(crate) fn gone(corp: CorpId, id: &str, second: i64) -> Envelope {
    at(corp, second, &MemberGone { corp_id: corp.to_string(), user_id: id.to_owned() })
}

pub(crate) fn renamed(corp: CorpId, former: &str, id: &str, second: i64) -> Envelope {
    let event = MemberRenamed {
        corp_id: corp.to_string(),
        user_id: id.to_owned(),
        former_user_id: former.to_owned(),
    };
    at(corp, second, &event)
}

/// Returns the orders that `count` things may have.
pub(crate) fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for next in 0..count {
        let longer = |order: Vec<usize>| {
            (0..=order.len()).map(move |place| {
                let mut order = order.clone();
                order.insert(place, next);
                order
            })
        };
        orders = orders.into_iter().flat_map(longer).collect();
    }
    orders
}
