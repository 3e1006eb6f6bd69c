//! Comparing everything with WeCom: what got lost is told once, and nothing is told that is not so.

use std::time::Duration;

use scrm_kernel::CorpId;
use scrm_proto::wecom::v1::{
    ContactAdded, ContactRemoved, CustomerGone, CustomerRead, DepartmentsRead, MemberGone, MemberRead,
    RemovedBy, TagsRead,
};
use scrm_testing::{TestWecom, eventually};
use serde_json::{Value, json};

use crate::simulated::Simulated;

const RUNS: &str = "/api/v1/ingest/reconciliations";
const RELATIONS: &str = "externalcontact/batch/get_by_user";

impl Simulated {
    /// Compares everything with WeCom; returns the end of it.
    async fn compared(&self) -> Value {
        let (status, run) = self.ingest.admin().post(RUNS, &json!({})).await;
        assert_eq!(status, 202, "{run}");
        self.ended(&run).await
    }

    /// Waits until a comparison has ended; lets the time pass that callbacks may be on their way.
    async fn ended(&self, run: &Value) -> Value {
        let path = format!("{RUNS}/{}", run["id"].as_str().unwrap());
        let mut has_waited = false;
        eventually("the comparison has ended", async || {
            let (status, run) = self.ingest.admin().get(&path).await;
            assert_eq!(status, 200, "{run}");
            if run["step"] == "customers" && !has_waited {
                self.ingest.clock.advance(Duration::from_secs(10));
                has_waited = true;
            }
            (run["state"] != "running").then_some(run)
        })
        .await
    }

    /// Lets no callback come through while customers add or leave members.
    async fn losing(&self, kind: &str, pairs: &[(&str, String)]) {
        self.faults(&json!({"callbacks": {"drop": 1.0}})).await;
        let event = |(member, customer): &(&str, String)| {
            let fields = json!({"UserID": member, "ExternalUserID": customer, "State": "spring-fair"});
            json!({"app": "demo", "type": kind, "fields": fields})
        };
        self.events(&pairs.iter().map(event).collect()).await;
        self.faults(&json!({})).await;
    }

    fn count<E: scrm_proto::Event>(&self) -> usize {
        self.ingest.broker.published::<E>().len()
    }

    /// Waits until everything that is settled is out.
    async fn quiet(&self) {
        self.ingest.processed().await;
        self.ingest.broker.settled().await;
    }
}

#[tokio::test]
async fn an_addition_whose_callback_got_lost_is_told_once_however_often_it_is_looked_for() {
    let simulated = Simulated::start().await;
    let member = simulated.staff[0].as_str();
    simulated.ingest.clock.advance(Duration::from_mins(1));
    simulated.add(member, "wmTold").await;
    simulated.told::<ContactAdded>("the one that came through", |_| true).await;
    let lost_at = simulated.ingest.clock.now();
    simulated.losing("add_external_contact", &[(member, "wmLost".to_owned())]).await;

    let run = simulated.compared().await;
    let seen = (&run["state"], &run["relations"], &run["added"], &run["problem"]);
    assert_eq!(seen, (&json!("done"), &json!(2), &json!(1), &Value::Null), "{run}");
    let (envelope, added) =
        simulated.told::<ContactAdded>("the lost one", |added| added.external_user_id == "wmLost").await;
    assert_eq!(envelope.occurred_at.timestamp(), lost_at.timestamp());
    assert_eq!((added.user_id.as_str(), added.state.as_str()), (member, "spring-fair"));
    assert_eq!((added.welcome_code.as_str(), added.half), ("", false));
    simulated.told::<CustomerRead>("the customer", |read| read.external_user_id == "wmLost").await;

    for _ in 0..2 {
        let run = simulated.compared().await;
        assert_eq!((&run["state"], &run["added"]), (&json!("done"), &json!(0)), "{run}");
    }
    simulated.quiet().await;
    assert_eq!(simulated.count::<ContactAdded>(), 2);
    simulated.finish().await;
}

