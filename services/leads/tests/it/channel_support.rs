//! Channels, the contact ways that follow them, and customers who scan their codes.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use reqwest::Method;
use scrm_testing::{APP, TestWecom};
use scrm_wecom::client::ContactWay;
use serde_json::{Value, json};

use crate::support::{Contact, TestLeads};

pub(crate) const CHANNELS: &str = "/api/v1/leads/channels";
/// Longer than the first rung of the ladder on RabbitMQ, whose clock no test moves.
const PATIENCE: Duration = Duration::from_secs(40);

/// The service and the WeCom that it speaks with.
pub(crate) struct Company {
    pub(crate) wecom: TestWecom,
    pub(crate) leads: TestLeads,
    /// The userids of members.
    pub(crate) staff: Vec<String>,
    seq: AtomicI64,
}

impl Company {
    pub(crate) async fn start() -> Self {
        let wecom = TestWecom::start(scrm_testing::clock());
        let staff = wecom.sandbox.app(APP).unwrap().staff;
        let leads = TestLeads::with_wecom(&wecom).await;
        Self { wecom, leads, staff, seq: AtomicI64::new(1) }
    }

    /// Makes a channel and waits until WeCom has a code for it.
    pub(crate) async fn channel(&self, body: Value) -> Value {
        let (status, made) = self.leads.admin().post(CHANNELS, &body).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!((&made["qr_code"], &made["applied"]), (&Value::Null, &Value::Null), "{made}");
        self.synced(&made).await
    }

    pub(crate) async fn read(&self, channel: &Value) -> Value {
        let path = format!("{CHANNELS}/{}", channel["id"].as_str().unwrap());
        let (status, read) = self.leads.admin().get(&path).await;
        assert_eq!(status, 200, "{read}");
        read
    }

    /// Writes a channel, from the version that is shown.
    pub(crate) async fn write(&self, channel: &Value, body: &Value) -> Value {
        let path = format!("{CHANNELS}/{}", channel["id"].as_str().unwrap());
        let version = format!("\"{}\"", channel["version"]);
        let (status, written) = self.leads.admin().with_header("If-Match", version).put(&path, body).await;
        assert_eq!(status, 200, "{written}");
        written
    }

    /// Waits until a channel is shown in a state; moves the clock on, so that what waits to be repeated is.
    pub(crate) async fn until(&self, channel: &Value, state: &str) -> Value {
        let begun = Instant::now();
        loop {
            let read = self.read(channel).await;
            if read["sync"]["state"] == state {
                return read;
            }
            assert!(begun.elapsed() < PATIENCE, "not {state}: {read}");
            if !read["sync"]["problem"].is_null() && read["sync"]["state"] == "waiting" {
                self.leads.clock.advance(Duration::from_secs(10));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until WeCom has what is wanted, and sees that it does.
    pub(crate) async fn synced(&self, channel: &Value) -> Value {
        self.until(channel, "synced").await;
        self.leads.settled().await;
        let read = self.until(channel, "synced").await;
        let [way] = &self.ways_of(&read).await[..] else { panic!("not one way of {read}") };
        assert_eq!(json!(way.users), read["wanted"], "{read}");
        assert_eq!(read["applied"], read["wanted"], "{read}");
        assert_eq!(json!(way.qr_code), read["qr_code"]);
        read
    }

    /// Returns the ways that WeCom has with the `state` of a channel.
    pub(crate) async fn ways_of(&self, channel: &Value) -> Vec<ContactWay> {
        let (speaker, now) = (self.wecom.client().await.of(self.leads.corp, None), self.leads.clock.now());
        let ids = speaker.contact_ways(now - Duration::from_hours(24 * 60), now);
        let mut ways = Vec::new();
        for id in ids.try_collect::<Vec<_>>().await.unwrap() {
            let way = speaker.contact_way(&id).await.unwrap();
            if way.state == channel["state"].as_str().unwrap() {
                ways.push(way);
            }
        }
        ways
    }

    /// Lets the next customer scan a channel's code; returns whom she met, and the contact.
    pub(crate) async fn scan(&self, channel: &Value) -> (String, Contact) {
        let scan = json!({"app": APP, "type": "scan", "fields": {"state": channel["state"]}});
        let (status, done) = self.wecom.control(Method::POST, "/_control/events", &scan).await;
        assert_eq!(status, 200, "{done}");
        let text = |field: &str| done["deliveries"][0][field].as_str().unwrap().to_owned();
        let (member, customer) = (text("user_id"), text("external_user_id"));
        (member.clone(), self.contact(channel, &member, &customer))
    }

    /// Returns the contact of a customer with a member, as it happens now.
    pub(crate) fn contact(&self, channel: &Value, member: &str, customer: &str) -> Contact {
        let (now, seq) = (self.leads.clock.now().timestamp(), self.seq.fetch_add(1, Ordering::Relaxed));
        let mut contact = self.leads.contact(member, customer, now, seq);
        channel["state"].as_str().unwrap().clone_into(&mut contact.event.state);
        contact
    }

    pub(crate) async fn faults(&self, faults: Value) {
        let (status, answer) = self.wecom.control(Method::PUT, "/_control/faults", &faults).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) async fn finish(self) {
        self.leads.finish().await;
        self.wecom.finish().await;
    }
}
