//! Suites of a provider: what WeCom tells them, who installs them, and as whom their apps then speak.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use scrm_kernel::CorpId;
use scrm_proto::wecom::v1::{ContactAdded, CustomerRead};
use scrm_testing::eventually;
use scrm_wecom::client::CallError;
use scrm_wecom::client::token::{CachedTokens, TokenError, TokenSource as _};
use serde_json::{Value, json};

use crate::simulated::Simulated;
use crate::support::{Signed, TestIngest, Wecom};

const SUITE_ID: &str = "ww4asffe99e54c0f4c";
const PROVIDER: &str = "ww00000000000000p1";
const CUSTOMER: &str = "ww00000000000000k1";
const SUITES: &str = "/api/v1/ingest/suites";
const FOLLOWING: &str = "externalcontact/get_follow_user_list";

fn suite_of(wecom: &Wecom, kind: &str) -> Value {
    json!({
        "suite_id": wecom.corp_id, "kind": kind, "provider_corp_id": PROVIDER, "secret": wecom.secret,
        "token": wecom.token, "encoding_aes_key": wecom.encoding_aes_key(),
    })
}

/// Returns the service with a third-party suite, and WeCom as it calls that: addressed to the suite.
async fn with_suite() -> (TestIngest, Wecom) {
    let (ingest, wecom) = (TestIngest::start().await, Wecom { corp_id: SUITE_ID, ..Wecom::of("market", 3) });
    let put = ingest.admin().put(&format!("{SUITES}/market"), &suite_of(&wecom, "third_party")).await;
    assert_eq!(put.0, 200, "{}", put.1);
    (ingest, wecom)
}

/// Writes what a suite is told.
fn told(info_type: &str, second: i64, rest: &str) -> String {
    format!(
        "<xml><SuiteId><![CDATA[{SUITE_ID}]]></SuiteId><InfoType> <![CDATA[{info_type}]]></InfoType>\
         <TimeStamp>{second}</TimeStamp>{rest}</xml>"
    )
}

async fn answer(ingest: &TestIngest, callback: &Signed) -> (u16, String) {
    let reply = ingest.call(callback).await;
    (reply.status, String::from_utf8(reply.body).unwrap())
}

async fn suite(ingest: &TestIngest) -> Value {
    let (status, page) = ingest.admin().get(SUITES).await;
    assert_eq!(status, 200, "{page}");
    page["items"][0].clone()
}

#[tokio::test]
async fn a_suite_is_shown_without_its_secrets() {
    let (ingest, wecom) = with_suite().await;
    let shown = json!({
        "name": "market", "suite_id": SUITE_ID, "kind": "third_party", "provider_corp_id": PROVIDER,
        "callback_path": "/callback/wecom/market", "api_url": null, "ticket_at": null, "version": 1,
        "updated_at": "2026-03-02T01:00:00.000Z",
    });
    assert_eq!(suite(&ingest).await, shown);
    let other = ingest.server.admin(CorpId::mint(ingest.clock.now()));
    assert_eq!(other.get(SUITES).await.1["items"], json!([]));
    for list in ["authorizations", "errands"] {
        let path = format!("{SUITES}/market/{list}");
        assert_eq!(ingest.admin().get(&path).await, (200, json!({"items": [], "next_cursor": null})));
        assert_eq!(other.get(&path).await.1["code"], "suite_not_found");
    }
    let taken = other.put(&format!("{SUITES}/market"), &suite_of(&wecom, "third_party")).await;
    assert_eq!((taken.0, &taken.1["code"]), (409, &json!("name_taken")));
    ingest.finish().await;
}

#[tokio::test]
async fn what_cannot_be_a_suite_is_refused_by_field_and_changes_nothing() {
    let (ingest, wecom) = with_suite().await;
    let cases = [
        ("market", "suite_id", json!("a b")),
        ("market", "kind", json!("self_built")),
        ("market", "provider_corp_id", json!("")),
        ("market", "secret", json!(" ")),
        ("market", "token", json!("")),
        ("market", "encoding_aes_key", json!("short")),
        ("market", "api_url", json!("http://wecom.example")),
        ("Market", "name", json!(null)),
        ("a-name-that-has-no-room-left-over", "name", json!(null)),
    ];
    for (name, field, value) in cases {
        let mut form = suite_of(&wecom, "third_party");
        if field != "name" {
            form[field] = value;
        }
        let (status, problem) = ingest.admin().put(&format!("{SUITES}/{name}"), &form).await;
        assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!(field)), "{problem}");
    }
    // Id and kind stay, and one name is one address.
    let other = Wecom { corp_id: "ww1", ..wecom.clone() };
    for (field, form) in
        [("kind", suite_of(&wecom, "customized")), ("suite_id", suite_of(&other, "third_party"))]
    {
        let (status, problem) = ingest.admin().put(&format!("{SUITES}/market"), &form).await;
        assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!(field)), "{problem}");
    }
    let form = Wecom::of("market", 1).connection();
    let (status, problem) = ingest.admin().put("/api/v1/ingest/apps/market", &form).await;
    assert_eq!((status, &problem["code"]), (409, &json!("name_taken")));
    let now = ingest.clock.now();
    assert_eq!(answer(&ingest, &wecom.callback(now, told("tea", 1, ""))).await, (200, "success".to_owned()));
    ingest.finish().await;
}