#[tokio::test]
async fn what_was_there_before_the_connection_is_read_and_is_nobodys_new_contact() {
    let wecom = TestWecom::start(scrm_testing::clock());
    let member = wecom.sandbox.app("demo").unwrap().staff[0].clone();
    let fields = json!({"UserID": member, "ExternalUserID": "wmOld"});
    let event = json!({"app": "demo", "type": "add_external_contact", "fields": fields});
    wecom.control(reqwest::Method::POST, "/_control/events", &event).await;
    wecom.clock().advance(Duration::from_mins(1));
    let simulated = Simulated::connected_to(wecom).await;

    let run = simulated.compared().await;
    assert_eq!((&run["relations"], &run["added"]), (&json!(1), &json!(0)), "{run}");
    simulated.told::<CustomerRead>("the old customer", |read| read.external_user_id == "wmOld").await;
    let calls = simulated.wecom.calls("externalcontact/get").len();
    simulated.compared().await;
    simulated.quiet().await;
    assert_eq!(simulated.count::<ContactAdded>(), 0);
    assert_eq!(
        simulated.wecom.calls("externalcontact/get").len(),
        calls,
        "who looks the same is not read again"
    );
    simulated.finish().await;
}

#[tokio::test]
async fn the_contact_book_and_the_tags_are_told_and_who_left_unheard_is_gone() {
    let simulated = Simulated::start().await;
    let run = simulated.compared().await;
    let staff = simulated.staff.len();
    let read = simulated.told_times::<MemberRead>(staff).await;
    assert_eq!((read.len(), run["members"].as_u64()), (staff, u64::try_from(staff).ok()), "{run}");
    let (_, departments) = simulated.told::<DepartmentsRead>("the departments", |_| true).await;
    assert_eq!(run["departments"], json!(departments.departments.len()));
    let (_, tags) = simulated.told::<TagsRead>("the tags", |_| true).await;
    assert_eq!(run["tags"], json!(tags.groups.iter().map(|group| group.tags.len()).sum::<usize>()));

    let leaver = simulated.staff.last().unwrap();
    simulated.faults(&json!({"callbacks": {"drop": 1.0}})).await;
    simulated.happens("delete_user", &json!({"UserID": leaver})).await;
    simulated.faults(&json!({})).await;
    simulated.compared().await;
    let (_, gone) = simulated.told::<MemberGone>("who left", |_| true).await;
    assert_eq!(&gone.user_id, leaver);
    simulated.finish().await;
}

#[tokio::test]
async fn a_relation_is_over_when_two_complete_listings_miss_it_and_wecom_confirms() {
    let simulated = Simulated::start().await;
    let member = simulated.staff[0].as_str();
    for customer in ["wmGoes", "wmStays"] {
        simulated.add(member, customer).await;
    }
    simulated.told_times::<CustomerRead>(2).await;
    simulated.losing("del_external_contact", &[(member, "wmGoes".to_owned())]).await;

    // A listing that ended in an error is none.
    simulated.faults(&json!({"api": {RELATIONS: {"errcode": 48002}}})).await;
    let run = simulated.compared().await;
    assert_eq!((&run["state"], &run["missing"]), (&json!("failed"), &json!(0)), "{run}");
    assert!(run["problem"].as_str().unwrap().contains("48002"), "{run}");
    simulated.faults(&json!({})).await;

    let run = simulated.compared().await;
    let seen = (&run["state"], &run["missing"], &run["removed"]);
    assert_eq!(seen, (&json!("done"), &json!(1), &json!(0)), "{run}");
    simulated.quiet().await;
    assert_eq!(simulated.count::<ContactRemoved>(), 0);

    let run = simulated.compared().await;
    assert_eq!((&run["state"], &run["removed"]), (&json!("done"), &json!(1)), "{run}");
    let (_, removed) = simulated.told::<ContactRemoved>("that it is over", |_| true).await;
    assert_eq!((removed.external_user_id.as_str(), removed.by()), ("wmGoes", RemovedBy::Unspecified));
    simulated.told::<CustomerGone>("the customer is gone", |gone| gone.external_user_id == "wmGoes").await;
    let run = simulated.compared().await;
    assert_eq!((&run["missing"], &run["removed"]), (&json!(0), &json!(0)), "{run}");
    assert_eq!(simulated.count::<ContactRemoved>(), 1);
    simulated.finish().await;
}

