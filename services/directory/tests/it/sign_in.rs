//! Set-up, signing in and out, and sessions that somebody else may have a copy of.

use std::time::Duration;

use reqwest::Method;
use scrm_testing::{Client, Reply};
use serde_json::{Value, json};

use crate::support::TestDirectory;

const BASE: &str = "/api/v1/directory";
const PASSWORD: &str = "nine green cranes at dusk";

/// What a browser has after it was let in.
struct Browser {
    access: String,
    /// The cookie, with its name.
    cookie: String,
}

impl Browser {
    fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 200, "{}", reply.json());
        let body = reply.json();
        assert_eq!(body["expires_in"], 600);
        let cookie = reply.headers["set-cookie"].to_str().unwrap();
        let mut parts = cookie.split("; ");
        let pair = parts.next().unwrap().to_owned();
        let attributes: Vec<&str> = parts.collect();
        assert_eq!(
            attributes,
            ["Path=/api/v1/directory", "Max-Age=7776000", "HttpOnly", "Secure", "SameSite=Strict"]
        );
        assert_eq!(reply.headers["cache-control"], "no-store");
        Self { access: body["access_token"].as_str().unwrap().to_owned(), cookie: pair }
    }
}

impl TestDirectory {
    /// Sends JSON to a public route, as a stranger.
    async fn post(&self, route: &str, body: &Value) -> Reply {
        self.post_as(self.server.stranger(), route, body).await
    }

    async fn post_as(&self, client: Client, route: &str, body: &Value) -> Reply {
        let client = client.sending("application/json");
        client.send(Method::POST, &format!("{BASE}/{route}"), body.to_string()).await
    }

    async fn set_up(&self) -> Browser {
        let code = self.directory.make_setup_code(self.corp).await.unwrap().unwrap();
        let first = json!({"code": code, "account": "Admin", "password": PASSWORD, "display_name": "管理员"});
        Browser::of(&self.post("setup", &first).await)
    }

    async fn sign_in(&self, account: &str, password: &str) -> Reply {
        self.post("sign-in", &json!({"account": account, "password": password})).await
    }

    async fn refresh(&self, cookie: &str) -> Reply {
        let client = self.server.stranger().with_header("cookie", cookie);
        client.send(Method::POST, &format!("{BASE}/refresh"), "").await
    }

    async fn me(&self, access: &str) -> (u16, Value) {
        self.server.bearer(access).get(&format!("{BASE}/me")).await
    }
}

fn refusal(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_enterprise_is_set_up_once_with_the_newest_code() {
    let directory = TestDirectory::start().await;
    let first = |code: &str| json!({"code": code, "account": "admin", "password": PASSWORD});
    let void = directory.directory.make_setup_code(directory.corp).await.unwrap().unwrap();
    let code = directory.directory.make_setup_code(directory.corp).await.unwrap().unwrap();
    assert_eq!(refusal(&directory.post("setup", &first(&void)).await), (403, "wrong_setup_code".to_owned()));
    let weak = json!({"code": code, "account": "a b", "password": "password1"});
    let refused = directory.post("setup", &weak).await;
    let fields: Vec<_> =
        refused.json()["fields"].as_array().unwrap().iter().map(|one| one["field"].clone()).collect();
    assert_eq!((refused.status, fields), (422, vec![json!("account"), json!("password")]));

    let code = code.to_lowercase().replace('-', "");
    let browser = Browser::of(&directory.post("setup", &first(&code)).await);
    let (status, me) = directory.me(&browser.access).await;
    assert_eq!((status, &me["account"], &me["roles"]), (200, &json!("admin"), &json!(["admin"])), "{me}");
    assert_eq!((&me["corp_id"], &me["display_name"]), (&json!(directory.corp), &json!("admin")));
    let read =
        me["permissions"].as_array().unwrap().iter().find(|one| one["action"] == "leads.read").unwrap();
    assert_eq!(read["everybody"], true);

    assert_eq!(refusal(&directory.post("setup", &first(&code)).await), (404, "setup_closed".to_owned()));
    assert_eq!(directory.directory.make_setup_code(directory.corp).await.unwrap(), None);
    directory.finish().await;
}

#[tokio::test]
async fn a_code_is_void_after_ten_wrong_ones() {
    let directory = TestDirectory::start().await;
    let code = directory.directory.make_setup_code(directory.corp).await.unwrap().unwrap();
    let first = |code: &str| json!({"code": code, "account": "admin", "password": PASSWORD});
    for _ in 0..10 {
        let refused = directory.post("setup", &first("00000-00000-00000-00000")).await;
        assert_eq!(refusal(&refused), (403, "wrong_setup_code".to_owned()));
        directory.clock.advance(Duration::from_hours(1));
    }
    assert_eq!(refusal(&directory.post("setup", &first(&code)).await), (404, "setup_closed".to_owned()));
    directory.finish().await;
}

#[tokio::test]
async fn one_of_many_who_set_up_at_once_is_the_first() {
    let directory = TestDirectory::start().await;
    let code = directory.directory.make_setup_code(directory.corp).await.unwrap().unwrap();
    let tries = (0..8).map(|number| {
        let first = json!({"code": code, "account": format!("admin{number}"), "password": PASSWORD});
        let directory = &directory;
        async move { directory.post("setup", &first).await.status }
    });
    let mut statuses = futures::future::join_all(tries).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| [403, 404, 429].contains(status)), "{statuses:?}");
    directory.finish().await;
}

