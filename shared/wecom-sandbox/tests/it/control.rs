//! The control API, spoken to as outside tools do.

use actix_web::App;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use scrm_wecom_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{Receiver, TestSandbox, reopened, text_of};

async fn ask(sandbox: &Sandbox, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let text = body.map(|body| body.to_string()).unwrap_or_default();
    let (status, body) = ask_raw(sandbox, method, path, &text).await;
    (status, serde_json::from_str(&body).unwrap())
}

async fn ask_raw(sandbox: &Sandbox, method: Method, path: &str, body: &str) -> (u16, String) {
    let service = init_service(App::new().configure(|config| sandbox.routes(config))).await;
    let request = TestRequest::with_uri(path).method(method).set_payload(body.to_owned()).to_request();
    let response: ServiceResponse = call_service(&service, request).await;
    let status = response.status().as_u16();
    (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
}

#[actix_web::test]
async fn apps_are_listed_with_all_that_a_receiver_needs() {
    let opened = TestSandbox::open();
    let (status, apps) = ask(&opened.sandbox, Method::GET, "/_control/apps", None).await;
    let (app, company) = (opened.sandbox.app("demo").unwrap(), opened.sandbox.company());
    let staff: Vec<&str> = company.staff.iter().map(|staff| staff.user_id.as_str()).collect();
    let expected = json!({
        "app": "demo", "kind": "self_built", "corp_id": company.corp_id, "suite_id": null,
        "agent_id": 1_000_002, "secret": app.secret, "token": app.token,
        "encoding_aes_key": app.encoding_aes_key, "callback_url": null, "staff": staff,
    });
    assert_eq!((status, &apps[0]), (200, &expected));

    let other = opened.sandbox.app("demo-2").unwrap();
    assert!(other.secret != app.secret && other.token != app.token);
    assert_eq!((&other.corp_id, other.agent_id, &other.staff), (&app.corp_id, 1_000_003, &app.staff));
    for (place, (app, kind, prefix)) in
        [("suite", "third_party", "ww"), ("template", "customized", "dk")].into_iter().enumerate()
    {
        let (listed, suite) = (&apps[2 + place], opened.sandbox.app(app).unwrap());
        let expected = json!({
            "app": app, "kind": kind, "corp_id": suite.corp_id, "suite_id": suite.suite_id, "agent_id": 0,
            "secret": suite.secret, "token": suite.token, "encoding_aes_key": suite.encoding_aes_key,
            "callback_url": null, "staff": [],
        });
        assert_eq!(listed, &expected);
        assert!(suite.suite_id.unwrap().starts_with(prefix));
        assert_ne!(suite.corp_id, company.corp_id);
    }
    assert_eq!(apps[2]["corp_id"], apps[3]["corp_id"]);
    assert_eq!(apps.as_array().unwrap().len(), 4);
}

#[actix_web::test]
async fn the_callback_url_is_set_and_verified() {
    let opened = TestSandbox::open();
    let sandbox = &opened.sandbox;
    let verify = "/_control/apps/demo/verify";
    assert_eq!(ask(sandbox, Method::POST, verify, None).await.1["status"], "no_url");

    let receiver = Receiver::start(sandbox);
    let wrong = receiver.url.replace("/callback", "/wrong");
    for (url, verified) in [(&receiver.url, true), (&wrong, false)] {
        let (status, app) =
            ask(sandbox, Method::PUT, "/_control/apps/demo", Some(json!({ "callback_url": url }))).await;
        assert_eq!((status, &app["callback_url"]), (200, &json!(url)));
        let (status, verification) = ask(sandbox, Method::POST, verify, None).await;
        assert_eq!((status, &verification["verified"]), (200, &json!(verified)), "{verification}");
        assert_eq!(verification["reason"].is_null(), verified);
    }
    let (status, error) =
        ask(sandbox, Method::PUT, "/_control/apps/demo", Some(json!({ "callback_url": "ftp://a/" }))).await;
    assert_eq!((status, &error["field"]), (400, &json!("callback_url")));
    assert_eq!(
        ask(sandbox, Method::PUT, "/_control/apps/x", Some(json!({"callback_url": wrong}))).await.0,
        404
    );
    assert_eq!(ask(sandbox, Method::POST, "/_control/apps/x/verify", None).await.0, 404);
}

#[actix_web::test]
async fn one_event_sent_three_times_is_the_same_three_times() {
    let (opened, receiver) = TestSandbox::with_receiver();
    let order = json!({
        "app": "demo", "type": "add_external_contact", "times": 3, "shuffle": true,
        "fields": {"UserID": "LiLei", "ExternalUserID": "wmA", "State": "a<]]>b", "WelcomeCode": "c"},
    });
    let (status, answer) = ask(&opened.sandbox, Method::POST, "/_control/events", Some(order)).await;
    let deliveries = answer["deliveries"].as_array().unwrap();
    assert_eq!((status, deliveries.len()), (200, 3));
    for delivery in deliveries {
        assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!(200), &json!(1)));
        assert_eq!(delivery["external_user_id"], "wmA");
    }
    assert_eq!(opened.sandbox.acknowledged(), 1);
    let messages = receiver.rest().await;
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| *message == messages[0]));
    assert_eq!(text_of(&messages[0], "Event"), Some("change_external_contact"));
    assert_eq!(text_of(&messages[0], "UserID"), Some("LiLei"));
    assert!(messages[0].contains("<State><![CDATA[a<]]]]><![CDATA[>b]]></State>"));
}

