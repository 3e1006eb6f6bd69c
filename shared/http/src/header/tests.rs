//! What is taken and refused, as a client sees it.

use actix_web::body::to_bytes;
use actix_web::test::TestRequest;
use actix_web::{ResponseError as _, rt};
use serde_json::{Value, json};
use utoipa::IntoParams as _;

use super::*;

fn request(headers: &[(&'static str, &[u8])]) -> HttpRequest {
    let mut request = TestRequest::default();
    for (name, value) in headers {
        let value = actix_web::http::header::HeaderValue::from_bytes(value).unwrap();
        request = request.append_header((*name, value));
    }
    request.to_http_request()
}

fn extracted<T: FromRequest<Error = BadHeader>>(headers: &[(&'static str, &[u8])]) -> Result<T, BadHeader> {
    let request = request(headers);
    rt::System::new().block_on(T::extract(&request))
}

fn shown(response: HttpResponse) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = rt::System::new().block_on(to_bytes(response.into_body())).unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[test]
fn a_version_is_a_number_in_quotation_marks() {
    let version = |text: &str| extracted::<IfMatch>(&[(IF_MATCH, text.as_bytes())]).ok().map(|found| found.0);
    assert_eq!((version("\"7\""), version("W/\"7\""), version("\"0\"")), (Some(7), Some(7), Some(0)));
    assert_eq!(version(&format!("\"{}\"", i64::MAX)), Some(i64::MAX));
    for bad in [
        "",
        "7",
        "\"\"",
        "\"7",
        "\"-7\"",
        "\"+7\"",
        "\"07\"",
        "\"7\", \"8\"",
        "*",
        "\"x\"",
        "\"9223372036854775808\"",
    ] {
        assert_eq!(version(bad), None, "{bad}");
    }
}

#[test]
fn a_missing_version_is_asked_for_and_a_bad_one_named() {
    let missing = extracted::<IfMatch>(&[]).unwrap_err();
    let (status, problem) = shown(missing.error_response());
    assert_eq!((status, &problem["code"]), (428, &json!("precondition_required")));
    for headers in [
        &[(IF_MATCH, &b"7"[..])][..],
        &[(IF_MATCH, b"\"7\""), (IF_MATCH, b"\"7\"")],
        &[(IF_MATCH, b"\"\xff\"")],
    ] {
        let bad = extracted::<IfMatch>(headers).unwrap_err();
        let (status, problem) = shown(bad.error_response());
        assert_eq!((status, &problem["code"]), (400, &json!("bad_header")), "{headers:?}");
        assert!(problem["detail"].as_str().unwrap().starts_with("If-Match: "), "{problem}");
    }
}

#[test]
fn a_declaration_may_say_its_version() {
    let version = |headers: &[(&'static str, &[u8])]| extracted::<MayMatch>(headers).ok();
    assert_eq!(version(&[]), Some(MayMatch(None)));
    assert_eq!(version(&[(IF_MATCH, b"\"7\"")]), Some(MayMatch(Some(7))));
    assert_eq!(version(&[(IF_MATCH, b"7")]), None);
    assert_eq!(version(&[(IF_MATCH, b"\"7\""), (IF_MATCH, b"\"7\"")]), None);
}

#[test]
fn an_idempotency_key_is_optional_and_visible_ascii() {
    let longest = "k".repeat(200);
    assert_eq!(extracted::<IdempotencyKey>(&[]).unwrap().as_deref(), None);
    for good in ["a", "!~", &longest] {
        let key = extracted::<IdempotencyKey>(&[(IDEMPOTENCY_KEY, good.as_bytes())]).unwrap();
        assert_eq!(key.as_deref(), Some(good));
    }
    let too_long = "k".repeat(201);
    for bad in ["", "a b", "a\tb", "键", &too_long] {
        let error = extracted::<IdempotencyKey>(&[(IDEMPOTENCY_KEY, bad.as_bytes())]).unwrap_err();
        let (status, problem) = shown(error.error_response());
        assert_eq!(status, 400, "{bad}");
        assert!(problem["detail"].as_str().unwrap().starts_with("Idempotency-Key: "), "{problem}");
    }
    let twice = extracted::<IdempotencyKey>(&[(IDEMPOTENCY_KEY, b"a"), (IDEMPOTENCY_KEY, b"b")]);
    assert!(twice.is_err());
}

#[test]
fn an_answer_shows_its_version_as_the_next_change_sends_it() {
    let answer = Versioned::created(7, json!({"id": 1})).respond_to(&request(&[]));
    let tag = answer.headers().get(ETAG).unwrap().to_str().unwrap().to_owned();
    assert_eq!(extracted::<IfMatch>(&[(IF_MATCH, tag.as_bytes())]).unwrap(), IfMatch(7));
    assert_eq!(shown(answer), (201, json!({"id": 1})));
}

#[test]
fn a_repeated_answer_is_the_first_one() {
    let answer = replay(201, b"{\"id\":1}".to_vec());
    assert_eq!(answer.headers().get("Idempotency-Replayed").unwrap(), "true");
    assert_eq!(shown(answer), (201, json!({"id": 1})));
}

#[test]
fn the_document_names_the_headers() {
    let named = |parameters: Vec<Parameter>| serde_json::to_value(&parameters).unwrap()[0].clone();
    let (version, key) = (named(IfMatch::into_params(|| None)), named(IdempotencyKey::into_params(|| None)));
    assert_eq!((&version["name"], &version["required"]), (&json!("If-Match"), &json!(true)));
    assert_eq!(
        (&key["name"], &key["required"], &key["in"]),
        (&json!("Idempotency-Key"), &json!(false), &json!("header"))
    );
    assert_eq!(key["schema"]["maxLength"], 200);
}
