//! Suites of a provider: tickets, installation, the tokens that come of it, and how suites are told.

use reqwest::Method;
use scrm_wecom_sandbox::{Answer, App, Event};
use serde_json::{Value, json};

use crate::client::TestCorp;
use crate::support::{Receiver, TestSandbox, text_of};

/// A suite whose callbacks are received, and that has got its first ticket.
struct TestSuite {
    corp: TestCorp,
    app: App,
    receiver: Receiver,
    ticket: String,
}

impl TestSuite {
    async fn start(app: &str) -> Self {
        let corp = TestCorp::start().await;
        let app = corp.sandbox.app(app).unwrap();
        let mut receiver = Receiver::of(&corp.sandbox, &app.app);
        let url = json!({ "callback_url": receiver.url });
        let (status, _) = corp.ask(Method::PUT, &format!("/_control/apps/{}", app.app), Some(url)).await;
        assert_eq!(status, 200);
        let ticket = ticket_of(&receiver.next().await);
        Self { corp, app, receiver, ticket }
    }

    /// Asks for the token of the suite with its newest ticket.
    async fn token(&self) -> String {
        let answer = self.get_suite_token(&self.ticket).await;
        answer["suite_access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn get_suite_token(&self, ticket: &str) -> Value {
        let App { suite_id, secret, .. } = &self.app;
        let body = json!({ "suite_id": suite_id, "suite_secret": secret, "suite_ticket": ticket });
        self.corp.ask(Method::POST, "/cgi-bin/service/get_suite_token", Some(body)).await.1
    }

    /// Calls `service/…` with the token of the suite.
    async fn service(&self, name: &str, body: Value) -> Value {
        let path = format!("/cgi-bin/service/{name}?suite_access_token={}", self.token().await);
        self.corp.ask(Method::POST, &path, Some(body)).await.1
    }

    /// Calls it as whoever knows a permanent code of the company.
    async fn authorised(&self, name: &str, permanent_code: &str) -> Value {
        let corp_id = &self.corp.sandbox.company().corp_id;
        self.service(name, json!({ "auth_corpid": corp_id, "permanent_code": permanent_code })).await
    }

    /// Asks for an access token as customized apps do.
    async fn gettoken(&self, permanent_code: &str) -> Value {
        let corp_id = &self.corp.sandbox.company().corp_id;
        let path = format!("/cgi-bin/gettoken?corpid={corp_id}&corpsecret={permanent_code}");
        self.corp.ask(Method::GET, &path, None).await.1
    }

    /// Lets something happen, and returns what the suite is told.
    async fn told(&mut self, kind: &str, fields: Value) -> String {
        let order = json!({ "app": self.app.app, "type": kind, "fields": fields });
        let answer = self.corp.event(order).await;
        assert_eq!(answer["deliveries"][0]["status"], 200, "{answer}");
        self.receiver.next().await
    }

    /// Installs the suite, and returns the answer with the permanent code.
    async fn installed(&mut self) -> Value {
        let told = self.told("create_auth", json!({})).await;
        self.exchanged(text_of(&told, "AuthCode").unwrap()).await
    }

    async fn exchanged(&self, auth_code: &str) -> Value {
        self.service("get_permanent_code", json!({ "auth_code": auth_code })).await
    }

    /// Returns the error of a call with an access token.
    async fn errcode(&mut self, access_token: &str) -> Value {
        access_token.clone_into(&mut self.corp.token);
        self.corp.get("externalcontact/get_follow_user_list").await["errcode"].clone()
    }
}

fn ticket_of(told: &str) -> String {
    assert_eq!(text_of(told, "InfoType"), Some("suite_ticket"), "{told}");
    text_of(told, "SuiteTicket").unwrap().to_owned()
}

fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[actix_web::test]
async fn tickets_come_by_the_clock_and_each_is_good_for_thirty_minutes() {
    let mut suite = TestSuite::start("suite").await;
    let App { suite_id, secret, .. } = suite.app.clone();
    let first = suite.ticket.clone();
    for (body, errcode) in [
        (json!({ "suite_secret": secret, "suite_ticket": first }), 41021),
        (json!({ "suite_id": "ww0", "suite_secret": secret, "suite_ticket": first }), 40083),
        (json!({ "suite_id": suite_id, "suite_ticket": first }), 41024),
        (json!({ "suite_id": suite_id, "suite_secret": "no", "suite_ticket": first }), 40080),
        (json!({ "suite_id": suite_id, "suite_secret": secret }), 41023),
        (json!({ "suite_id": suite_id, "suite_secret": secret, "suite_ticket": "no" }), 40085),
    ] {
        let path = "/cgi-bin/service/get_suite_token";
        assert_eq!(
            suite.corp.ask(Method::POST, path, Some(body.clone())).await.1["errcode"],
            errcode,
            "{body}"
        );
    }
    let granted = suite.get_suite_token(&first).await;
    assert_eq!((&granted["errcode"], &granted["expires_in"]), (&json!(0), &json!(7200)));

    suite.corp.advance(599);
    suite.corp.advance(1);
    let second = ticket_of(&suite.receiver.next().await);
    assert_ne!(first, second);
    suite.corp.advance(1199);
    let third = ticket_of(&suite.receiver.next().await);
    for ticket in [&first, &second, &third] {
        let same = suite.get_suite_token(ticket).await;
        assert_eq!(same["suite_access_token"], granted["suite_access_token"]);
    }
    suite.corp.advance(1);
    assert_eq!(suite.get_suite_token(&first).await["errcode"], 40085);
    assert_eq!(suite.get_suite_token(&second).await["expires_in"], 5400);

    let told = suite.told("suite_ticket", json!({ "SuiteTicket": "given" })).await;
    assert_eq!(ticket_of(&told), "given");
    assert_eq!(suite.get_suite_token("given").await["errcode"], 0);
    let drawn = suite.told("suite_ticket", json!({})).await;
    suite.ticket = ticket_of(&drawn);
    assert_eq!(suite.token().await, text(&granted, "suite_access_token"));
}

#[actix_web::test]
async fn the_token_of_a_suite_expires_and_can_be_revoked() {
    let mut suite = TestSuite::start("template").await;
    let token = suite.token().await;
    let pre_auth = |token: &str| format!("/cgi-bin/service/get_pre_auth_code?suite_access_token={token}");
    let answer = suite.corp.ask(Method::GET, &pre_auth(&token), None).await.1;
    assert_eq!((&answer["expires_in"], answer["pre_auth_code"].is_string()), (&json!(1200), true));
    for (path, errcode) in [(pre_auth(""), 41022), (pre_auth("no"), 40082)] {
        assert_eq!(suite.corp.ask(Method::GET, &path, None).await.1["errcode"], errcode);
    }
    assert_eq!(suite.errcode(&token).await, 40014, "it is no token of the company");

    suite.corp.ask(Method::PUT, "/_control/faults", Some(json!({ "revoke_tokens": true }))).await;
    assert_eq!(suite.corp.ask(Method::GET, &pre_auth(&token), None).await.1["errcode"], 40082);
    let token = suite.token().await;
    suite.corp.advance(7200);
    assert_eq!(suite.corp.ask(Method::GET, &pre_auth(&token), None).await.1["errcode"], 42009);
}

#[actix_web::test]
async fn whoever_installs_a_suite_opens_the_company_to_it_once_for_a_code() {
    let mut suite = TestSuite::start("suite").await;
    let told = suite.told("create_auth", json!({ "State": "s" })).await;
    assert_eq!((text_of(&told, "State"), text_of(&told, "AuthCorpId")), (Some("s"), None));
    let auth_code = text_of(&told, "AuthCode").unwrap();
    let answer = suite.exchanged(auth_code).await;
    let company = suite.corp.sandbox.company().clone();
    assert_eq!((answer.get("errcode"), &answer["expires_in"]), (None, &json!(7200)), "{answer}");
    assert_eq!(answer["auth_corp_info"]["corpid"], company.corp_id);
    assert_eq!(answer["auth_corp_info"]["corp_name"], company.name);
    let administrator = json!({ "userid": company.staff[0].user_id, "name": company.staff[0].name });
    assert_eq!(answer["auth_user_info"], administrator);
    let agent = &answer["auth_info"]["agent"][0];
    assert_eq!((&agent["agentid"], &agent["is_customized_app"]), (&json!(1_000_004), &json!(false)));
    assert_eq!(agent["privilege"]["allow_party"], json!([1]));
    for code in [auth_code, "no", ""] {
        assert_eq!(suite.exchanged(code).await["errcode"], 40078);
    }

    let permanent_code = text(&answer, "permanent_code");
    let info = suite.authorised("get_auth_info", &permanent_code).await;
    assert_eq!((&info["errcode"], &info["auth_info"]), (&json!(0), &answer["auth_info"]));
    let token = text(&suite.authorised("get_corp_token", &permanent_code).await, "access_token");
    assert_eq!(token, text(&answer, "access_token"), "the same until it expires");
    assert_eq!(suite.errcode(&token).await, 0);
    assert_eq!(suite.corp.get("agent/get?agentid=1000004").await["name"], "suite");
    assert_eq!(suite.corp.get("agent/get?agentid=1000002").await["errcode"], 40056);
    assert_eq!(suite.gettoken(&permanent_code).await["errcode"], 40001, "that is for customized apps");
    for name in ["get_auth_info", "get_corp_token"] {
        assert_eq!(suite.authorised(name, "no").await["errcode"], 40084);
        let elsewhere = json!({ "auth_corpid": "ww0", "permanent_code": permanent_code });
        assert_eq!(suite.service(name, elsewhere).await["errcode"], 40013);
    }

    suite.corp.ask(Method::PUT, "/_control/settings", Some(json!({ "calls_per_minute": 1 }))).await;
    assert_eq!(suite.errcode(&token).await, 45009);
    suite.corp.ask(Method::PUT, "/_control/settings", Some(json!({}))).await;
    suite.corp.ask(Method::PUT, "/_control/faults", Some(json!({ "revoke_tokens": true }))).await;
    assert_eq!(suite.errcode(&token).await, 40014);

    let late = suite.told("create_auth", json!({ "AuthCode": "late" })).await;
    suite.corp.advance(600);
    suite.ticket = ticket_of(&suite.receiver.next().await);
    assert_eq!(suite.exchanged(text_of(&late, "AuthCode").unwrap()).await["errcode"], 40078);
    suite.told("create_auth", json!({ "AuthCode": "late" })).await;
    assert_eq!(suite.exchanged("late").await["errcode"], 40078, "a repetition makes it no younger");
    let calls = suite.corp.ask(Method::GET, "/_control/calls", None).await.1.to_string();
    let secrets = [&suite.app.secret, &suite.ticket, &permanent_code, &token];
    assert!(secrets.iter().all(|secret| !calls.contains(*secret)), "secrets are not taken down");
}

#[actix_web::test]
async fn a_customized_app_takes_its_permanent_code_for_a_secret_until_it_is_reset_or_cancelled() {
    let mut suite = TestSuite::start("template").await;
    let answer = suite.installed().await;
    assert_eq!((answer.get("access_token"), answer.get("expires_in")), (None, None));
    let agent = &answer["auth_info"]["agent"][0];
    assert_eq!((&agent["agentid"], &agent["is_customized_app"]), (&json!(1_000_005), &json!(true)));

    let mut old = text(&answer, "permanent_code");
    assert_eq!(suite.authorised("get_corp_token", &old).await["errcode"], 48002);
    for end in ["reset_permanent_code", "cancel_auth"] {
        let token = text(&suite.gettoken(&old).await, "access_token");
        assert_eq!(suite.errcode(&token).await, 0);
        suite.told("cancel_auth", json!({ "AuthCorpId": "ww0" })).await;
        let changed = suite.told("change_auth", json!({})).await;
        let company = suite.corp.sandbox.company().corp_id.clone();
        assert_eq!(text_of(&changed, "AuthCorpId"), Some(company.as_str()));
        assert_eq!(suite.errcode(&token).await, 0, "nothing has ended yet");

        let told = suite.told(end, json!({})).await;
        assert_eq!(suite.errcode(&token).await, 40014);
        assert_eq!(suite.gettoken(&old).await["errcode"], 40001);
        assert_eq!(suite.authorised("get_auth_info", &old).await["errcode"], 40084);
        let Some(auth_code) = text_of(&told, "AuthCode") else { continue };
        let answer = suite.exchanged(auth_code).await;
        assert_ne!(text(&answer, "permanent_code"), old);
        old = text(&answer, "permanent_code");
    }
    let told = suite.told("create_auth", json!({})).await;
    suite.told("cancel_auth", json!({})).await;
    assert_eq!(suite.exchanged(text_of(&told, "AuthCode").unwrap()).await["errcode"], 40078);
    let again = suite.installed().await;
    assert_eq!(again["auth_info"], answer["auth_info"], "the app keeps its number");

    let company = suite.corp.sandbox.company().corp_id.clone();
    let kept = json!({ "app": "template", "type": "cancel_auth", "keep_state": true });
    suite.corp.event(kept).await;
    assert_eq!(text_of(&suite.receiver.next().await, "AuthCorpId"), Some(company.as_str()));
    assert_eq!(suite.gettoken(&text(&again, "permanent_code")).await["errcode"], 0);
    assert_eq!(suite.gettoken(&suite.app.secret.clone()).await["errcode"], 40001);
}

#[actix_web::test]
async fn a_suite_is_told_under_its_own_head_or_as_an_app_of_the_company() {
    let mut suite = TestSuite::start("suite").await;
    let verified = suite.corp.ask(Method::POST, "/_control/apps/suite/verify", None).await.1;
    assert_eq!(verified["verified"], true, "{verified}");
    let company = suite.corp.sandbox.company().corp_id.clone();
    let suite_id = suite.app.suite_id.clone().unwrap();
    let order = |form: Value| {
        json!({ "app": "suite", "as": form, "type": "add_external_contact",
            "fields": { "UserID": "a", "ExternalUserID": "wmA" } })
    };
    let heads = [
        (json!(null), [Some(suite_id.as_str()), Some(&company), Some("change_external_contact"), None, None]),
        (json!("data"), [None, None, None, Some(company.as_str()), Some("change_external_contact")]),
    ];
    for (form, expected) in heads {
        let answer = suite.corp.event(order(form)).await;
        let delivery = &answer["deliveries"][0];
        assert_eq!(
            (&delivery["status"], &delivery["event"]),
            (&json!(200), &json!("change_external_contact"))
        );
        let told = suite.receiver.next().await;
        let head = ["SuiteId", "AuthCorpId", "InfoType", "ToUserName", "Event"];
        assert_eq!(head.map(|element| text_of(&told, element)), expected, "{told}");
        assert_eq!(["TimeStamp", "CreateTime"].iter().filter_map(|time| text_of(&told, time)).count(), 1);
        assert_eq!(text_of(&told, "ChangeType"), Some("add_external_contact"));
        assert_eq!(text_of(&told, "ExternalUserID"), Some("wmA"));
    }

    // Who scans is told to the app that the order names.
    let mut other = Receiver::of(&suite.corp.sandbox, "demo-2");
    suite.corp.sandbox.set_callback_url("demo-2", &other.url).unwrap();
    let scan = |app: &str| json!({ "app": app, "type": "scan", "fields": { "state": "referral" } });
    suite.corp.event(json!([scan("demo-2"), scan("suite")])).await;
    assert_eq!(text_of(&other.next().await, "AuthCorpId"), None);
    assert_eq!(text_of(&suite.receiver.next().await, "AuthCorpId"), Some(company.as_str()));
}

#[actix_web::test]
async fn a_suite_must_answer_success_but_not_to_data() {
    let TestSandbox { sandbox, folder: _folder } = TestSandbox::open();
    let mut receiver = Receiver::of(&sandbox, "suite");
    sandbox.set_callback_url("suite", &receiver.url).unwrap();
    ticket_of(&receiver.next().await);
    receiver.say("ok");
    let event = Event::new("suite", "change_auth", None);
    let refused = sandbox.deliver(event.clone()).await.unwrap();
    assert_eq!((refused.status, refused.attempts), (Answer::NotSuccess, 3));
    let data = sandbox.deliver(event.clone().as_data()).await.unwrap();
    assert_eq!((data.status, data.attempts), (Answer::Http(200), 1));
    receiver.say("success");
    assert!(sandbox.happen(Event::new("suite", "create_auth", None)).await.unwrap().status.is_accepted());
    let told = receiver.rest().await;
    assert_eq!((told.len(), text_of(&told[4], "AuthCode").map(str::len)), (5, Some(64)));
}

#[actix_web::test]
async fn what_a_suite_has_outlives_a_restart() {
    let mut suite = TestSuite::start("suite").await;
    let token = suite.token().await;
    let installed = suite.installed().await;
    let unused = suite.told("create_auth", json!({})).await;
    let (permanent_code, access) = (text(&installed, "permanent_code"), text(&installed, "access_token"));

    let TestSuite { corp, app, receiver, ticket } = suite;
    let corp = corp.restarted().await;
    assert!(corp.sandbox.app("suite").unwrap().secret == app.secret);
    let mut suite = TestSuite { corp, app, receiver, ticket };
    assert_eq!(suite.token().await, token);
    assert_eq!(suite.errcode(&access).await, 0);
    let answer = suite.authorised("get_corp_token", &permanent_code).await;
    assert_eq!(text(&answer, "access_token"), access);

    // The next ticket is due ten minutes after the first one, whatever happened meanwhile.
    suite.corp.advance(599);
    let renewed = suite.exchanged(text_of(&unused, "AuthCode").unwrap()).await;
    assert_eq!(suite.authorised("get_corp_token", &permanent_code).await["errcode"], 40084);
    assert_ne!(text(&renewed, "permanent_code"), permanent_code);
    assert_eq!(suite.errcode(&access).await, 40014);
    suite.corp.advance(1);
    assert_ne!(ticket_of(&suite.receiver.next().await), suite.ticket);
    assert_eq!(suite.receiver.rest().await.len(), 0);
}

#[actix_web::test]
async fn what_a_suite_sees_is_part_of_what_the_company_granted() {
    let mut suite = TestSuite::start("suite").await;
    let (member, other) = (suite.corp.member(0), suite.corp.member(1));
    let visible = json!({ "user_ids": [member], "department_ids": [9] });
    let (_, app) =
        suite.corp.ask(Method::PUT, "/_control/apps/suite", Some(json!({ "visible": visible }))).await;
    assert_eq!((&app["visible"], &app["staff"]), (&visible, &json!([])));
    let granted = suite.installed().await;
    let privilege = &granted["auth_info"]["agent"][0]["privilege"];
    assert_eq!((&privilege["allow_user"], &privilege["allow_party"]), (&json!([member]), &json!([9])));
    suite.corp.token = text(&granted, "access_token");
    for (user_id, errcode) in [(member, 0), (other.clone(), 60011)] {
        assert_eq!(suite.corp.get(&format!("user/get?userid={user_id}")).await["errcode"], errcode);
    }
    suite.corp.renew().await;
    assert_eq!(
        suite.corp.get(&format!("user/get?userid={other}")).await["errcode"],
        0,
        "demo sees everybody"
    );
}

#[actix_web::test]
async fn the_apps_of_a_provider_may_call_more_often_from_one_address() {
    let mut suite = TestSuite::start("suite").await;
    let granted = suite.installed().await;
    let demo = suite.corp.token.clone();
    let settings = json!({ "enforce_limits": true, "limits": { "ip_calls_per_hour": 0 } });
    suite.corp.ask(Method::PUT, "/_control/settings", Some(settings)).await;
    assert_eq!(suite.errcode(&demo).await, 45009);
    let token = text(&granted, "access_token");
    assert_eq!(suite.errcode(&token).await, 0);
    let settings = json!({ "enforce_limits": true, "limits": { "provider_ip_calls_per_minute": 0 } });
    suite.corp.ask(Method::PUT, "/_control/settings", Some(settings)).await;
    assert_eq!(suite.errcode(&token).await, 45009);
    assert_eq!(suite.get_suite_token(&suite.ticket).await["errcode"], 45009);
}

#[actix_web::test]
async fn suites_are_no_contact_sync() {
    let mut suite = TestSuite::start("suite").await;
    suite.corp.token = text(&suite.installed().await, "access_token");
    assert_eq!(suite.corp.post("user/list_id", json!({})).await["errcode"], 48002);

    let mut template = TestSuite::start("template").await;
    let permanent_code = text(&template.installed().await, "permanent_code");
    template.corp.token = text(&template.gettoken(&permanent_code).await, "access_token");
    assert_eq!(template.corp.post("user/list_id", json!({})).await["errcode"], 48002);
}