#[tokio::test]
async fn a_contact_whom_the_member_has_not_confirmed_is_not_missed_in_listings() {
    let simulated = Simulated::start().await;
    let member = simulated.staff[0].as_str();
    for customer in ["wmHalf", "wmConfirmed", "wmListed"] {
        let fields = json!({"UserID": member, "ExternalUserID": customer});
        simulated.happens("add_half_external_contact", &fields).await;
    }
    simulated.told_times::<CustomerRead>(3).await;
    simulated.ingest.clock.advance(Duration::from_mins(1));
    simulated.add(member, "wmConfirmed").await;
    simulated.told_times::<ContactAdded>(4).await;
    simulated.ingest.processed().await;
    // The simulated WeCom lists whom a member has not confirmed; the real one does not.
    simulated.losing("del_external_contact", &[(member, "wmHalf".to_owned())]).await;
    for _ in 0..3 {
        let run = simulated.compared().await;
        let seen = (&run["state"], &run["relations"], &run["missing"], &run["removed"]);
        assert_eq!(seen, (&json!("done"), &json!(2), &json!(0), &json!(0)), "{run}");
    }

    // Whom a listing had, or a callback confirmed, is missed.
    let confirmed = ["wmConfirmed", "wmListed"].map(|customer| (member, customer.to_owned()));
    simulated.losing("del_external_contact", &confirmed).await;
    assert_eq!(simulated.compared().await["missing"], json!(2));
    assert_eq!(simulated.compared().await["removed"], json!(2));
    assert_eq!(simulated.told_times::<ContactRemoved>(2).await.len(), 2);

    // A half contact ends by what is told of it.
    let fields = json!({"UserID": member, "ExternalUserID": "wmHalf"});
    simulated.happens("del_follow_user", &fields).await;
    let is_it = |removed: &ContactRemoved| removed.external_user_id == "wmHalf";
    simulated.told::<ContactRemoved>("that the half contact is over", is_it).await;
    simulated.finish().await;
}

#[tokio::test]
async fn whoever_comes_back_unheard_is_a_contact_again() {
    let simulated = Simulated::start().await;
    let member = simulated.staff[0].as_str();
    simulated.ingest.clock.advance(Duration::from_mins(1));
    simulated.add(member, "wmA").await;
    simulated.ingest.clock.advance(Duration::from_mins(1));
    simulated.happens("del_follow_user", &json!({"UserID": member, "ExternalUserID": "wmA"})).await;
    simulated.told::<ContactRemoved>("that they parted", |_| true).await;
    simulated.ingest.processed().await;
    // WeCom goes on listing whom the customer left.
    let run = simulated.compared().await;
    assert_eq!((&run["relations"], &run["added"]), (&json!(1), &json!(0)), "{run}");

    simulated.ingest.clock.advance(Duration::from_mins(1));
    simulated.losing("add_external_contact", &[(member, "wmA".to_owned())]).await;
    let run = simulated.compared().await;
    assert_eq!(run["added"], json!(1), "{run}");
    assert_eq!(simulated.told_times::<ContactAdded>(2).await.len(), 2);
    assert_eq!(simulated.compared().await["added"], json!(0));
    simulated.finish().await;
}

#[tokio::test]
async fn too_many_relations_gone_at_once_wait_for_a_person() {
    let simulated = Simulated::start().await;
    let member = simulated.staff[0].as_str();
    let pairs: Vec<_> = (0..25).map(|number| (member, format!("wm{number}"))).collect();
    for (member, customer) in &pairs {
        simulated.add(member, customer).await;
    }
    simulated.told_times::<CustomerRead>(25).await;
    simulated.losing("del_external_contact", &pairs).await;
    assert_eq!(simulated.compared().await["missing"], json!(25));

    let alarm = simulated.compared().await;
    assert_eq!((&alarm["state"], &alarm["removed"]), (&json!("alarm"), &json!(0)), "{alarm}");
    assert!(alarm["problem"].as_str().unwrap().contains("25 of 25"), "{alarm}");
    simulated.quiet().await;
    assert_eq!(simulated.count::<ContactRemoved>(), 0);

    let confirm = format!("{RUNS}/{}/confirm", alarm["id"].as_str().unwrap());
    let (status, run) = simulated.ingest.admin().post(&confirm, &json!({})).await;
    assert_eq!(status, 202, "{run}");
    let run = simulated.ended(&run).await;
    let seen = (&run["state"], &run["removed"], &run["problem"]);
    assert_eq!(seen, (&json!("done"), &json!(25), &Value::Null), "{run}");
    assert_eq!(simulated.told_times::<ContactRemoved>(25).await.len(), 25);
    let (status, problem) = simulated.ingest.admin().post(&confirm, &json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("nothing_to_confirm")));
    simulated.finish().await;
}

