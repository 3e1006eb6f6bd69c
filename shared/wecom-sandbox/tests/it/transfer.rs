//! Customers handed on to a colleague.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::TestCorp;
use crate::support::{Receiver, text_of};

const TRANSFER: &str = "externalcontact/transfer_customer";
const RESULT: &str = "externalcontact/transfer_result";
const DAY: u64 = 24 * 60 * 60;

fn between(one: &str, other: &str, customers: &[&str]) -> Value {
    json!({"handover_userid": one, "takeover_userid": other, "external_userid": customers})
}

#[actix_web::test]
async fn a_transfer_takes_effect_after_a_day_and_is_told() {
    let mut corp = TestCorp::start().await;
    let (old, customer) = corp.scanned(json!({"state": "referral"})).await;
    let new = (0..2).map(|place| corp.member(place)).find(|member| *member != old).unwrap();
    let mark = json!({"userid": old, "external_userid": customer, "remark": "熟客"});
    corp.done("externalcontact/remark", mark).await;
    let mut receiver = Receiver::start(&corp.sandbox);
    corp.sandbox.set_callback_url("demo", &receiver.url).unwrap();

    let answer = corp.done(TRANSFER, between(&old, &new, &[&customer, "x", "wmNobody"])).await;
    let codes: Vec<&Value> =
        answer["customer"].as_array().unwrap().iter().map(|row| &row["errcode"]).collect();
    assert_eq!(codes, [0, 40096, 40131]);
    let again = corp.done(TRANSFER, between(&old, &new, &[&customer])).await;
    assert_eq!(again["customer"][0]["errcode"], 40129);
    let same = corp.done(TRANSFER, between(&old, &old, &[&customer])).await;
    assert_eq!(same["customer"][0]["errcode"], 40130);

    corp.advance(DAY - 1);
    corp.renew().await;
    let waiting = corp.done(RESULT, between(&old, &new, &[])).await;
    assert_eq!(waiting["customer"], json!([{"external_userid": customer, "status": 2, "takeover_time": 0}]));
    corp.advance(1);
    let told = [receiver.next().await, receiver.next().await];
    let kinds =
        told.each_ref().map(|xml| [text_of(xml, "ChangeType"), text_of(xml, "UserID")].map(Option::unwrap));
    assert_eq!(kinds, [["add_external_contact", new.as_str()], ["del_external_contact", old.as_str()]]);
    assert_eq!(text_of(&told[0], "WelcomeCode"), None);
    assert_eq!(text_of(&told[1], "Source"), Some("DELETE_BY_TRANSFER"));

    let corp = corp.restarted().await;
    let done = corp.done(RESULT, between(&old, &new, &[])).await;
    assert_eq!(done["customer"][0]["status"], 1);
    let followers = corp.customer(&customer).await["follow_user"].clone();
    let shown = json!([followers[0]["userid"], followers[0]["remark"], followers[0]["add_way"]]);
    assert_eq!((shown, followers.as_array().unwrap().len()), (json!([new, "熟客", 202]), 1));
}

#[actix_web::test]
async fn customers_may_refuse_and_the_wait_may_be_shortened() {
    let corp = TestCorp::start().await;
    let (old, customer) = corp.scanned(json!({"state": "referral"})).await;
    let new = (0..2).map(|place| corp.member(place)).find(|member| *member != old).unwrap();
    let settings = json!({"transfer_delay_s": 5, "transfer_refuse": 1.0});
    corp.ask(Method::PUT, "/_control/settings", Some(settings)).await;
    let mut receiver = Receiver::start(&corp.sandbox);
    corp.sandbox.set_callback_url("demo", &receiver.url).unwrap();
    corp.done(TRANSFER, between(&old, &new, &[&customer])).await;

    // What was waiting when the process ended goes on.
    let corp = corp.restarted().await;
    corp.advance(5);
    let told = receiver.next().await;
    assert_eq!(text_of(&told, "ChangeType"), Some("transfer_fail"));
    assert_eq!(text_of(&told, "FailReason"), Some("customer_refused"));
    assert_eq!(text_of(&told, "UserID"), Some(new.as_str()));
    assert_eq!(corp.done(RESULT, between(&old, &new, &[])).await["customer"][0]["status"], 3);
    assert_eq!(corp.customer(&customer).await["follow_user"][0]["userid"], old);
    assert_eq!(corp.post(TRANSFER, between(&old, "nobody", &[&customer])).await["errcode"], 60111);
    assert_eq!(corp.post(TRANSFER, between(&old, &new, &["wm"; 101])).await["errcode"], 40058);
}