#[tokio::test]
async fn whoever_has_the_password_is_let_in_and_nobody_learns_why_others_are_not() {
    let directory = TestDirectory::start().await;
    directory.set_up().await;
    let browser = Browser::of(&directory.sign_in("ADMIN", PASSWORD).await);
    assert_eq!(directory.me(&browser.access).await.0, 200);
    let refused = directory.sign_in("admin", "nine green cranes at dawn").await;
    let unknown = directory.sign_in("nobody", PASSWORD).await;
    assert_eq!(refusal(&refused), (401, "sign_in_failed".to_owned()));
    let but_id = |reply: &Reply| {
        let mut problem = reply.json();
        problem["request_id"].take();
        problem
    };
    assert_eq!((refused.status, but_id(&refused)), (unknown.status, but_id(&unknown)));
    assert_eq!(directory.sign_in("two words", PASSWORD).await.status, 401);
    assert_eq!(directory.post("sign-in", &json!({"account": "admin"})).await.status, 400);
    directory.finish().await;
}

#[tokio::test]
async fn who_fails_again_and_again_has_to_wait() {
    let directory = TestDirectory::start().await;
    directory.set_up().await;
    for _ in 0..5 {
        assert_eq!(directory.sign_in("admin", "wrong").await.status, 401);
    }
    let blocked = directory.sign_in("Admin", PASSWORD).await;
    assert_eq!(refusal(&blocked), (429, "too_many_attempts".to_owned()));
    assert_eq!(blocked.headers["retry-after"], "1");
    assert_eq!(directory.sign_in("other", "wrong").await.status, 401, "others are not in the way");
    directory.clock.advance(Duration::from_secs(1));
    assert_eq!(directory.sign_in("admin", "wrong").await.status, 401);
    let blocked = directory.sign_in("admin", PASSWORD).await;
    assert_eq!(blocked.headers["retry-after"], "2");
    directory.clock.advance(Duration::from_secs(2));
    Browser::of(&directory.sign_in("admin", PASSWORD).await);
    assert_eq!(directory.sign_in("admin", "wrong").await.status, 401, "what failed before is forgotten");

    directory.clock.advance(Duration::from_mins(5));
    let tries = (0..30).map(|number| {
        let directory = &directory;
        async move { directory.sign_in(&format!("user{number}"), "wrong").await.status }
    });
    let statuses = futures::future::join_all(tries).await;
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(401), count(429)), (20, 10), "an address may fail twenty times a minute");
    directory.finish().await;
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_used_one_ends_the_session() {
    let directory = TestDirectory::start().await;
    let first = directory.set_up().await;
    directory.clock.advance(Duration::from_mins(11));
    assert_eq!(directory.me(&first.access).await.0, 401, "an access token lives for ten minutes");
    let second = Browser::of(&directory.refresh(&first.cookie).await);
    assert_eq!(directory.me(&second.access).await.0, 200);
    assert_ne!(first.cookie, second.cookie);

    assert_eq!(refusal(&directory.refresh(&first.cookie).await), (401, "session_ended".to_owned()));
    assert_eq!(refusal(&directory.refresh(&second.cookie).await), (401, "session_ended".to_owned()));
    assert_eq!(directory.me(&second.access).await.0, 401, "its access token ends at once");
    for cookie in ["", "scrm_refresh=", "scrm_refresh=abc", "other=1"] {
        assert_eq!(directory.refresh(cookie).await.status, 401, "{cookie}");
    }
    directory.finish().await;
}