#[actix_web::test]
async fn events_go_out_in_order_except_the_late_ones() {
    let (opened, mut receiver) = TestSandbox::with_receiver();
    receiver.answer(&[500]);
    let orders = json!([
        {"app": "demo", "type": "msgaudit_notify", "delay_ms": 40},
        {"app": "demo", "type": "change_contact/create_user", "fields": {"UserID": "a"}},
        {"app": "demo", "type": "delete_user", "fields": {"UserID": "a"}},
        {"app": "demo", "xml": "<xml><Event>raw</Event> &"},
    ]);
    let (status, answer) = ask(&opened.sandbox, Method::POST, "/_control/events", Some(orders)).await;
    assert_eq!(status, 200);
    let told = |key: &str| -> Vec<Value> {
        answer["deliveries"].as_array().unwrap().iter().map(|delivery| delivery[key].clone()).collect()
    };
    assert_eq!(json!(told("event")), json!(["msgaudit_notify", "change_contact", "change_contact", "raw"]));
    assert_eq!(json!(told("change_type")), json!([null, "create_user", "delete_user", null]));
    assert_eq!(json!(told("attempts")), json!([1, 2, 1, 1]));

    let mut messages = Vec::new();
    for _ in 0..5 {
        messages.push(receiver.next().await);
    }
    assert_eq!(text_of(&messages[0], "ChangeType"), Some("create_user"));
    let position = |text: &str| messages.iter().position(|message| message.contains(text)).unwrap();
    assert!(position("delete_user") < position("<Event>raw</Event> &"));
    assert_eq!(text_of(&messages[4], "AgentID"), Some("2000004"));
    assert_eq!(opened.sandbox.acknowledged(), 4);
}

#[actix_web::test]
async fn mistakes_are_answered_with_the_name_of_the_field() {
    let opened = TestSandbox::open();
    let kind = "add_external_contact";
    let cases = [
        (json!("text"), 400, "body"),
        (json!({"type": kind}), 400, "app"),
        (json!({"app": 5, "type": kind}), 400, "app"),
        (json!({"app": "other", "type": kind}), 404, "app"),
        (json!({"app": "demo"}), 400, "type"),
        (json!({"app": "demo", "type": "update"}), 400, "type"),
        (json!({"app": "demo", "type": "a/b/c"}), 400, "type"),
        (json!({"app": "demo", "type": kind, "times": 0}), 400, "times"),
        (json!({"app": "demo", "type": kind, "times": 1.5}), 400, "times"),
        (json!({"app": "demo", "type": kind, "delay_ms": -1}), 400, "delay_ms"),
        (json!({"app": "demo", "type": kind, "shuffle": "yes"}), 400, "shuffle"),
        (json!({"app": "demo", "type": kind, "repeat": 2}), 400, "repeat"),
        (json!({"app": "demo", "type": kind, "fields": []}), 400, "fields"),
        (json!({"app": "demo", "type": kind, "fields": {"a b": ""}}), 400, "fields.a b"),
        (json!({"app": "demo", "type": kind, "fields": {"A": {"B": "\u{0}"}}}), 400, "fields.A.B"),
        (json!({"app": "demo", "xml": "<xml/>", "fields": {}}), 400, "xml"),
        (json!([{"app": "demo", "type": kind}, {"app": "demo", "xml": 1}]), 400, "events[1].xml"),
        (json!({"app": "suite", "type": kind, "as": "command"}), 400, "as"),
        (json!({"app": "suite", "type": "cancel_auth", "as": "data"}), 400, "as"),
        (json!({"app": "template", "type": kind, "as": "data"}), 400, "as"),
        (json!([{"app": "demo", "xml": "<xml/>", "as": "data"}]), 400, "events[0].as"),
        (json!({"app": "demo", "type": "suite_ticket"}), 400, "type"),
    ];
    for (body, status, field) in cases {
        let answer = ask(&opened.sandbox, Method::POST, "/_control/events", Some(body.clone())).await;
        assert_eq!((answer.0, &answer.1["field"]), (status, &json!(field)), "{body} -> {}", answer.1);
        assert!(answer.1["error"].is_string());
    }
    let (status, body) = ask_raw(&opened.sandbox, Method::POST, "/_control/events", "{").await;
    assert!(status == 400 && body.contains("is not JSON"), "{body}");
    assert_eq!(ask(&opened.sandbox, Method::GET, "/_control/nothing", None).await.0, 404);
    assert_eq!(ask(&opened.sandbox, Method::GET, "/_control/callbacks", None).await, (200, json!([])));
}

