//! Transfers that WeCom does not do, does unheard, or tells of by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use scrm_kernel::{CorpId, ExternalUserId, MessageId, WecomUserId};
use scrm_mq::topology::LEADS_TRANSFER;
use scrm_proto::Envelope;
use scrm_proto::leads::v1::TransferRequested;
use scrm_proto::wecom::v1::{ContactRemoved, RemovedBy, TransferFailed};
use scrm_testing::{TestWecom, envelope_of, eventually, eventually_within};
use scrm_wecom::client::token::{Grant, TokenError, TokenSource};
use scrm_wecom::client::{Handover, Transfer};
use serde_json::{Value, json};

use crate::dead_letter::LETTERS;
use crate::transfer_support::{Office, PATIENCE, RESULT, TRANSFER};

const STILL: Duration = Duration::ZERO;
const TICK: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_request_that_was_heard_without_an_answer_is_not_made_again() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    office.set("faults", json!({"api": {TRANSFER: {"close_after_accept": 1}}})).await;
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    let waiting = office.transfer_in(&lead, "waiting", TICK).await;
    assert_eq!((&waiting["attempts"], &waiting["reason"]), (&json!(2), &json!(null)));
    assert_eq!((office.wecom.calls(TRANSFER).len(), office.wecom.calls(RESULT).len()), (1, 1));
    office.finish().await;
}

#[tokio::test]
async fn a_busy_wecom_is_asked_again() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    office.set("faults", json!({"api": {TRANSFER: {"error_rate": 1, "errcode": -1}}})).await;
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    let troubled = office.transfer_in(&lead, "wanted", STILL).await;
    eventually("what did not work", async || {
        let transfers = office.transfers(&lead).await;
        (transfers[0]["errcode"] == -1).then_some(())
    })
    .await;
    assert_eq!(troubled["at"], troubled["requested_at"]);
    office.set("faults", json!({})).await;
    let waiting = office.transfer_in(&lead, "waiting", TICK).await;
    assert_eq!((&waiting["attempts"], &waiting["errcode"]), (&json!(2), &json!(null)));
    assert!(office.wecom.calls(RESULT).is_empty(), "nothing was unclear");
    office.finish().await;
}

#[tokio::test]
async fn what_wecom_refuses_is_shown_in_words() {
    let office = Office::open().await;
    // The service believes in a contact that WeCom knows nothing of.
    office.hear(0, "wm1", 1).await;
    let lead = office.leads.lead_of("wm1").await["id"].as_str().unwrap().to_owned();
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    let failed = office.transfer_in(&lead, "failed", STILL).await;
    assert_eq!(failed["errcode"], 40131);
    assert_eq!(failed["reason"], "the customer is not a contact of the former owner in WeCom");
    assert_eq!(office.leads.owner_of("wm1").await, office.staff[1]);

    // A transfer under way in WeCom that is not ours.
    let lead = office.captured(0, "wm2").await;
    let speaker = office.wecom.client().await.of(office.leads.corp, None);
    let ours = |to: usize| Transfer {
        from: WecomUserId::parse(&office.staff[0]).unwrap(),
        to: WecomUserId::parse(&office.staff[to]).unwrap(),
        customers: vec![ExternalUserId::parse("wm2").unwrap()],
        message: None,
    };
    speaker.transfer_customers(Handover::OnJob, &ours(2)).await.unwrap();
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    let failed = office.transfer_in(&lead, "failed", STILL).await;
    assert_eq!(failed["errcode"], 40129, "{failed}");
    office.finish().await;
}