#[tokio::test]
async fn of_two_who_use_a_refresh_token_at_once_one_goes_on_until_the_other_is_seen() {
    let directory = TestDirectory::start().await;
    let browser = directory.set_up().await;
    let replies = futures::future::join_all((0..4).map(|_| directory.refresh(&browser.cookie))).await;
    let let_in: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(let_in.len(), 1);
    let next = Browser::of(let_in[0]);
    assert_eq!(directory.refresh(&next.cookie).await.status, 401, "the session has ended for all");
    directory.finish().await;
}

#[tokio::test]
async fn a_session_that_is_not_used_or_is_too_old_ends() {
    let directory = TestDirectory::start().await;
    let idle = directory.set_up().await;
    let mut used = Browser::of(&directory.sign_in("admin", PASSWORD).await);
    for _ in 0..6 {
        directory.clock.advance(Duration::from_hours(13 * 24));
        used = Browser::of(&directory.refresh(&used.cookie).await);
    }
    assert_eq!(directory.refresh(&idle.cookie).await.status, 401);
    directory.clock.advance(Duration::from_hours(13 * 24));
    assert_eq!(directory.refresh(&used.cookie).await.status, 401, "ninety days are over");
    directory.finish().await;
}

#[tokio::test]
async fn who_signs_out_is_out_at_once_here_or_everywhere() {
    let directory = TestDirectory::start().await;
    let (one, two) = (directory.set_up().await, Browser::of(&directory.sign_in("admin", PASSWORD).await));
    let three = Browser::of(&directory.sign_in("admin", PASSWORD).await);
    let out = directory.post_as(directory.server.bearer(&one.access), "sign-out", &json!({})).await;
    assert_eq!(out.status, 204);
    let cookie = out.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("scrm_refresh=; ") && cookie.contains("Max-Age=0"), "{cookie}");
    assert_eq!((directory.me(&one.access).await.0, directory.refresh(&one.cookie).await.status), (401, 401));
    assert_eq!((directory.me(&two.access).await.0, directory.me(&three.access).await.0), (200, 200));

    let out =
        directory.post_as(directory.server.bearer(&two.access), "sign-out-everywhere", &json!({})).await;
    assert_eq!(out.status, 204);
    for browser in [&two, &three] {
        assert_eq!(directory.me(&browser.access).await.0, 401);
        assert_eq!(directory.refresh(&browser.cookie).await.status, 401);
    }
    let refused = directory.post_as(directory.admin(), "sign-out", &json!({})).await;
    assert_eq!(refusal(&refused), (409, "no_session".to_owned()), "a printed token has none");
    let (_, me) = directory.admin().get(&format!("{BASE}/me")).await;
    assert_eq!((&me["account_id"], &me["display_name"]), (&Value::Null, &json!("test")));
    directory.finish().await;
}

#[tokio::test]
async fn the_pages_of_others_sign_nobody_in_or_on() {
    let directory = TestDirectory::start().await;
    let browser = directory.set_up().await;
    let foreign =
        [("origin", "https://evil.example.com"), ("sec-fetch-site", "cross-site"), ("origin", "null")];
    for (name, value) in foreign {
        let client = || {
            directory.server.stranger().with_header(name, value).with_header("cookie", browser.cookie.clone())
        };
        for route in ["refresh", "sign-in", "setup"] {
            let refused = directory.post_as(client(), route, &json!({})).await;
            assert_eq!(refusal(&refused), (403, "cross_site".to_owned()), "{name}: {value} {route}");
        }
    }
    let own = format!("http://{}", directory.server.address());
    let client =
        directory.server.stranger().with_header("origin", own).with_header("cookie", browser.cookie.clone());
    assert_eq!(directory.post_as(client, "refresh", &json!({})).await.status, 200);
    directory.finish().await;
}

#[tokio::test]
async fn the_public_keys_are_there_for_everybody() {
    let directory = TestDirectory::start().await;
    let reply = directory.server.stranger().send(Method::GET, "/.well-known/jwks.json", "").await;
    assert_eq!((reply.status, reply.headers["cache-control"].as_bytes()), (200, &b"public, max-age=300"[..]));
    let keys = reply.json()["keys"].as_array().unwrap().clone();
    assert!(keys.len() >= 2, "that of now, and the next one");
    for key in keys {
        assert_eq!(
            (&key["kty"], &key["crv"], &key["alg"]),
            (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"))
        );
        assert!(key["x"].is_string() && key["kid"].is_string() && key.get("d").is_none());
    }
    directory.finish().await;
}