#[actix_web::test]
async fn faults_are_set_as_a_whole() {
    let opened = TestSandbox::open();
    let sandbox = &opened.sandbox;
    let path = "/_control/faults";
    let body = json!({
        "callbacks": {"drop": 0.5},
        "api": {"/cgi-bin/externalcontact/get": {"errcode": 45009}, "*": {"latency_ms": 5, "timeout_after_accept": 0.1}},
    });
    let set = json!({
        "callbacks": {"duplicate": 0.0, "reorder": 0.0, "drop": 0.5},
        "api": {
            "*": {"error_rate": 0.0, "errcode": -1, "latency_ms": 5, "timeout_after_accept": 0.1, "close_after_accept": 0.0},
            "externalcontact/get": {"error_rate": 1.0, "errcode": 45009, "latency_ms": 0, "timeout_after_accept": 0.0, "close_after_accept": 0.0},
        },
    });
    assert_eq!(ask(sandbox, Method::PUT, path, Some(body)).await, (200, set.clone()));
    for (body, field) in [
        (json!({"callbacks": {"drop": 2}}), "callbacks.drop"),
        (json!({"callbacks": {"lose": 1}}), "callbacks.lose"),
        (json!({"callback": {}}), "callback"),
        (json!({"api": {"externalcontact/eat": {}}}), "api.externalcontact/eat"),
        (json!({"api": {"*": {"error_rate": -1}}}), "api.*.error_rate"),
        (json!({"api": {"*": {"errcode": "x"}}}), "api.*.errcode"),
        (json!({"api": {"*": {"errcode": 0}}}), "api.*.errcode"),
        (json!({"revoke_tokens": 1}), "revoke_tokens"),
    ] {
        let (status, error) = ask(sandbox, Method::PUT, path, Some(body)).await;
        assert_eq!((status, &error["field"]), (400, &json!(field)));
    }
    assert_eq!(ask(sandbox, Method::GET, path, None).await, (200, set));
    assert_eq!(ask(sandbox, Method::PUT, path, Some(json!({}))).await.1["callbacks"]["drop"], 0.0);
}

#[actix_web::test]
async fn settings_are_set_as_a_whole_and_kept() {
    let opened = TestSandbox::open();
    let path = "/_control/settings";
    let usual = json!({"transfer_delay_s": 86400, "transfer_refuse": 0.0, "calls_per_minute": 10000,
        "mark_tag_parallel": 5, "messages_per_minute": 30});
    assert_eq!(ask(&opened.sandbox, Method::GET, path, None).await, (200, usual.clone()));
    let body = json!({"transfer_delay_s": 3, "transfer_refuse": 0.5});
    assert_eq!(ask(&opened.sandbox, Method::PUT, path, Some(body)).await.0, 200);
    for (body, field) in [
        (json!({"transfer_delay_s": -1}), "transfer_delay_s"),
        (json!({"transfer_refuse": 2}), "transfer_refuse"),
        (json!({"mark_tag_parallel": 0}), "mark_tag_parallel"),
        (json!({"speed": 1}), "speed"),
    ] {
        let (status, error) = ask(&opened.sandbox, Method::PUT, path, Some(body)).await;
        assert_eq!((status, &error["field"]), (400, &json!(field)));
    }
    let TestSandbox { folder, sandbox } = opened;
    drop(sandbox);
    let sandbox = reopened(&folder, 7);
    assert_eq!(sandbox.settings().transfer_delay_s, 3);
    assert_eq!(ask(&sandbox, Method::PUT, path, Some(json!({}))).await, (200, usual));
}

