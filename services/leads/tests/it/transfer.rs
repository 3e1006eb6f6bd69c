//! A lead is given to somebody else, and its customer goes over in WeCom.

use std::time::Duration;

use reqwest::Method;
use scrm_kernel::{CorpId, LeadId, StaffId};
use scrm_proto::directory::v1::{StaffChanged, StaffState};
use scrm_proto::leads::v1::{LeadAssigned, TransferRequested};
use serde_json::{Value, json};

use crate::form::Form;
use crate::transfer_support::{Office, RESULT, TRANSFER};

const STILL: Duration = Duration::ZERO;
const DAY: Duration = Duration::from_hours(24);
const TICK: Duration = Duration::from_mins(10);

#[tokio::test]
async fn a_lead_has_its_new_owner_at_once_and_the_customer_goes_over_a_day_later() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    office.leads.clock.advance(Duration::from_mins(1));
    let body = json!({"user_id": office.staff[1], "reason": "休假", "message": "以后由我为您服务"});
    let reply = office.decide(&lead, 1, None, &body).await;
    assert_eq!((reply.status, reply.headers["etag"].to_str().unwrap()), (200, "\"2\""), "{reply:?}");
    let decided = reply.json();
    assert_eq!((&decided["id"], &decided["version"]), (&json!(lead), &json!(2)));
    assert_eq!(decided["transfer"]["state"], "wanted");

    let shown = office.leads.lead_of("wm1").await;
    assert_eq!((&shown["version"], &shown["owner"]), (&json!(2), &decided["owner"]));
    assert_eq!((&shown["reason"], &shown["assigned_at"]), (&decided["reason"], &decided["assigned_at"]));
    assert_eq!(shown["owner"]["user_id"], office.staff[1]);
    let words = format!("test 将线索从成员 {} 转交给成员 {}：休假", office.staff[0], office.staff[1]);
    assert_eq!(shown["reason"], json!({"code": "reassigned", "text": words}));

    let read = office.leads.admin().send(Method::GET, &format!("/api/v1/leads/leads/{lead}"), "").await;
    assert_eq!(read.headers["etag"], reply.headers["etag"]);

    let waiting = office.transfer_in(&lead, "waiting", STILL).await;
    assert_eq!(
        (&waiting["from_user_id"], &waiting["requested_by"]),
        (&json!(office.staff[0]), &json!("test"))
    );
    assert_eq!(waiting["ends_at"], "2026-03-03T01:01:00.000Z");
    let calls = office.wecom.calls(TRANSFER);
    let asked = json!({
        "handover_userid": office.staff[0], "takeover_userid": office.staff[1], "external_userid": ["wm1"],
        "transfer_success_msg": "以后由我为您服务",
    });
    assert_eq!(calls.iter().map(|(body, _)| body).collect::<Vec<_>>(), [&asked]);
    office.leads.settled().await;
    let assigned = office.leads.broker.published::<LeadAssigned>().pop().unwrap().1;
    assert_eq!((assigned.reason.as_str(), &assigned.owner_user_id), ("reassigned", &office.staff[1]));
    assert_eq!(office.requested(), 1);

    office.leads.clock.advance(DAY);
    let done = office.transfer_in(&lead, "done", TICK).await;
    assert!(
        done["at"].as_str() > waiting["at"].as_str() && done["ends_at"].is_null() && done["reason"].is_null(),
        "{done}"
    );
    assert_eq!(office.leads.lead_of("wm1").await["transfer"], done);
    assert!(!office.wecom.calls(RESULT).is_empty());

    // WeCom tells of the new contact; it is no other lead, and greets nobody.
    office.hear(1, "wm1", 9).await;
    let after = office.leads.lead_of("wm1").await;
    assert_eq!((&after["version"], &after["owner"]), (&json!(2), &shown["owner"]));
    assert_eq!(after["welcome"]["state"], "none");
    assert_eq!(office.leads.touches_of("wm1").await, 2);
    office.finish().await;
}

#[tokio::test]
async fn a_customer_who_refuses_stays_and_the_lead_does_not() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    office.set("settings", json!({"transfer_refuse": 1})).await;
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    office.transfer_in(&lead, "waiting", STILL).await;
    office.leads.clock.advance(DAY);
    let refused = office.transfer_in(&lead, "refused", TICK).await;
    assert!(refused["at"].as_str() > refused["requested_at"].as_str(), "{refused}");
    assert_eq!(office.leads.owner_of("wm1").await, office.staff[1]);

    // The former owner still has the customer as contact, the present one does not: WeCom has nothing to do.
    let back = office.reassign(&lead, 2, 2).await.json();
    assert_eq!((&back["version"], &back["transfer"]), (&json!(3), &refused));
    assert_eq!(office.transfers(&lead).await, [refused]);
    office.finish().await;
}

