//! A running service, and contacts as ingest publishes them.

use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::access::{Actor, BuiltIn, Permissions};
use scrm_kernel::time::from_millis;
use scrm_kernel::{Clock, CorpId, KeyRing, Lifecycle, StaffId};
use scrm_leads::Leads;
use scrm_media::MediaStore;
use scrm_mq::Queue;
use scrm_mq::topology::{
    LEADS_CARD, LEADS_CARD_ANSWER, LEADS_CARD_CLICK, LEADS_CHANNEL, LEADS_CONTACT, LEADS_CUSTOMER,
    LEADS_STAFF, LEADS_SUBMISSION, LEADS_TRANSFER, LEADS_WELCOME,
};
use scrm_process::{Service as _, Setup};
use scrm_proto::Envelope;
use scrm_proto::leads::v1::LeadAssigned;
use scrm_proto::wecom::v1::ContactAdded;
use scrm_testing::{Client, Shape, TestBroker, TestDatabase, TestServer, TestWecom, envelope_of};
use scrm_wecom::client::Client as WecomClient;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::Value;

/// The queues that the service listens to.
const QUEUES: [Queue; 10] = [
    LEADS_CARD,
    LEADS_CARD_ANSWER,
    LEADS_CARD_CLICK,
    LEADS_CHANNEL,
    LEADS_CONTACT,
    LEADS_CUSTOMER,
    LEADS_STAFF,
    LEADS_SUBMISSION,
    LEADS_TRANSFER,
    LEADS_WELCOME,
];
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the queues, of which that of cards wants nothing.
fn without_cards() -> [Queue; QUEUES.len()] {
    QUEUES.map(|queue| if queue == LEADS_CARD { Queue { kinds: &[], ..queue } } else { queue })
}

/// The service with its own database, broker and port.
pub(crate) struct TestLeads {
    pub(crate) clock: Clock,
    pub(crate) broker: TestBroker,
    pub(crate) server: TestServer,
    pub(crate) corp: CorpId,
    pub(crate) keys: KeyRing,
    pub(crate) rows: Db,
    pub(crate) leads: Leads,
    database: TestDatabase,
    lifecycle: Lifecycle,
}

impl TestLeads {
    /// Starts the service without WeCom, and without cards: those of many leads in one minute wait for its end.
    pub(crate) async fn start() -> Self {
        Self::start_with(&without_cards(), scrm_testing::clock(), None).await
    }

    /// Starts the service of an enterprise that is not connected to WeCom.
    pub(crate) async fn without_wecom() -> Self {
        Self::start_with(&QUEUES, scrm_testing::clock(), None).await
    }

    /// Starts the service of an installation that says no place for files.
    pub(crate) async fn without_files() -> Self {
        let nowhere = MediaStore::open(&scrm_media::Settings::default(), None).unwrap();
        let no_files = |setup| Setup { media: nowhere, ..setup };
        Self::start_changed(&without_cards(), scrm_testing::clock(), no_files).await
    }

    /// Starts the service connected to a simulated WeCom; use its clock.
    pub(crate) async fn with_wecom(wecom: &TestWecom) -> Self {
        Self::start_with(&QUEUES, wecom.clock(), Some(wecom.client().await)).await
    }

    /// Starts the service without cards, with a connection of its own to a simulated WeCom whose clock this is.
    pub(crate) async fn speaking(clock: Clock, wecom: WecomClient) -> Self {
        Self::start_with(&without_cards(), clock, Some(wecom)).await
    }

    async fn start_with(queues: &[Queue], clock: Clock, wecom: Option<WecomClient>) -> Self {
        Self::start_changed(queues, clock, |setup| speaking(setup, wecom)).await
    }

    async fn start_changed(queues: &[Queue], clock: Clock, change: impl FnOnce(Setup) -> Setup) -> Self {
        let lifecycle = Lifecycle::new();
        let keys = KeyRing::generate();
        let database = TestDatabase::new("leads").await;
        let broker = TestBroker::start(queues, clock.clone()).await;
        let leads = started(&database, &keys, &clock, &broker, &lifecycle, change).await;
        let server = TestServer::start(vec![leads.routes()], clock.clone(), &lifecycle);
        let rows = Db::peek(database.database(), clock.clone()).await.unwrap();
        let corp = CorpId::mint(clock.now());
        Self { clock, broker, server, corp, keys, rows, leads, database, lifecycle }
    }

    /// Starts one more process of the service on the same database and the same queues.
    pub(crate) async fn replica(&self) -> Leads {
        started(&self.database, &self.keys, &self.clock, &self.broker, &self.lifecycle, |setup| setup).await
    }

    /// Starts one more process of the service, connected to a simulated WeCom, where there may be one: the relay of an
    /// embedded process does not expect another one, which would publish what it publishes.
    pub(crate) async fn replica_with(&self, wecom: &TestWecom) -> Option<Leads> {
        if Shape::chosen() == Shape::Embedded {
            return None;
        }
        let client = wecom.client().await;
        let wecom = |setup| speaking(setup, Some(client));
        Some(started(&self.database, &self.keys, &self.clock, &self.broker, &self.lifecycle, wecom).await)
    }

    pub(crate) fn admin(&self) -> Client {
        self.server.admin(self.corp)
    }

    /// Returns a client of somebody who has a role and belongs to some departments.
    pub(crate) fn somebody(&self, role: BuiltIn, staff: Option<StaffId>, departments: &[i64]) -> Client {
        let permissions = Permissions::of_role(role, departments).into();
        self.server.client_of(Actor { staff, permissions, ..Actor::of_role(role, self.corp, "test") })
    }