#[actix_web::test]
async fn every_api_call_is_taken_down_and_answered_as_wecom_does() {
    let opened = TestSandbox::open();
    let sandbox = &opened.sandbox;
    let (status, answer) = ask(sandbox, Method::GET, "/cgi-bin/gettoken?corpid=a&corpsecret=b", None).await;
    assert_eq!((status, &answer["errcode"]), (200, &json!(40013)));
    ask(sandbox, Method::POST, "/cgi-bin/message/send?access_token=t", Some(json!({"touser": "李"}))).await;
    ask_raw(sandbox, Method::POST, "/cgi-bin/media/upload", "not JSON").await;

    let (_, calls) = ask(sandbox, Method::GET, "/_control/calls", None).await;
    assert_eq!(
        (&calls[0]["path"], &calls[0]["query"]),
        (&json!("/cgi-bin/gettoken"), &json!("corpid=a&corpsecret=***"))
    );
    assert_eq!((&calls[0]["body"], &calls[0]["answer"]), (&Value::Null, &answer));
    assert_eq!(calls[1]["body"], json!({"touser": "李"}));
    assert_eq!(calls[2]["body"]["bytes"], 8);
    assert_eq!(calls.as_array().unwrap().len(), 3);

    for (since, expected) in [("0", 3), ("1000000000000", 3), ("2200-01-01T00:00:00Z", 0), ("99999999999", 0)]
    {
        let path = format!("/_control/calls?since={since}");
        let (_, listed) = ask(sandbox, Method::GET, &path, None).await;
        assert_eq!(listed.as_array().unwrap().len(), expected, "{since}");
    }
    let (status, error) = ask(sandbox, Method::GET, "/_control/calls?since=yesterday", None).await;
    assert_eq!((status, &error["field"]), (400, &json!("since")));
    assert_eq!(ask(sandbox, Method::GET, "/_control/calls?latest=1", None).await.1, json!([calls[2]]));
}

#[actix_web::test]
async fn a_long_list_is_complete_and_in_order() {
    let (opened, _receiver) = TestSandbox::with_receiver();
    let id = &opened.sandbox.company().customer(3).external_user_id;
    let order = json!({"app": "demo", "type": "edit_external_contact", "times": 1100,
        "fields": {"ExternalUserID": id}});
    ask(&opened.sandbox, Method::POST, "/_control/events", Some(order)).await;
    let (_, callbacks) = ask(&opened.sandbox, Method::GET, "/_control/callbacks?since=1", None).await;
    let callbacks = callbacks.as_array().unwrap();
    assert_eq!(callbacks.len(), 1100);
    for (i, callback) in callbacks.iter().enumerate() {
        assert_eq!(callback["id"], i + 1);
    }
    let last = &callbacks[1099];
    let shown = [&last["app"], &last["event"], &last["change_type"], &last["external_user_id"]];
    assert_eq!(json!(shown), json!(["demo", "change_external_contact", "edit_external_contact", id]));
    assert_eq!((&last["status"], &last["attempt"]), (&json!(200), &json!(1)));
    assert_eq!(last["customer"], opened.sandbox.company().customer(3).name);
}

#[actix_web::test]
async fn the_company_is_shown_as_it_is_now() {
    let (opened, _receiver) = TestSandbox::with_receiver();
    let sandbox = &opened.sandbox;
    let member = sandbox.company().staff[0].user_id.clone();
    let relation = |kind: &str, customer: &str| json!({"app": "demo", "type": kind, "fields": {"UserID": member, "ExternalUserID": customer, "State": "s"}});
    let orders = json!([
        relation("add_external_contact", "wmA"),
        relation("add_external_contact", "wmB"),
        relation("del_follow_user", "wmA"),
        {"app": "demo", "type": "create_user", "fields": {"UserID": "new", "Name": "新人", "Department": "5"}},
    ]);
    assert_eq!(ask(sandbox, Method::POST, "/_control/events", Some(orders)).await.0, 200);

    let (status, corp) = ask(sandbox, Method::GET, "/_control/corp", None).await;
    assert_eq!((status, &corp["corp_id"]), (200, &json!(sandbox.company().corp_id)));
    let members = corp["members"].as_array().unwrap();
    assert_eq!(
        (members.len(), &members[0]["user_id"], &members[0]["customers"]),
        (51, &json!(member), &json!(1))
    );
    assert_eq!((&members[50]["name"], &members[50]["departments"]), (&json!("新人"), &json!([5])));
    assert_eq!(corp["channels"][0]["state"], "douyin-live");
    assert_eq!(corp["tag_groups"].as_array().unwrap().len(), 5);
    let contacts = corp["contacts"].as_array().unwrap();
    assert_eq!(
        (&contacts[0]["external_user_id"], &contacts[0]["standing"]),
        (&json!("wmB"), &json!("friends"))
    );
    assert_eq!(contacts[1]["standing"], "left_by_customer");
    assert_eq!((&contacts[0]["state"], &contacts[0]["tags"]), (&json!("s"), &json!([])));

    let renamed =
        json!({"app": "demo", "type": "update_user", "fields": {"UserID": member, "NewUserID": "other"}});
    ask(sandbox, Method::POST, "/_control/events", Some(renamed)).await;
    let (_, corp) = ask(sandbox, Method::GET, "/_control/corp", None).await;
    let other = corp["members"].as_array().unwrap().iter().find(|known| known["user_id"] == "other").unwrap();
    assert_eq!(other["customers"], 1);
    assert_eq!(corp["contacts"][0]["user_id"], "other");
}