#[tokio::test]
async fn callbacks_settle_a_transfer_at_once() {
    let office = Office::open().await;
    let cases = [
        ("wm1", "customer_refused", "refused"),
        ("wm2", "customer_limit_exceed", "failed"),
        ("wm3", "something new", "failed"),
        ("wm4", "", "done"),
    ];
    for (customer, reason, state) in cases {
        let lead = office.captured(0, customer).await;
        assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
        office.transfer_in(&lead, "waiting", STILL).await;
        let (corp, now) = (office.leads.corp, office.leads.clock.now());
        let failed = |taker: usize| TransferFailed {
            corp_id: corp.to_string(),
            app: "demo".to_owned(),
            user_id: office.staff[taker].to_uppercase(),
            external_user_id: customer.to_owned(),
            reason: reason.to_owned(),
        };
        let gone = ContactRemoved {
            corp_id: corp.to_string(),
            app: "demo".to_owned(),
            user_id: office.staff[0].clone(),
            external_user_id: customer.to_owned(),
            by: RemovedBy::Transfer.into(),
        };
        // Of another member, and of an earlier transfer.
        let hour_ago = now - Duration::from_hours(1);
        office
            .leads
            .hear([envelope_of(corp, now, &failed(2)), envelope_of(corp, hour_ago, &failed(1))])
            .await;
        assert_eq!(office.transfers(&lead).await[0]["state"], "waiting", "{customer}");
        let told = match state {
            "done" => envelope_of(corp, now, &gone),
            _ => envelope_of(corp, now, &failed(1)),
        };
        office.leads.hear([told]).await;
        let settled = office.transfers(&lead).await[0].clone();
        assert_eq!((&settled["state"], &settled["ends_at"]), (&json!(state), &json!(null)), "{settled}");
        assert_eq!(settled["reason"].is_string(), state == "failed", "{settled}");

        // Told otherwise later, it stays.
        office.leads.hear([envelope_of(corp, now, &failed(1)), envelope_of(corp, now, &gone)]).await;
        assert_eq!(office.transfers(&lead).await, [settled]);
    }
    office.finish().await;
}

impl Office {
    /// Has the only request for a transfer come once more, as often tried in vain as the ladder has rungs; returns its
    /// dead letter.
    async fn given_up(&self) -> Value {
        let requested = self.leads.broker.published::<TransferRequested>();
        let [(told, _)] = requested.as_slice() else { panic!("{requested:?}") };
        let message_id = MessageId::mint(self.leads.clock.now());
        let attempt = u32::try_from(LEADS_TRANSFER.ladder.rungs().len()).unwrap();
        let last = Envelope { message_id, attempt, ..told.clone() };
        self.leads.broker.broker().redrive(&LEADS_TRANSFER, vec![last]).await.pop().unwrap().unwrap();
        eventually("a dead letter is kept", async || {
            let (_, page) = self.leads.admin().get(&format!("{LETTERS}?queue=leads.transfer")).await;
            page["items"].as_array()?.first().cloned()
        })
        .await
    }

    /// Has a dead letter put back, and waits until nothing is left to do, what waits on the ladder included.
    async fn put_back(&self, letter: &Value) {
        let path = format!("{LETTERS}/{}", letter["id"].as_str().unwrap());
        assert_eq!(self.leads.admin().post(&format!("{path}/redrive"), &json!({})).await.0, 200);
        eventually_within(PATIENCE, "it is put back and handled", async || {
            self.leads.clock.advance(TICK);
            let is_back = self.leads.admin().get(&path).await.1["state"] == "redriven";
            (is_back && self.leads.broker.is_settled()).then_some(())
        })
        .await;
    }

    /// Ends a test in which a request for a transfer was given up.
    async fn finish_with_a_letter(self) {
        assert_eq!(self.leads.broker.dead_letters(&LEADS_TRANSFER, 1).await.len(), 1);
        self.leads.finish().await;
        self.wecom.finish().await;
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_does_not_hold_the_lead() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    office.set("faults", json!({"api": {TRANSFER: {"error_rate": 1, "errcode": -1}}})).await;
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    let what_failed = async || (office.transfers(&lead).await[0]["errcode"] == -1).then_some(());
    eventually("the first attempt in vain", what_failed).await;
    let refused = office.reassign(&lead, 2, 2).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("transfer_running")));

    let letter = office.given_up().await;
    let failed = office.transfer_in(&lead, "failed", STILL).await;
    assert_eq!((&failed["errcode"], &failed["attempts"]), (&json!(-1), &json!(2)), "{failed}");
    assert_eq!(office.reassign(&lead, 2, 2).await.status, 200);
    office.set("faults", json!({})).await;
    let asked = office.wecom.calls(TRANSFER).len();
    office.put_back(&letter).await;
    assert_eq!(office.transfers(&lead).await, [failed], "the lead's second owner never had the customer");
    assert_eq!(office.wecom.calls(TRANSFER).len(), asked);
    office.finish_with_a_letter().await;
}

