//! Clients of a simulated WeCom count their calls together: in Redis, where the shape has it.

use reqwest::Method;
use scrm_kernel::{CorpId, ExternalUserId};
use scrm_testing::{Shape, TestWecom, clock, redis_url};
use scrm_wecom::client::{CallError, Client};
use serde_json::json;

const PATH: &str = "externalcontact/get";

/// Asks for a customer; returns what comes instead.
async fn refusal(client: &Client) -> CallError {
    let person = ExternalUserId::parse("wm-nobody").unwrap();
    client.of(CorpId::mint(clock().now()), None).customer(&person).await.unwrap_err()
}

/// Returns the names in Redis of what is counted for a WeCom.
async fn counted(wecom: &TestWecom) -> Vec<String> {
    let client = redis::Client::open(redis_url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let pattern = format!("test-*:b:wecom:*:{PATH}:{}", wecom.url());
    redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.unwrap()
}

#[tokio::test]
async fn a_limit_that_one_client_met_holds_for_all_of_its_test_and_for_no_other() {
    let (wecom, other) = (TestWecom::start(clock()), TestWecom::start(clock()));
    let faults = json!({"api": {PATH: {"errcode": 45009}}});
    let (status, answer) = wecom.control(Method::PUT, "/_control/faults", &faults).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(refusal(&wecom.client().await).await.errcode(), Some(45009));
    let held_back = refusal(&wecom.client().await).await;
    assert!(matches!(held_back, CallError::RateLimited { .. }), "{held_back:?}");
    assert_eq!(wecom.calls(PATH).len(), 1);
    let unknown = refusal(&other.client().await).await;
    assert!(unknown.errcode().is_some(), "{unknown:?}");

    if Shape::chosen() == Shape::Distributed {
        assert_eq!(counted(&wecom).await.len(), 1, "the bucket of the minute rests");
    }
    wecom.finish().await;
    other.finish().await;
}
