//! Transfers that WeCom does not do, does unheard, or tells of by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use scrm_kernel::{CorpId, ExternalUserId, WecomUserId};
use scrm_proto::wecom::v1::{ContactRemoved, RemovedBy, TransferFailed};
use scrm_testing::{TestWecom, envelope_of};
use scrm_wecom::client::token::{Grant, TokenError, TokenSource};
use scrm_wecom::client::{Handover, Transfer};
use serde_json::json;

use crate::transfer_support::{Office, RESULT, TRANSFER};

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
    scrm_testing::eventually("what did not work", async || {
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
    let speaker = office.wecom.client().of(office.leads.corp, None);
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
        wecom.client_by(Arc::new(Fatal { tokens: wecom.tokens(), has_killed: AtomicBool::new(false) }));
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