    /// Publishes contacts and waits until they are handled and what they caused is published.
    pub(crate) async fn hear(&self, contacts: impl IntoIterator<Item = Envelope>) {
        self.broker.publish(contacts).await;
        self.settled().await;
    }

    pub(crate) async fn settled(&self) {
        self.broker.at_rest(&self.rows).await;
    }

    /// Returns the leads of a customer, as the API shows them.
    pub(crate) async fn leads_of(&self, customer: &str) -> Vec<Value> {
        let (status, page) =
            self.admin().get(&format!("/api/v1/leads/leads?external_user_id={customer}")).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    /// Returns the only lead of a customer.
    pub(crate) async fn lead_of(&self, customer: &str) -> Value {
        let leads = self.leads_of(customer).await;
        let [lead] = leads.as_slice() else { panic!("{customer} has {} leads", leads.len()) };
        lead.clone()
    }

    /// Returns the spelling of the owner's id.
    pub(crate) async fn owner_of(&self, customer: &str) -> String {
        self.lead_of(customer).await["owner"]["user_id"].as_str().unwrap().to_owned()
    }

    /// Returns what a query counts as `found`.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        let rows: &DatabaseConnection = self.rows.reader();
        let statement = Statement::from_string(rows.get_database_backend(), query);
        rows.query_one_raw(statement).await.unwrap().unwrap().try_get("", "found").unwrap()
    }

    /// Returns the sealed bytes in a column of the only row of a table.
    pub(crate) async fn sealed_of(&self, table: &str, column: &str) -> Vec<u8> {
        let rows: &DatabaseConnection = self.rows.reader();
        let text = format!("SELECT {column} AS sealed FROM {table}");
        let statement = Statement::from_string(rows.get_database_backend(), text);
        rows.query_one_raw(statement).await.unwrap().unwrap().try_get("", "sealed").unwrap()
    }

    /// Counts the touches of a customer.
    pub(crate) async fn touches_of(&self, customer: &str) -> i64 {
        self.rows_of(&format!("touch WHERE external_user_id = '{customer}'")).await
    }

    /// Counts the rows of a table, with a condition if there is one.
    pub(crate) async fn rows_of(&self, table: &str) -> i64 {
        let rows: &DatabaseConnection = self.rows.reader();
        let text = format!("SELECT count(*) AS found FROM {table}");
        let statement = Statement::from_string(rows.get_database_backend(), text);
        rows.query_one_raw(statement).await.unwrap().unwrap().try_get("", "found").unwrap()
    }

    /// Returns lead and owner of every assignment published about a customer, in order.
    pub(crate) fn assignments_of(&self, customer: &str) -> Vec<(String, String)> {
        let published = self.broker.published::<LeadAssigned>();
        let about = published.into_iter().filter(|(_, event)| event.external_user_id == customer);
        about.map(|(_, event)| (event.lead_id, event.owner_user_id)).collect()
    }

    pub(crate) async fn finish(self) {
        self.lifecycle.stop();
        assert!(self.lifecycle.finish(PATIENCE).await, "a task of the service failed");
        self.rows.close().await.unwrap();
        self.leads.close().await.unwrap();
        self.broker.finish().await;
        self.database.finish().await;
    }
}

async fn started(
    database: &TestDatabase,
    keys: &KeyRing,
    clock: &Clock,
    broker: &TestBroker,
    lifecycle: &Lifecycle,
    change: impl FnOnce(Setup) -> Setup,
) -> Leads {
    let setup = scrm_testing::setup(database, broker, clock, lifecycle).await;
    let setup = Setup { keys: keys.clone(), ..setup };
    Leads::start(change(setup)).await.unwrap()
}

fn speaking(setup: Setup, wecom: Option<WecomClient>) -> Setup {
    match wecom {
        Some(wecom) => Setup { wecom, ..setup },
        None => setup,
    }
}

/// A contact, as an event tells it.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) event: ContactAdded,
    corp: CorpId,
    second: i64,
    seq: Option<i64>,
}

impl TestLeads {
    /// Returns the contact of a customer with a member, at a second of the test's time and a place in the order of arrival.
    pub(crate) fn contact(&self, member: &str, customer: &str, second: i64, seq: i64) -> Contact {
        let event = ContactAdded {
            corp_id: self.corp.to_string(),
            app: "demo".to_owned(),
            user_id: member.to_owned(),
            external_user_id: customer.to_owned(),
            state: "spring-fair".to_owned(),
            welcome_code: String::new(),
            half: false,
        };
        Contact { event, corp: self.corp, second, seq: Some(seq) }
    }
}

impl Contact {
    /// Returns it as the member has not confirmed it yet.
    pub(crate) fn half(mut self) -> Self {
        self.event.half = true;
        self
    }

    /// Returns it as another app tells it.
    pub(crate) fn through(mut self, app: &str) -> Self {
        app.clone_into(&mut self.event.app);
        self
    }

    /// Returns a message that tells it, with an id of its own.
    pub(crate) fn told(&self) -> Envelope {
        let occurred_at = from_millis(self.second * 1000);
        let received_at = Some(occurred_at + Duration::from_millis(250));
        Envelope { received_at, received_seq: self.seq, ..envelope_of(self.corp, occurred_at, &self.event) }
    }
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
