//! New customers are read from WeCom once their event is out.

use reqwest::Method;
use scrm_mq::topology::INGEST_PROFILE;
use scrm_proto::wecom::v1::{ContactAdded, ContactRemoved, CustomerRead, RemovedBy};
use scrm_testing::{TestWecom, eventually};
use serde_json::{Value, json};

use crate::support::{TestIngest, Wecom, added};

const GET: &str = "externalcontact/get";

/// A service connected to a simulated WeCom whose callbacks go nowhere: the tests tell it what happened.
async fn connected() -> (TestIngest, TestWecom, Wecom) {
    let simulated = TestWecom::start(scrm_testing::clock());
    let ingest = TestIngest::with_wecom(&simulated).await;
    let app = simulated.sandbox.app("demo").unwrap();
    let wecom = Wecom::of("demo", 1);
    let mut connection = wecom.connection();
    connection["secret"] = json!(app.secret);
    connection["wecom_corp_id"] = json!(app.corp_id);
    connection["api_url"] = json!(simulated.url());
    let (status, body) = ingest.admin().put("/api/v1/ingest/apps/demo", &connection).await;
    assert_eq!(status, 200, "{body}");
    let corp_id: &'static str = Box::leak(app.corp_id.into_boxed_str());
    (ingest, simulated, Wecom { corp_id, ..wecom })
}

async fn arrives(simulated: &TestWecom, customer: &str) -> String {
    let member = simulated.sandbox.app("demo").unwrap().staff[0].clone();
    let event = json!({
        "app": "demo", "type": "add_external_contact",
        "fields": {"UserID": member, "ExternalUserID": customer, "State": "spring-fair"},
    });
    let (status, body) = simulated.control(Method::POST, "/_control/events", &event).await;
    assert_eq!(status, 200, "{body}");
    member
}

async fn tell(ingest: &TestIngest, wecom: &Wecom, change: &str, member: &str, customer: &str) {
    let now = ingest.clock.now();
    let message = added(change, member, customer, now).replace("ww00000000000000c1", wecom.corp_id);
    ingest.take(&wecom.callback(now, message)).await;
}

#[tokio::test]
async fn a_new_customer_is_read_and_told_with_everybody_who_knows_it() {
    let (ingest, simulated, wecom) = connected().await;
    let member = arrives(&simulated, "wm-new").await;
    tell(&ingest, &wecom, "add_external_contact", &member, "wm-new").await;

    let read = eventually("the customer was read", async || {
        ingest.broker.published::<CustomerRead>().into_iter().next()
    })
    .await;
    let (envelope, event) = read;
    assert_eq!((envelope.corp, envelope.key.as_str()), (ingest.corp, "wm-new"));
    assert!(!event.name.is_empty());
    let [follower] = event.followers.as_slice() else { panic!("{event:?}") };
    assert_eq!((follower.user_id.as_str(), follower.state.as_str()), (member.as_str(), "spring-fair"));
    assert_eq!(ingest.broker.published::<ContactAdded>().len(), 1);
    ingest.finish().await;
    simulated.finish().await;
}

#[tokio::test]
async fn a_customer_that_wecom_does_not_show_is_no_dead_letter() {
    let (ingest, simulated, wecom) = connected().await;
    tell(&ingest, &wecom, "add_external_contact", "nobody", "wm-unheard-of").await;
    eventually("WeCom was asked", async || (!simulated.calls(GET).is_empty()).then_some(())).await;
    ingest.processed().await;
    assert_eq!(ingest.broker.published::<CustomerRead>(), Vec::new());
    assert_eq!(ingest.broker.dead_letters(&INGEST_PROFILE, 0).await, Vec::new());
    ingest.finish().await;
    simulated.finish().await;
}

#[tokio::test]
async fn who_parted_from_whom_is_told() {
    let (ingest, simulated, wecom) = connected().await;
    tell(&ingest, &wecom, "del_external_contact", "LiLei", "wm-1").await;
    tell(&ingest, &wecom, "del_follow_user", "LiLei", "wm-2").await;
    let source = "</WelcomeCode><Source><![CDATA[DELETE_BY_TRANSFER]]></Source>";
    let now = ingest.clock.now();
    let transferred = added("del_external_contact", "LiLei", "wm-3", now)
        .replace("ww00000000000000c1", wecom.corp_id)
        .replace("</WelcomeCode>", source);
    ingest.take(&wecom.callback(now, transferred)).await;
    ingest.processed().await;

    let mut told: Vec<_> = ingest
        .broker
        .published::<ContactRemoved>()
        .into_iter()
        .map(|(_, event)| (event.by(), event.external_user_id))
        .collect();
    told.sort_by(|left, right| left.1.cmp(&right.1));
    let expected = [RemovedBy::Member, RemovedBy::Customer, RemovedBy::Transfer];
    assert_eq!(told.iter().map(|(by, _)| *by).collect::<Vec<_>>(), expected);
    ingest.finish().await;
    simulated.finish().await;
}

#[tokio::test]
async fn a_wecom_that_is_away_delays_the_profile_and_nothing_else() {
    let (ingest, simulated, wecom) = connected().await;
    let faults = json!({"api": {GET: {"errcode": 45009}}});
    let (status, body) = simulated.control(Method::PUT, "/_control/faults", &faults).await;
    assert_eq!(status, 200, "{body}");
    let member = arrives(&simulated, "wm-slow").await;
    tell(&ingest, &wecom, "add_external_contact", &member, "wm-slow").await;
    eventually("the contact was told", async || ingest.broker.published::<ContactAdded>().into_iter().next())
        .await;
    assert_eq!(ingest.broker.published::<CustomerRead>(), Vec::<(_, CustomerRead)>::new());
    let asked = || simulated.calls(GET).into_iter().map(|(_, answer)| answer).collect::<Vec<Value>>();
    let seen = eventually("WeCom was asked", async || Some(asked()).filter(|seen| !seen.is_empty())).await;
    assert!(seen.iter().all(|answer| answer["errcode"] != json!(0)), "{seen:?}");
    ingest.finish().await;
    simulated.finish().await;
}