#[tokio::test]
async fn a_wecom_that_is_away_delays_a_comparison_and_a_second_order_is_the_same_one() {
    let simulated = Simulated::start().await;
    simulated.faults(&json!({"api": {"department/list": {"errcode": -1}}})).await;
    let (status, run) = simulated.ingest.admin().post(RUNS, &json!({})).await;
    assert_eq!(status, 202, "{run}");
    eventually("WeCom was asked as often as the client does", async || {
        (simulated.wecom.calls("department/list").len() == 4).then_some(())
    })
    .await;
    let (status, same) = simulated.ingest.admin().post(RUNS, &json!({})).await;
    assert_eq!((status, &same["id"]), (202, &run["id"]));
    simulated.faults(&json!({})).await;
    let path = format!("{RUNS}/{}", run["id"].as_str().unwrap());
    let ended = eventually("it has ended", async || {
        simulated.ingest.clock.advance(Duration::from_millis(500));
        let (_, run) = simulated.ingest.admin().get(&path).await;
        (run["state"] != "running").then_some(run)
    })
    .await;
    assert_eq!(ended["state"], "done", "{ended}");
    simulated.finish().await;
}

#[tokio::test]
async fn comparisons_are_forgotten_after_a_while_but_for_the_newest() {
    let simulated = Simulated::start().await;
    let runs = async || {
        let (status, page) = simulated.ingest.admin().get(RUNS).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    };
    let old = simulated.compared().await;
    simulated.ingest.clock.advance(Duration::from_hours(24));
    let newest = simulated.compared().await;
    assert_eq!(runs().await.len(), 2);
    simulated.ingest.clock.advance(Duration::from_hours(89 * 24));
    let young = simulated.compared().await;
    let kept = [young.clone(), newest];
    eventually("the old one is forgotten", async || (runs().await == kept).then_some(())).await;
    let path = format!("{RUNS}/{}", old["id"].as_str().unwrap());
    assert_eq!(simulated.ingest.admin().get(&path).await.0, 404);

    simulated.ingest.clock.advance(Duration::from_hours(365 * 24));
    eventually("all but one are forgotten", async || (runs().await.len() == 1).then_some(())).await;
    assert_eq!(runs().await, [young]);
    simulated.finish().await;
}

#[tokio::test]
async fn comparisons_belong_to_their_enterprise_and_need_one_that_is_connected() {
    let simulated = Simulated::start().await;
    let run = simulated.compared().await;
    let (status, page) = simulated.ingest.admin().get(&format!("{RUNS}?limit=1")).await;
    assert_eq!((status, &page["items"][0]["id"]), (200, &run["id"]));
    let stranger = simulated.ingest.server.admin(CorpId::mint(simulated.ingest.clock.now()));
    let path = format!("{RUNS}/{}", run["id"].as_str().unwrap());
    assert_eq!(stranger.get(&path).await.0, 404);
    assert_eq!(stranger.get(RUNS).await.1["items"], json!([]));
    assert_eq!(stranger.post(&format!("{path}/confirm"), &json!({})).await.0, 404);
    assert_eq!(stranger.post(RUNS, &json!({})).await.0, 404);
    simulated.finish().await;

    let ingest = crate::support::TestIngest::start().await;
    let (status, problem) = ingest.admin().post(RUNS, &json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_connected")));
    ingest.finish().await;
}