#[tokio::test]
async fn the_newest_ticket_wins_in_whatever_order_they_come() {
    let (ingest, wecom) = with_suite().await;
    let now = ingest.clock.now();
    for (second, ticket) in [(1_700_000_600, "B"), (1_700_000_000, "A"), (1_700_000_600, "B")] {
        let ticket = format!("<SuiteTicket><![CDATA[{ticket}]]></SuiteTicket>");
        let told = told("suite_ticket", second, &ticket);
        assert_eq!(answer(&ingest, &wecom.callback(now, told)).await, (200, "success".to_owned()));
        ingest.processed().await;
        assert_eq!(suite(&ingest).await["ticket_at"], "2023-11-14T22:23:20.000Z");
    }
    // New secrets do not take the ticket away.
    let (path, form) = (format!("{SUITES}/market"), suite_of(&wecom, "third_party"));
    let made_from = |version: i64| ingest.admin().with_header("if-match", format!("\"{version}\""));
    assert_eq!(made_from(2).put(&path, &form).await.1["code"], "changed");
    assert_eq!(made_from(1).put(&path, &form).await.0, 200);
    assert_eq!(suite(&ingest).await["ticket_at"], "2023-11-14T22:23:20.000Z");
    ingest.finish().await;
}

#[tokio::test]
async fn a_suite_is_told_things_by_its_own_id_and_its_address_checked_by_the_provider_s() {
    let (ingest, wecom) = with_suite().await;
    let now = ingest.clock.now();
    for (receiver, is_checked, is_told) in
        [(SUITE_ID, true, true), (PROVIDER, true, false), (CUSTOMER, false, false)]
    {
        let wecom = Wecom { corp_id: receiver, ..wecom.clone() };
        let encrypt = wecom.encrypted(b"1616140317555161061");
        let query = wecom.query(&now.timestamp().to_string(), "7", &encrypt);
        let echostr = encrypt.replace('+', "%2B");
        let path = format!("/callback/wecom/market?{query}&echostr={echostr}");
        let reply = ingest.server.stranger().send(Method::GET, &path, "").await;
        assert_eq!(reply.status, if is_checked { 200 } else { 403 }, "{receiver}");
        let (status, _) = answer(&ingest, &wecom.callback(now, told("tea", 1, ""))).await;
        assert_eq!(status, if is_told { 200 } else { 403 }, "{receiver}");
    }
    ingest.finish().await;
}

#[tokio::test]
async fn what_an_unknown_enterprise_does_is_kept_until_somebody_looks() {
    let (ingest, wecom) = with_suite().await;
    let now = ingest.clock.now();
    let corp = format!("<AuthCorpId><![CDATA[{CUSTOMER}]]></AuthCorpId>");
    let edited = format!(
        "{corp}<ChangeType>edit_external_contact</ChangeType><UserID>LiLei</UserID><ExternalUserID>wm1</ExternalUserID>"
    );
    ingest.take_told(&wecom.callback(now, told("change_external_contact", 1, &edited))).await;
    ingest.take_told(&wecom.callback(now, told("cancel_auth", 2, &corp))).await;
    let rows = ingest.processed().await;
    assert_eq!(rows[0]["kind"], "suite_auth_cancelled");
    let problem = "AuthCorpId names an enterprise that has not authorised the suite";
    assert_eq!(rows[1]["problem"], problem);
    let letters = ingest.letters("queue=ingest.callback").await;
    assert_eq!((letters.len(), &letters[0]["reason"]), (1, &json!(problem)));

    let (_, page) = ingest.admin().get(&format!("{SUITES}/market/authorizations")).await;
    let expected = json!([{
        "wecom_corp_id": CUSTOMER, "corp_name": "", "corp_id": null, "app": null, "state": "cancelled",
        "decided_at": "1970-01-01T00:00:02.000Z",
    }]);
    assert_eq!(page["items"], expected);
    ingest.finish().await;
}

