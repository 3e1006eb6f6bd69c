//! A file is there after `put` and gone after `remove`, wherever it lies.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use scrm_kernel::{Clock, CorpId};
use scrm_media::{MediaError, MediaStore, Settings};

/// The objects of a simulated S3, by path.
type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// Answers as S3 does to `PUT`, `GET` and `DELETE` of an object, if the request is signed with the right key.
async fn object(request: HttpRequest, body: Bytes, objects: Data<Objects>) -> HttpResponse {
    let signature = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if !signature.is_some_and(|text| text.starts_with("AWS4-HMAC-SHA256 Credential=key-id/")) {
        return HttpResponse::Forbidden().finish();
    }
    let path = request.path().to_owned();
    let mut objects = objects.lock().unwrap();
    match request.method().as_str() {
        "PUT" => {
            objects.insert(path, body);
            HttpResponse::Ok().insert_header(("ETag", "\"1\"")).finish()
        }
        "GET" => match objects.get(&path) {
            Some(content) => HttpResponse::Ok()
                .insert_header(("ETag", "\"1\""))
                .insert_header(("Last-Modified", "Mon, 02 Mar 2026 09:00:00 GMT"))
                .body(content.clone()),
            None => HttpResponse::NotFound().finish(),
        },
        _ => {
            objects.remove(&path);
            HttpResponse::NoContent().finish()
        }
    }
}

fn settings(text: &str) -> Settings {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("[media]\n{text}")).unwrap();
    Settings::load(Some(file.path())).unwrap()
}

async fn keeps_reads_and_removes(store: &MediaStore) {
    let now = Clock::system().now();
    let (corp, other) = (CorpId::mint(now), CorpId::mint(now));
    let content = Bytes::from(vec![7; 300_000]);
    assert!(matches!(store.get(corp, "a").await, Err(MediaError::NotFound)));
    store.put(corp, "a", content.clone()).await.unwrap();
    assert_eq!(store.get(corp, "a").await.unwrap(), content);
    assert!(matches!(store.get(other, "a").await, Err(MediaError::NotFound)));
    store.put(corp, "a", Bytes::from_static(b"anew")).await.unwrap();
    assert_eq!(store.get(corp, "a").await.unwrap(), "anew");
    store.remove(corp, "a").await.unwrap();
    store.remove(corp, "a").await.unwrap();
    assert!(matches!(store.get(corp, "a").await, Err(MediaError::NotFound)));
}

#[tokio::test]
async fn a_folder_keeps_files_within_it() {
    let place = tempfile::tempdir().unwrap();
    let said = settings(&format!("url = \"file://{}/made\"", place.path().display()));
    let store = MediaStore::open(&said, None).unwrap().of_service("leads");
    keeps_reads_and_removes(&store).await;

    let store = MediaStore::open(&settings(""), Some(&place.path().join("own"))).unwrap();
    let corp = CorpId::mint(Clock::system().now());
    store.put(corp, "../../outside", Bytes::from_static(b"in")).await.unwrap();
    assert!(!place.path().join("outside").exists());
    assert_eq!(store.get(corp, "../../outside").await.unwrap(), "in");
}

#[tokio::test]
async fn s3_keeps_files_under_a_folder_of_its_bucket() {
    let objects = Objects::default();
    let kept = Data::new(Arc::clone(&objects));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(kept.clone())
            .app_data(web::PayloadConfig::new(1 << 20))
            .default_service(web::to(object))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let port = server.addrs()[0].port();
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    let s3 = |secret: &str| {
        settings(&format!("url = \"s3://files/hongyan\"\nendpoint = \"http://127.0.0.1:{port}\"\n{secret}"))
    };
    let keys = "access_key = \"key-id\"\nsecret_key = \"hush\"";
    let store = MediaStore::open(&s3(keys), None).unwrap().of_service("leads");
    keeps_reads_and_removes(&store).await;

    let corp = CorpId::mint(Clock::system().now());
    store.put(corp, "a", Bytes::from_static(b"one")).await.unwrap();
    let paths: Vec<String> = objects.lock().unwrap().keys().cloned().collect();
    assert_eq!(paths, [format!("/files/hongyan/leads/{corp}/a")]);

    let stranger = keys.replace("key-id", "other");
    let stranger = MediaStore::open(&s3(&stranger), None).unwrap();
    let error = stranger.put(corp, "a", Bytes::from_static(b"two")).await.unwrap_err();
    assert!(matches!(error, MediaError::Store(_)), "{error}");
    handle.stop(false).await;
}

#[tokio::test]
async fn without_a_place_nothing_is_kept() {
    let store = MediaStore::open(&settings(""), None).unwrap();
    let corp = CorpId::mint(Clock::system().now());
    let error = store.put(corp, "a", Bytes::from_static(b"one")).await.unwrap_err();
    assert!(matches!(error, MediaError::NoPlace), "{error}");
}
