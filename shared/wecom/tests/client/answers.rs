//! Answers that cannot be used, and what errors do not say.

use std::error::Error as _;
use std::net::TcpListener;

use scrm_kernel::{Clock, WecomCorpId};
use scrm_wecom::client::token::fetch_token;
use scrm_wecom::client::{CallError, Class, MarkTags};
use secrecy::SecretString;
use serde_json::json;

use crate::support::{
    Answer, Mint, SECRET, Scene, Server, client, corp, http_client, impatient_http_client, start_of_time,
    user,
};

const READ: &str = "externalcontact/get_follow_user_list";

/// Everything an error can be made to say.
fn words(error: &CallError) -> String {
    let mut words = vec![error.to_string(), format!("{error:?}")];
    let mut cause = error.source();
    while let Some(inner) = cause {
        words.push(format!("{inner} {inner:?}"));
        cause = inner.source();
    }
    words.join(" ")
}

/// Asks once more than it can bear; returns the error, which says nothing secret.
async fn failure(answer: Answer) -> CallError {
    let scene = Scene::playing(READ, answer);
    let error = scene.speaker.following_members().await.unwrap_err();
    let words = words(&error);
    assert!(!words.contains(SECRET) && !words.contains("127.0.0.1") && !words.contains("LiLei"), "{words}");
    error
}

#[tokio::test]
async fn an_answer_without_a_code_is_a_success() {
    let scene = Scene::start();
    for answer in [json!({"follow_user": ["LiLei"]}), json!({"errcode": 0, "follow_user": ["LiLei"]})] {
        scene.server.says(READ, answer);
        assert_eq!(scene.speaker.following_members().await.unwrap(), [user("lilei")]);
    }
    scene.server.says(READ, json!({"errmsg": "ok", "follow_user": null, "new": {"in": ["the", "future"]}}));
    assert!(scene.speaker.following_members().await.unwrap().is_empty());
}

#[tokio::test]
async fn no_failure_says_a_token_or_what_was_in_the_answer() {
    for body in [
        "<html>LiLei",
        "",
        "[]",
        "\"LiLei\"",
        "{\"errcode\":0,\"follow_user\":\"LiLei\"}",
        "{\"errcode\":\"LiLei\"}",
    ] {
        assert!(matches!(failure(Answer::Raw(200, body)).await, CallError::Malformed(_)), "{body}");
    }
    assert_eq!(failure(Answer::Raw(502, "secret-token-0")).await, CallError::Http { status: 502 });
    assert_eq!(failure(Answer::Raw(302, "")).await, CallError::Http { status: 302 });
    assert!(matches!(failure(Answer::Silence).await, CallError::Unclear(_)));

    let errmsg = "invalid token secret-token-0, hint: [1700000000_secret-token-0], more info at https://x";
    let error = failure(Answer::Json(json!({"errcode": 40058, "errmsg": errmsg}))).await;
    let CallError::Wecom { errcode: 40058, errmsg, class: Class::Stop } = error else { panic!("{error}") };
    assert_eq!(errmsg, "invalid token …");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    for is_announced in [true, false] {
        let error = failure(Answer::Blanks { megabytes: 17, is_announced }).await;
        assert_eq!(error, CallError::Malformed("too large".to_owned()));
    }
}

#[tokio::test]
async fn a_refused_connection_means_that_nothing_was_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let clock = Clock::mock(start_of_time());
    for base_url in [format!("http://{closed}"), "not a url".to_owned()] {
        let mint = Mint::new(&base_url, clock.clone());
        let error =
            client(mint.clone(), clock.clone()).of(corp(), None).following_members().await.unwrap_err();
        assert!(matches!(error, CallError::NotSent(_)), "{error}");
        assert_eq!(error.class(), Class::Retry);
        assert!(!words(&error).contains(SECRET));
        assert_eq!(mint.counts().0, 4, "a read is tried again");
    }
}

#[tokio::test]
async fn what_nobody_has_is_asked_of_nobody() {
    let scene = Scene::start();
    let nothing = MarkTags {
        user: user("LiLei"),
        customer: scrm_kernel::ExternalUserId::parse("wm1").unwrap(),
        add: Vec::new(),
        remove: Vec::new(),
    };
    scene.speaker.mark_tags(&nothing).await.unwrap();
    assert!(scene.server.seen().is_empty());
}

#[tokio::test]
async fn a_token_is_fetched_with_the_secret_and_neither_is_said() {
    let server = Server::start();
    let corp = WecomCorpId::parse("ww5823bf96d3bd56c7").unwrap();
    let secret = SecretString::from("secret-token+&=");
    let http = http_client();
    let fetch = || fetch_token(&http, &server.url, &corp, &secret);

    server.says("gettoken", json!({"errcode": 0, "access_token": "secret-token-9", "expires_in": 7200}));
    let (token, life) = fetch().await.unwrap();
    assert_eq!((token.expose(), life.as_secs()), ("secret-token-9", 7200));
    assert_eq!(format!("{token:?}"), "AccessToken(..)");
    let query = &server.seen()[0].query;
    assert_eq!((query["corpid"].as_str(), query["corpsecret"].as_str()), (corp.as_str(), "secret-token+&="));

    server.says("gettoken", json!({"errcode": 40001, "errmsg": "invalid secret-token+&=, hint: [1]"}));
    let error = fetch().await.unwrap_err();
    assert_eq!(error.class(), Class::Operator);
    assert!(!words(&error).contains(SECRET));

    server.says("gettoken", json!({"errcode": 0, "expires_in": 7200}));
    assert!(matches!(fetch().await.unwrap_err(), CallError::Malformed(_)));
    server.plays("gettoken", [Answer::Silence]);
    let error = fetch_token(&impatient_http_client(), &server.url, &corp, &secret).await.unwrap_err();
    assert!(matches!(error, CallError::Unclear(_)) && !words(&error).contains(SECRET));
}