#[tokio::test]
async fn of_two_administrators_one_decides() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    let replies = futures::join!(office.reassign(&lead, 1, 1), office.reassign(&lead, 2, 1));
    let (winner, loser) = if replies.0.status == 200 { replies } else { (replies.1, replies.0) };
    assert_eq!((winner.status, loser.status), (200, 409));
    assert_eq!(loser.json()["code"], "lead_changed");

    // Nor does one who knows the newest version, while the customer is on the way.
    office.transfer_in(&lead, "waiting", STILL).await;
    let hasty = office.reassign(&lead, 0, 2).await;
    assert_eq!((hasty.status, &hasty.json()["code"]), (409, &json!("transfer_running")));
    assert_eq!(office.wecom.calls(TRANSFER).len(), 1);
    office.finish().await;
}

#[tokio::test]
async fn a_decision_sent_again_is_carried_out_once_and_answered_the_same() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    let body = json!({"user_id": office.staff[1]});
    let (one, other) =
        futures::join!(office.decide(&lead, 1, Some("k"), &body), office.decide(&lead, 1, Some("k"), &body));
    assert_eq!((one.status, other.status), (200, 200));
    assert_eq!(one.json(), other.json());
    office.transfer_in(&lead, "waiting", STILL).await;
    let again = office.decide(&lead, 1, Some("k"), &body).await;
    assert_eq!((again.json(), again.headers.get("idempotency-replayed").is_some()), (one.json(), true));
    let used = office.decide(&lead, 1, Some("k"), &json!({"user_id": office.staff[2]})).await;
    assert_eq!((used.status, &used.json()["code"]), (409, &json!("idempotency_key_reused")));
    assert_eq!(office.transfers(&lead).await.len(), 1);
    assert_eq!(office.leads.broker.published::<TransferRequested>().len(), 1);
    office.finish().await;
}

#[tokio::test]
async fn a_decision_that_cannot_be_meant_is_refused_and_changes_nothing() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    let good = office.staff[1].clone();
    for (body, field) in [
        (json!({"user_id": " "}), "user_id"),
        (json!({"user_id": "x".repeat(65)}), "user_id"),
        (json!({"user_id": good, "reason": "长".repeat(101)}), "reason"),
        (json!({"user_id": good, "message": "长".repeat(201)}), "message"),
        (json!({"user_id": good, "message": " "}), "message"),
        (json!({"user_id": good, "message": "a\u{0}b"}), "message"),
    ] {
        let reply = office.decide(&lead, 1, None, &body).await;
        assert_eq!((reply.status, &reply.json()["fields"][0]["field"]), (422, &json!(field)), "{body}");
    }
    let own = json!({"user_id": office.staff[0].to_uppercase()});
    let nobody = LeadId::mint(office.leads.clock.now()).to_string();
    for (lead, version, body, status, code) in [
        (&lead, 1, own, 409, "same_owner"),
        (&lead, 2, json!({"user_id": good}), 409, "lead_changed"),
        (&nobody, 1, json!({"user_id": good}), 404, "lead_not_found"),
    ] {
        let reply = office.decide(lead, version, None, &body).await;
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{body}");
    }
    let path = format!("/api/v1/leads/leads/{lead}/reassign");
    let (status, problem) = office.leads.admin().post(&path, &json!({"user_id": good})).await;
    assert_eq!((status, &problem["code"]), (428, &json!("precondition_required")));

    let other = office.leads.server.admin(CorpId::mint(office.leads.clock.now()));
    let (status, _) = other.with_header("if-match", "\"1\"").post(&path, &json!({"user_id": good})).await;
    assert_eq!(status, 404);
    let other = office.leads.server.admin(CorpId::mint(office.leads.clock.now()));
    assert_eq!(other.get(&format!("/api/v1/leads/leads/{lead}/transfers")).await.0, 404);
    assert_eq!(office.leads.lead_of("wm1").await["version"], 1);
    assert_eq!((office.requested(), office.transfers(&lead).await.len()), (0, 0));
    office.finish().await;
}

#[tokio::test]
async fn a_lead_is_not_given_to_a_member_who_is_known_to_be_disabled_or_gone() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    let user = office.staff[1].clone();
    let body = json!({"user_id": user.to_uppercase(), "transfer": false});
    let id = StaffId::mint(office.leads.clock.now());
    let states = [
        (StaffState::Disabled, "names a member who is disabled in WeCom"),
        (StaffState::Left, "names a member who has left"),
    ];
    for (version, (state, words)) in (1..).zip(states) {
        let told =
            StaffChanged { state: state.into(), ..office.leads.member(id, version, &user, "韩梅梅") };
        office.leads.hear([office.leads.told_of(&told)]).await;
        let reply = office.decide(&lead, 1, Some("k"), &body).await;
        assert_eq!((reply.status, &reply.json()["code"]), (422, &json!("member_away")), "{reply:?}");
        let field = json!([{"field": "user_id", "message": words}]);
        assert_eq!(reply.json()["fields"], field);
    }
    assert_eq!(office.leads.lead_of("wm1").await["version"], 1);

    // Who came back can be chosen, by the id that they had before too; so can who has not signed in yet.
    let back = StaffChanged {
        former_user_ids: vec![user.clone()],
        state: StaffState::Invited.into(),
        ..office.leads.member(id, 3, "hanmeimei.new", "韩梅梅")
    };
    office.leads.hear([office.leads.told_of(&back)]).await;
    assert_eq!(office.decide(&lead, 1, Some("k"), &body).await.status, 200);
    office.finish().await;
}