#[tokio::test]
async fn a_request_that_is_given_up_and_may_have_been_heard_is_looked_for() {
    let office = Office::open().await;
    // The service believes in a contact that WeCom knows nothing of: the list will show nothing.
    office.hear(0, "wm1", 1).await;
    let lead = office.leads.lead_of("wm1").await["id"].as_str().unwrap().to_owned();
    office.set("faults", json!({"api": {TRANSFER: {"close_after_accept": 1}}})).await;
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    let what_failed = async || office.transfers(&lead).await[0]["reason"].is_string().then_some(());
    eventually("the first attempt in vain", what_failed).await;
    let letter = office.given_up().await;
    let unknown = office.transfer_in(&lead, "unknown", Duration::from_mins(5)).await;
    assert!(unknown["reason"].is_string(), "{unknown}");
    assert_eq!(office.reassign(&lead, 2, 2).await.status, 200);
    office.put_back(&letter).await;
    assert_eq!(office.transfers(&lead).await, [unknown]);
    office.finish_with_a_letter().await;
}

/// Ends whoever wants a token first, as if the process had died there.
struct Fatal {
    tokens: Arc<dyn TokenSource>,
    has_killed: AtomicBool,
}

#[async_trait]
impl TokenSource for Fatal {
    async fn grant(&self, corp: CorpId, app: Option<&str>) -> Result<Grant, TokenError> {
        assert!(self.has_killed.swap(true, Ordering::SeqCst), "a crash between claim and record");
        self.tokens.grant(corp, app).await
    }

    async fn invalidate(&self, grant: &Grant) -> Result<(), TokenError> {
        self.tokens.invalidate(grant).await
    }
}

#[tokio::test]
async fn a_crash_between_claim_and_record_is_resumed_after_the_lease() {
    let wecom = TestWecom::start(scrm_testing::clock());
    let client =
        wecom.client_by(Arc::new(Fatal { tokens: wecom.tokens(), has_killed: AtomicBool::new(false) })).await;
    let office = Office::speaking(wecom, client).await;
    let lead = office.captured(0, "wm1").await;
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    office.transfer_in(&lead, "calling", STILL).await;
    office.leads.clock.advance(Duration::from_mins(3));
    let waiting = office.transfer_in(&lead, "waiting", TICK).await;
    assert_eq!(waiting["attempts"], 2);
    // It looked first, and found nothing.
    assert_eq!((office.wecom.calls(RESULT).len(), office.wecom.calls(TRANSFER).len()), (1, 1));
    office.finish().await;
}

#[tokio::test]
async fn without_wecom_the_lead_goes_over_and_the_transfer_says_why_the_customer_does_not() {
    let wecom = TestWecom::start(scrm_testing::clock());
    let office = Office::without_wecom(wecom).await;
    office.hear(0, "wm1", 1).await;
    let lead = office.leads.lead_of("wm1").await["id"].as_str().unwrap().to_owned();
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    let failed = office.transfer_in(&lead, "failed", STILL).await;
    assert!(failed["reason"].as_str().unwrap().contains("not connected"), "{failed}");
    assert_eq!((&failed["attempts"], &failed["errcode"]), (&json!(1), &json!(null)));
    assert_eq!(office.leads.owner_of("wm1").await, office.staff[1]);
    office.finish().await;
}
