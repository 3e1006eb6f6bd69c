//! Tokens from ingest's internal endpoint.

use scrm_kernel::Clock;
use scrm_wecom::client::token::wire::{
    FailureOut, GRANT_PATH, GrantIn, GrantOut, INVALIDATE_PATH, InvalidateIn,
};
use scrm_wecom::client::token::{RemoteTokens, TokenError, TokenSource as _};
use secrecy::SecretString;
use serde_json::json;

use crate::support::{Answer, Mint, SECRET, Server, corp, http_client, impatient_http_client, start_of_time};

fn remote(url: &str) -> RemoteTokens {
    RemoteTokens::new(http_client(), &format!("{url}/"), SecretString::from("between-us"))
}

#[tokio::test]
async fn a_grant_passes_between_the_services_unchanged() {
    let server = Server::start();
    let corp = corp();
    let mint = Mint::new("http://wecom.example", Clock::mock(start_of_time()));
    let grant = mint.grant(corp, Some("sales")).await.unwrap();
    let out = GrantOut::from(grant.clone());
    assert!(!format!("{out:?}").contains(SECRET));
    server.says(GRANT_PATH, serde_json::to_value(&out).unwrap());
    server.plays(INVALIDATE_PATH, [Answer::Raw(204, "")]);

    let remote = remote(&server.url);
    assert_eq!(remote.grant(corp, Some("sales")).await.unwrap(), grant);
    remote.invalidate(&grant).await.unwrap();

    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.authorization.as_deref() == Some("Bearer between-us")));
    assert_eq!((seen[0].path.as_str(), seen[1].path.as_str()), (GRANT_PATH, INVALIDATE_PATH));
    let asked: GrantIn = serde_json::from_slice(&seen[0].body).unwrap();
    assert_eq!(asked, GrantIn { corp_id: corp, app: Some("sales".to_owned()) });
    let told: InvalidateIn = serde_json::from_slice(&seen[1].body).unwrap();
    assert_eq!((told.corp_id, told.app.as_str(), &told.token), (corp, "sales", &grant.token));
    assert!(!format!("{told:?}").contains(SECRET));
}

#[tokio::test]
async fn failures_of_ingest_keep_their_meaning() {
    let server = Server::start();
    let refused = TokenError::Refused { errcode: 40001, errmsg: "invalid credential".to_owned() };
    let unavailable = TokenError::Unavailable("WeCom is silent".to_owned());
    for (error, status) in [(TokenError::NotConnected, 404), (refused, 409), (unavailable, 503)] {
        let out = FailureOut::from(error.clone());
        assert_eq!(out.status(), status);
        let body: &'static str = serde_json::to_string(&out).unwrap().leak();
        server.plays(GRANT_PATH, [Answer::Raw(status, body)]);
        assert_eq!(remote(&server.url).grant(corp(), None).await.unwrap_err(), error);
    }
}

#[tokio::test]
async fn any_other_answer_means_that_no_token_can_be_had_now() {
    let server = Server::start();
    let problem = r#"{"type":"x","code":"nothing_here","title":"Not found","detail":"","request_id":null}"#;
    let answers = [
        Answer::Raw(404, problem),
        Answer::Raw(404, "not found"),
        Answer::Raw(401, ""),
        Answer::Raw(200, "{}"),
        Answer::Json(json!({"token": "secret-token-0", "corp_id": 5})),
        Answer::Blanks { megabytes: 1, is_announced: true },
    ];
    for answer in answers {
        server.plays(GRANT_PATH, [answer]);
        let error = remote(&server.url).grant(corp(), None).await.unwrap_err();
        assert!(matches!(error, TokenError::Unavailable(_)), "{error}");
        assert!(!error.to_string().contains(SECRET));
    }
    server.plays(GRANT_PATH, [Answer::Silence]);
    let remote = RemoteTokens::new(impatient_http_client(), &server.url, SecretString::from("between-us"));
    let error = remote.grant(corp(), None).await.unwrap_err();
    assert!(matches!(error, TokenError::Unavailable(_)), "{error}");
    assert!(!format!("{remote:?}").contains("between-us"));
}
