//! The list of API calls, when it is long.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{BEGIN, TestCorp};

/// Makes calls that differ by a number.
async fn call(corp: &TestCorp, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let answer = corp.get(&format!("externalcontact/list?userid=nobody-{number}")).await;
        assert_eq!(answer["errcode"], 60111);
    }
}

/// Returns the listed calls.
async fn listed(corp: &TestCorp, query: &str) -> Vec<Value> {
    let (status, calls) = corp.ask(Method::GET, &format!("/_control/calls{query}"), None).await;
    assert_eq!(status, 200);
    calls.as_array().unwrap().clone()
}

/// Expects the numbered calls, each of them whole.
fn expect(calls: &[Value], numbers: std::ops::Range<usize>) {
    assert_eq!(calls.len(), numbers.len());
    for (call, number) in calls.iter().zip(numbers) {
        let query = format!("userid=nobody-{number}&access_token=***");
        let shown =
            json!([call["method"], call["path"], call["query"], call["body"], call["answer"]["errcode"]]);
        assert_eq!(shown, json!(["GET", "/cgi-bin/externalcontact/list", query, null, 60111]));
        assert!(call["time"].is_string() && call["ms"].is_u64(), "{call}");
    }
}

#[actix_web::test]
async fn every_call_is_listed_whole_and_on_one_page() {
    let corp = TestCorp::start().await;
    call(&corp, 0..600).await;
    corp.advance(1);
    call(&corp, 600..1300).await;
    corp.advance(1);
    call(&corp, 1300..1305).await;

    let all = listed(&corp, "").await;
    assert_eq!((all.len(), &all[0]["path"]), (1306, &json!("/cgi-bin/gettoken")));
    expect(&all[1..], 0..1305);
    let second = BEGIN / 1000 + 1;
    expect(&listed(&corp, &format!("?since={second}")).await, 600..1305);
    expect(&listed(&corp, "?since=2025-10-09T08:53:21Z").await, 600..1305);
    // So late that the first thousand are looked at in vain.
    expect(&listed(&corp, &format!("?since={}", second + 1)).await, 1300..1305);
    assert_eq!(listed(&corp, &format!("?since={}", second + 2)).await, [] as [Value; 0]);
    expect(&listed(&corp, "?latest=1100").await, 205..1305);

    let corp = corp.restarted().await;
    let again = listed(&corp, "").await;
    assert_eq!((&again[..1306], again.len()), (all.as_slice(), 1307), "they are kept");
}