#[tokio::test]
async fn an_earlier_contact_told_late_does_not_undo_a_decision() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    assert_eq!(office.reassign(&lead, 1, 1).await.status, 200);
    let decided = office.leads.lead_of("wm1").await;

    let mut earlier = office.leads.contact(&office.staff[2], "wm1", 10, 1);
    earlier.event.state = "autumn-fair".to_owned();
    office.leads.hear([earlier.told()]).await;
    let after = office.leads.lead_of("wm1").await;
    assert_eq!((&after["owner"], &after["reason"]), (&decided["owner"], &decided["reason"]));
    assert_eq!(after["assigned_at"], decided["assigned_at"]);
    // It only tells where the lead came from.
    assert_eq!((&after["channel"], &after["version"]), (&json!("autumn-fair"), &json!(3)));
    assert_eq!(office.leads.assignments_of("wm1").len(), 2);
    office.transfer_in(&lead, "waiting", STILL).await;
    office.finish().await;
}

#[tokio::test]
async fn the_new_owner_is_told_by_a_card_and_the_old_card_says_that_the_lead_moved() {
    let office = Office::open().await;
    let lead = office.captured(0, "wm1").await;
    office.leads.clock.advance(Duration::from_secs(1));
    let body = json!({"user_id": office.staff[1], "reason": "休假", "transfer": false});
    let reply = office.decide(&lead, 1, None, &body).await;
    assert_eq!((reply.status, &reply.json()["transfer"]), (200, &Value::Null));
    office.leads.settled().await;

    let sent: Vec<_> = office.wecom.calls("message/send").into_iter().map(|(body, _)| body).collect();
    let receivers: Vec<_> = sent.iter().map(|body| body["touser"].as_str().unwrap()).collect();
    assert_eq!(receivers, [&office.staff[0], &office.staff[1]]);
    assert_eq!(sent[1]["template_card"]["sub_title_text"], reply.json()["reason"]["text"]);
    let updates = office.wecom.calls("message/update_template_card");
    let [(update, _)] = updates.as_slice() else { panic!("{updates:?}") };
    assert_eq!(update["userids"], json!([office.staff[0]]));
    assert_eq!(update["button"]["replace_name"], "已转给他人");
    assert_eq!((office.requested(), office.wecom.calls(TRANSFER).len()), (0, 0));
    office.finish().await;
}

#[tokio::test]
async fn a_lead_in_the_pool_gets_the_owner_that_a_person_chooses() {
    let office = Office::open().await;
    let form = Form { phone: "+8613800138000", name: "王芳", group: Some("无人"), ..Form::default() };
    office.leads.hear([office.leads.form(&form, 10)]).await;
    let pooled = office.leads.all_leads().await.pop().unwrap();
    assert_eq!((&pooled["stage"], &pooled["version"]), (&json!("pool"), &json!(1)));
    let lead = pooled["id"].as_str().unwrap().to_owned();

    let demanding = json!({"user_id": office.staff[1], "transfer": true});
    let refused = office.decide(&lead, 1, None, &demanding).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("nothing_to_transfer")));
    let given = office.reassign(&lead, 1, 1).await.json();
    assert_eq!((&given["stage"], &given["version"]), (&json!("assigned"), &json!(2)));
    assert_eq!((&given["owner"]["user_id"], &given["transfer"]), (&json!(office.staff[1]), &Value::Null));
    let words = format!("test 将线索从线索池分给成员 {}", office.staff[1]);
    assert_eq!(given["reason"], json!({"code": "reassigned", "text": words}));

    // The person sends another form: who was chosen keeps the lead, and it goes on to somebody else without WeCom.
    office.leads.hear([office.leads.form(&form, 20)]).await;
    let again = office.reassign(&lead, 2, 2).await.json();
    assert_eq!((&again["owner"]["user_id"], &again["version"]), (&json!(office.staff[2]), &json!(3)));
    assert_eq!((office.requested(), office.transfers(&lead).await.len()), (0, 0));
    office.leads.settled().await;
    assert_eq!(office.leads.broker.published::<LeadAssigned>().len(), 2);
    office.finish().await;
}