#[tokio::test]
async fn a_code_is_tried_until_it_has_expired() {
    let (ingest, wecom) = with_suite().await;
    let code = |second: i64, code: &str| {
        let rest = format!("<AuthCode><![CDATA[{code}]]></AuthCode>");
        wecom.callback(ingest.clock.now(), told("create_auth", second, &rest))
    };
    let second = ingest.clock.now().timestamp();
    // No ticket has come, so nothing can be asked.
    for callback in [code(second, "c1"), code(second, "c1"), code(second - 3600, "c2")] {
        ingest.take_told(&callback).await;
    }
    let errands = async || {
        let (_, page) = ingest.admin().get(&format!("{SUITES}/market/errands")).await;
        page["items"].as_array().unwrap().clone()
    };
    let tried = eventually("both codes tried", async || {
        let errands = errands().await;
        let is_tried = |errand: &Value| errand["attempts"] != 0 && !errand["problem"].is_null();
        (errands.len() == 2 && errands.iter().all(is_tried)).then_some(errands)
    })
    .await;
    let shown = |errand: &Value| (errand["kind"].clone(), errand["state"].clone(), errand["told_at"].clone());
    assert_eq!(shown(&tried[0]), (json!("install"), json!("failed"), json!("2026-03-02T00:00:00.000Z")));
    assert_eq!(shown(&tried[1]), (json!("install"), json!("waiting"), json!("2026-03-02T01:00:00.000Z")));
    assert!(tried[1]["problem"].as_str().unwrap().contains("no ticket yet"), "{}", tried[1]);

    ingest.clock.advance(Duration::from_mins(10));
    eventually("the code has expired", async || {
        errands().await.iter().all(|errand| errand["state"] == "failed").then_some(())
    })
    .await;
    ingest.finish().await;
}

/// Connects a suite of the simulated WeCom; its first ticket comes at once.
async fn connect(simulated: &Simulated, name: &str) {
    connect_at(simulated, name, simulated.wecom.url()).await;
}

/// Connects a suite whose WeCom is at `url`.
async fn connect_at(simulated: &Simulated, name: &str, url: &str) {
    let suite = simulated.wecom.sandbox.app(name).unwrap();
    let form = json!({
        "suite_id": suite.suite_id, "kind": suite.kind, "provider_corp_id": suite.corp_id, "secret": suite.secret,
        "token": suite.token, "encoding_aes_key": suite.encoding_aes_key, "api_url": url,
    });
    let (status, body) = simulated.ingest.admin().put(&format!("{SUITES}/{name}"), &form).await;
    assert_eq!(status, 200, "{body}");
    let url = format!("http://{}/callback/wecom/{name}", simulated.ingest.server.address());
    simulated.wecom.sandbox.set_callback_url(name, &url).unwrap();
    assert!(simulated.wecom.sandbox.verify(name).await.unwrap().verified);
}

/// Lets the company do something with a suite; WeCom tells of it and is content with the answer.
async fn deed(simulated: &Simulated, suite: &str, kind: &str) {
    let events = json!({"app": suite, "type": kind});
    let (status, body) = simulated.wecom.control(Method::POST, "/_control/events", &events).await;
    assert_eq!((status, &body["deliveries"][0]["attempts"]), (200, &json!(1)), "{body}");
}

/// Waits for the one authorisation of a suite to be as it should; returns it.
async fn authorization(simulated: &Simulated, suite: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    eventually("the authorisation", async || {
        let path = format!("{SUITES}/{suite}/authorizations");
        let (_, page) = simulated.ingest.admin().get(&path).await;
        page["items"].as_array().unwrap().iter().find(|one| is_it(one)).cloned()
    })
    .await
}

