//! What is done again, and what never is.

use std::sync::Arc;

use scrm_kernel::Clock;
use scrm_wecom::client::token::{CachedTokens, TokenError};
use scrm_wecom::client::{CallError, Class, Welcome};
use serde_json::json;

use crate::support::{Answer, Mint, SECRET, Scene, Server, client, corp, start_of_time};

const WELCOME: &str = "externalcontact/send_welcome_msg";
const READ: &str = "externalcontact/get_follow_user_list";

fn welcome() -> Welcome {
    Welcome { code: "CODE".to_owned(), text: Some("hi".to_owned()), attachments: Vec::new() }
}

fn refusal(errcode: i64) -> Answer {
    Answer::Json(json!({"errcode": errcode, "errmsg": "no"}))
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_made_again() {
    for errcode in [40014, 42001] {
        let scene = Scene::start();
        scene.server.plays(WELCOME, [refusal(errcode), Answer::Json(json!({"errcode": 0, "errmsg": "ok"}))]);
        scene.speaker.send_welcome(&welcome()).await.unwrap();
        assert_eq!(scene.mint.counts(), (2, 1));
        let tokens: Vec<String> =
            scene.server.seen().iter().map(|seen| seen.query["access_token"].clone()).collect();
        assert_eq!(tokens, [format!("{SECRET}-0"), format!("{SECRET}-1")]);
    }
}

#[tokio::test]
async fn a_token_refused_twice_is_an_error() {
    let scene = Scene::start();
    scene.server.refuses(READ, 42001);
    let error = scene.speaker.following_members().await.unwrap_err();
    assert_eq!((error.errcode(), error.class()), (Some(42001), Class::RefreshToken));
    assert_eq!(scene.mint.counts(), (2, 1));
    assert_eq!(scene.server.seen().len(), 2);
}

#[tokio::test]
async fn after_a_cancelled_authorisation_the_token_is_gone_and_the_caller_is_told_why() {
    let server = Server::start();
    let clock = Clock::mock(start_of_time());
    let mint = Mint::new(&server.url, clock.clone());
    let speaker = client(Arc::new(CachedTokens::new(mint.clone(), clock.clone())), clock).of(corp(), None);
    server.plays(READ, [Answer::Json(json!({"errcode": 0, "follow_user": ["LiLei"]})), refusal(48004)]);
    speaker.following_members().await.unwrap();
    assert_eq!(mint.counts(), (1, 0));

    // The token is still in its two hours, and whoever gives tokens has heard of the cancellation.
    mint.disconnect();
    for _ in 0..2 {
        let error = speaker.following_members().await.unwrap_err();
        assert_eq!((&error, error.class()), (&CallError::Token(TokenError::NotConnected), Class::Operator));
        assert_eq!(error.to_string(), "the app is not connected to WeCom");
    }
    assert_eq!((mint.counts(), server.seen().len()), ((3, 1), 2), "with its old token it asks WeCom once");
}

#[tokio::test]
async fn an_authorisation_that_was_given_anew_goes_on_with_its_own_token() {
    let scene = Scene::start();
    scene.server.plays(WELCOME, [refusal(48004), Answer::Json(json!({"errcode": 0, "errmsg": "ok"}))]);
    scene.speaker.send_welcome(&welcome()).await.unwrap();
    assert_eq!(scene.mint.counts(), (2, 1));

    // Where another token does not help, WeCom's own words are what one gets.
    scene.server.refuses(WELCOME, 48004);
    let error = scene.speaker.send_welcome(&welcome()).await.unwrap_err();
    assert_eq!((error.errcode(), error.class()), (Some(48004), Class::Operator));
    assert_eq!(scene.server.seen().len(), 4);
}

#[tokio::test]
async fn callers_who_meet_the_same_refusal_cause_one_refresh() {
    let server = Server::start();
    let clock = Clock::mock(start_of_time());
    let mint = Mint::new(&server.url, clock.clone());
    let tokens = Arc::new(CachedTokens::new(mint.clone(), clock.clone()));
    let client = client(tokens, clock);
    let corp = corp();
    server.says(READ, json!({"errcode": 0, "follow_user": ["LiLei"]}));
    // One asks for the first app, the other for the same app by its name.
    let (first, named) = (client.of(corp, None), client.of(corp, Some("crm")));
    first.following_members().await.unwrap();
    named.following_members().await.unwrap();
    assert_eq!(mint.counts(), (2, 0));

    server.expires(&format!("{SECRET}-0"), 4);
    let all = tokio::join!(
        first.following_members(),
        named.following_members(),
        first.following_members(),
        named.following_members()
    );
    for members in [all.0, all.1, all.2, all.3] {
        assert_eq!(members.unwrap().len(), 1);
    }
    assert_eq!(mint.counts(), (4, 1));
    // Two before, four refused, four repeated.
    assert_eq!(server.seen().len(), 10);
}

#[tokio::test]
async fn a_read_is_repeated_three_times_after_passing_trouble() {
    for errcode in [-1, 6000, 45033] {
        let scene = Scene::start();
        scene.server.refuses(READ, errcode);
        let error = scene.speaker.following_members().await.unwrap_err();
        assert_eq!((error.errcode(), error.class()), (Some(errcode), Class::Retry));
        assert_eq!(scene.server.seen().len(), 4);
    }
    let scene = Scene::start();
    scene.server.plays(READ, [Answer::Raw(502, "<html>"), Answer::Json(json!({"follow_user": ["LiLei"]}))]);
    assert_eq!(scene.speaker.following_members().await.unwrap().len(), 1);
    assert_eq!(scene.server.seen().len(), 2);
}

#[tokio::test]
async fn a_call_with_an_effect_is_made_once() {
    for (answer, class) in [
        (Answer::Json(json!({"errcode": -1, "errmsg": "system busy"})), Class::Retry),
        (Answer::Raw(502, "<html>"), Class::Unclear),
        (Answer::Raw(200, "<html>"), Class::Unclear),
        (Answer::Raw(403, "<html>"), Class::Stop),
        (Answer::Silence, Class::Unclear),
    ] {
        let scene = Scene::playing(WELCOME, answer);
        let error = scene.speaker.send_welcome(&welcome()).await.unwrap_err();
        assert_eq!(error.class(), class, "{error}");
        assert_eq!(matches!(error, CallError::Unclear(_)), class == Class::Unclear);
        assert_eq!(scene.server.seen().len(), 1);
    }
}

#[tokio::test]
async fn codes_that_will_not_change_are_not_tried_again() {
    for (errcode, class) in [(40001, Class::Operator), (60020, Class::Operator), (40096, Class::Stop)] {
        let scene = Scene::start();
        scene.server.refuses(READ, errcode);
        assert_eq!(scene.speaker.following_members().await.unwrap_err().class(), class);
        assert_eq!(scene.server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_path_rests_after_its_limit_was_reached() {
    let scene = Scene::start();
    let limit = Answer::Json(json!({"errcode": 45009, "errmsg": "api freq out of limit"}));
    scene.server.plays(READ, [limit, Answer::Json(json!({"errcode": 0}))]);
    scene.server.says("agent/get", json!({"errcode": 0}));
    let error = scene.speaker.following_members().await.unwrap_err();
    assert_eq!((error.errcode(), error.class()), (Some(45009), Class::Wait));

    let CallError::RateLimited { until } = scene.speaker.following_members().await.unwrap_err() else {
        panic!("the path rests");
    };
    assert_eq!(scene.server.seen().len(), 1);
    scene.speaker.agent().await.unwrap();

    scene.clock.advance((until - scene.clock.now()).to_std().unwrap());
    scene.speaker.following_members().await.unwrap();
    assert_eq!(scene.server.seen().len(), 3);
}