#[actix_web::test]
async fn a_watcher_gets_what_is_new_and_the_newest_of_it() {
    let (opened, receiver) = TestSandbox::with_receiver();
    let sandbox = &opened.sandbox;
    receiver.answer(&[500]);
    let order = |times: u32| json!({"app": "demo", "type": "msgaudit_notify", "times": times});
    ask(sandbox, Method::POST, "/_control/events", Some(order(4))).await;
    ask(sandbox, Method::GET, "/cgi-bin/gettoken?corpid=a&corpsecret=b", None).await;

    let (status, first) = ask(sandbox, Method::GET, "/_control/news", None).await;
    assert_eq!(status, 200);
    let counters = &first["counters"];
    assert_eq!((&counters["attempts"], &counters["retried"]), (&json!(5), &json!(1)));
    assert_eq!((&counters["calls"], &counters["failed_calls"]), (&json!(1), &json!(1)));
    assert_eq!((&first["callbacks"]["first"], &first["callbacks"]["items"][4]["id"]), (&json!(0), &json!(5)));
    let call = &first["calls"]["items"][0];
    assert_eq!((&call["path"], call["ms"].is_u64()), (&json!("/cgi-bin/gettoken"), true));
    assert_eq!(first["messages"]["items"], json!([]));

    let run = first["run"].as_str().unwrap();
    let seen = format!("/_control/news?run={run}&callbacks=5&calls=1&messages=0&most=2");
    let (_, none) = ask(sandbox, Method::GET, &seen, None).await;
    assert_eq!((&none["callbacks"]["items"], &none["calls"]["items"]), (&json!([]), &json!([])));
    assert_eq!(none["messages"], json!({"changes": 0, "items": null}));
    ask(sandbox, Method::POST, "/_control/events", Some(order(3))).await;
    let (_, news) = ask(sandbox, Method::GET, &seen, None).await;
    let ids = [&news["callbacks"]["items"][0]["id"], &news["callbacks"]["items"][1]["id"]];
    assert_eq!((&news["callbacks"]["first"], json!(ids)), (&json!(6), json!([7, 8])));

    let TestSandbox { folder, sandbox } = opened;
    drop(sandbox);
    let (_, again) = ask(&reopened(&folder, 7), Method::GET, &seen, None).await;
    assert_eq!((&again["callbacks"]["items"], &again["counters"]["failed_calls"]), (&json!([]), &json!(1)));
    assert_ne!(again["run"], first["run"]);
    assert_eq!(again["calls"]["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn the_page_is_one_document_that_runs_nothing_but_its_own_script() {
    let opened = TestSandbox::open();
    let service = init_service(App::new().configure(|config| opened.sandbox.routes(config))).await;
    let response: ServiceResponse = call_service(&service, TestRequest::get().to_request()).await;
    assert_eq!(response.status().as_u16(), 200);
    let policy = response.headers().get("content-security-policy").unwrap().to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"), "{policy}");
    let page = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    assert!(page.contains("企业微信沙箱"));
    for outside in ["src=", "@import", "url(", "innerHTML", "insertAdjacentHTML"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("href=").count(), page.matches("href=\"data:,\"").count());
}

#[actix_web::test]
async fn endpoints_that_can_fail_are_listed() {
    let opened = TestSandbox::open();
    let (_, about) = ask(&opened.sandbox, Method::GET, "/_control/company", None).await;
    let endpoints = about["endpoints"].as_array().unwrap();
    assert!(endpoints.contains(&json!("message/send")));
    for path in endpoints {
        let faults = json!({"api": {(path.as_str().unwrap()): {"errcode": -1}}});
        assert_eq!(
            ask(&opened.sandbox, Method::PUT, "/_control/faults", Some(faults)).await.0,
            200,
            "{path}"
        );
    }
}