#[tokio::test]
async fn an_enterprise_that_installs_a_third_party_app_is_served_until_it_cancels() {
    let simulated = Simulated::start().await;
    connect(&simulated, "suite").await;
    deed(&simulated, "suite", "create_auth").await;
    let authorized = authorization(&simulated, "suite", |one| one["state"] == "active").await;
    // It is the company that is connected already, with one more app.
    let (corp, app) = (simulated.ingest.corp, authorized["app"].as_str().unwrap().to_owned());
    assert_eq!(authorized["corp_id"], json!(corp));
    let source = simulated.ingest.app();
    let grant = source.grant(corp, Some(&app)).await.unwrap();
    assert_eq!(grant.app, app);
    assert_eq!(source.grant(corp, None).await.unwrap().app, "demo");
    let (_, apps) = simulated.ingest.admin().get("/api/v1/ingest/apps").await;
    let listed = apps["items"].as_array().unwrap().iter().find(|one| one["name"] == app.as_str()).unwrap();
    let shown = (&listed["kind"], &listed["suite"], &listed["state"], &listed["callback_path"]);
    let (kind, path) = (json!("third_party"), json!("/callback/wecom/suite"));
    assert_eq!(shown, (&kind, &json!("suite"), &json!("connected"), &path));

    // Both of its callbacks tell of the enterprise, and are told as its app's.
    let staff = &simulated.staff[0];
    for (way, customer) in [(json!(null), "wmThroughSuite"), (json!("data"), "wmThroughData")] {
        let fields = json!({"UserID": staff, "ExternalUserID": customer});
        let mut order = json!({"app": "suite", "type": "add_external_contact", "fields": fields});
        if !way.is_null() {
            order["as"] = way;
        }
        simulated.events(&order).await;
        let (envelope, added) =
            simulated.told::<ContactAdded>(customer, |added| added.external_user_id == customer).await;
        assert_eq!((envelope.corp, &added.app, &added.user_id), (corp, &app, staff));
        simulated.told::<CustomerRead>(customer, |read| read.external_user_id == customer).await;
    }
    // A token that WeCom ends early, the suite's too, is renewed.
    simulated.wecom.sandbox.revoke_tokens();
    source.invalidate(&grant).await.unwrap();
    let renewed = source.grant(corp, Some(&app)).await.unwrap();
    assert_ne!(renewed.token, grant.token);

    deed(&simulated, "suite", "cancel_auth").await;
    authorization(&simulated, "suite", |one| one["state"] == "cancelled").await;
    assert_eq!(source.grant(corp, Some(&app)).await, Err(TokenError::NotConnected));
    assert_eq!(source.grant(corp, None).await.unwrap().app, "demo");
    // What it did before, learnt late, changes nothing.
    let earlier = simulated.ingest.clock.now().timestamp() - 60;
    let code = json!({"app": "suite", "type": "create_auth", "fields": {"TimeStamp": earlier}});
    simulated.events(&code).await;
    let path = format!("{SUITES}/suite/errands");
    eventually("the older code is exchanged", async || {
        let (_, page) = simulated.ingest.admin().get(&path).await;
        let is_done = |errand: &Value| errand["state"] == "done";
        let errands = page["items"].as_array().unwrap();
        (errands.len() == 2 && errands.iter().all(is_done)).then_some(())
    })
    .await;
    authorization(&simulated, "suite", |one| one["state"] == "cancelled").await;
    assert_eq!(source.grant(corp, Some(&app)).await, Err(TokenError::NotConnected));

    // Installed again, it is the same app.
    simulated.ingest.clock.advance(Duration::from_secs(1));
    deed(&simulated, "suite", "create_auth").await;
    let again = authorization(&simulated, "suite", |one| one["state"] == "active").await;
    assert_eq!((&again["app"], &again["corp_id"]), (&json!(app), &json!(corp)));
    assert!(source.grant(corp, Some(&app)).await.is_ok());
    simulated.finish().await;
}

#[tokio::test]
async fn whoever_keeps_a_token_of_a_cancelled_app_stops_using_it_and_is_told_why() {
    let simulated = Simulated::start().await;
    connect(&simulated, "suite").await;
    deed(&simulated, "suite", "create_auth").await;
    let authorized = authorization(&simulated, "suite", |one| one["state"] == "active").await;
    let (corp, app) = (simulated.ingest.corp, authorized["app"].as_str().unwrap());
    let clock = &simulated.ingest.clock;
    let kept = Arc::new(CachedTokens::new(simulated.ingest.app(), clock.clone()));
    let speaker = scrm_testing::wecom(kept, clock).await.of(corp, Some(app));
    speaker.following_members().await.unwrap();

    deed(&simulated, "suite", "cancel_auth").await;
    authorization(&simulated, "suite", |one| one["state"] == "cancelled").await;
    // What WeCom says to a token whose authorisation is over.
    let refusal = json!({"error_rate": 1.0, "errcode": 48004});
    simulated.faults(&json!({"api": {FOLLOWING: refusal}})).await;
    let calls = simulated.wecom.calls(FOLLOWING).len();
    for _ in 0..2 {
        let error = speaker.following_members().await.unwrap_err();
        assert_eq!(error, CallError::Token(TokenError::NotConnected));
        assert_eq!(error.to_string(), "the app is not connected to WeCom");
    }
    assert_eq!(simulated.wecom.calls(FOLLOWING).len(), calls + 1, "WeCom is asked once");
    simulated.faults(&json!({})).await;

    // Installed again, it goes on without waiting for anything to expire.
    clock.advance(Duration::from_secs(1));
    deed(&simulated, "suite", "create_auth").await;
    authorization(&simulated, "suite", |one| one["state"] == "active").await;
    speaker.following_members().await.unwrap();
    simulated.finish().await;
}

#[tokio::test]
async fn an_app_made_for_an_enterprise_signs_in_with_its_permanent_code_and_has_an_address() {
    let simulated = Simulated::start().await;
    connect(&simulated, "template").await;
    deed(&simulated, "template", "create_auth").await;
    let authorized = authorization(&simulated, "template", |one| one["state"] == "active").await;
    let (corp, app) = (simulated.ingest.corp, authorized["app"].as_str().unwrap().to_owned());
    let source = simulated.ingest.app();
    let grant = source.grant(corp, Some(&app)).await.unwrap();

    // Its address is one as soon as token and key are set.
    let now = simulated.ingest.clock.now();
    let company = simulated.wecom.sandbox.app("demo").unwrap().corp_id;
    let wecom = Wecom { corp_id: company.leak(), app: app.clone().leak(), ..Wecom::of("demo", 5) };
    let message = format!(
        "<xml><ToUserName>{}</ToUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>tea</Event></xml>",
        wecom.corp_id
    );
    let callback = wecom.callback(now, message);
    assert_eq!(simulated.ingest.call(&callback).await.status, 403);
    let path = format!("/api/v1/ingest/apps/{app}/callback");
    let secrets = json!({"token": wecom.token, "encoding_aes_key": wecom.encoding_aes_key()});
    let (status, shown) = simulated.ingest.admin().put(&path, &secrets).await;
    let expected = json!(format!("/callback/wecom/{app}"));
    assert_eq!((status, &shown["callback_path"]), (200, &expected), "{shown}");
    simulated.ingest.take(&callback).await;
    let bad = simulated.ingest.admin().put(&path, &json!({"token": "", "encoding_aes_key": "x"})).await;
    assert_eq!((bad.0, bad.1["fields"].as_array().unwrap().len()), (422, 2));
    let nowhere = simulated.ingest.admin().put("/api/v1/ingest/apps/tea/callback", &secrets).await;
    assert_eq!((nowhere.0, &nowhere.1["code"]), (404, &json!("app_not_found")));
    // It cannot be taken for an app that the enterprise made itself.
    let form = Wecom::of("demo", 1).connection();
    let mut form = form;
    form["wecom_corp_id"] = json!(wecom.corp_id);
    let (status, problem) = simulated.ingest.admin().put(&format!("/api/v1/ingest/apps/{app}"), &form).await;
    assert_eq!((status, &problem["code"]), (409, &json!("name_taken")));

    // A new secret of the same app: the token of the old one is gone.
    simulated.ingest.clock.advance(Duration::from_secs(1));
    deed(&simulated, "template", "reset_permanent_code").await;
    let decided = authorized["decided_at"].clone();
    authorization(&simulated, "template", |one| one["decided_at"] != decided).await;
    assert_ne!(source.grant(corp, Some(&app)).await.unwrap().token, grant.token);
    deed(&simulated, "template", "change_auth").await;
    eventually("it is read again", async || {
        let (_, page) = simulated.ingest.admin().get(&format!("{SUITES}/template/errands")).await;
        let is_read = |errand: &&Value| errand["kind"] == "refresh" && errand["state"] == "done";
        page["items"].as_array().unwrap().iter().find(is_read).map(drop)
    })
    .await;
    simulated.finish().await;
}

#[tokio::test]
async fn a_suite_of_another_wecom_gets_no_hold_of_an_enterprise() {
    let simulated = Simulated::start().await;
    // By another name it is another WeCom, which may say of itself what it likes.
    let elsewhere = simulated.wecom.url().replace("127.0.0.1", "localhost");
    connect_at(&simulated, "suite", &elsewhere).await;
    deed(&simulated, "suite", "create_auth").await;
    let failed = eventually("the installation fails", async || {
        let (_, page) = simulated.ingest.admin().get(&format!("{SUITES}/suite/errands")).await;
        page["items"].as_array().unwrap().iter().find(|errand| errand["state"] == "failed").cloned()
    })
    .await;
    assert!(failed["problem"].as_str().unwrap().contains("another WeCom"), "{failed}");
    let (_, page) = simulated.ingest.admin().get(&format!("{SUITES}/suite/authorizations")).await;
    assert_eq!(page["items"], json!([]));
    let (_, apps) = simulated.ingest.admin().get("/api/v1/ingest/apps").await;
    assert_eq!(apps["items"].as_array().unwrap().len(), 1);
    simulated.finish().await;
}
