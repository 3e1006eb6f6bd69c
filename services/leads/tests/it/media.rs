//! Files over HTTP: kept once, listed, read, removed, and what is refused.

use reqwest::Method;
use scrm_kernel::CorpId;
use scrm_testing::{Client, Reply};
use serde_json::{Value, json};

use crate::support::TestLeads;
use crate::welcome_support::GREETINGS;

pub(crate) const MEDIA: &str = "/api/v1/leads/media";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n the first";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42 a video";

async fn kept(client: &Client, kind: &str, name: &str, content: &[u8]) -> Reply {
    let path = format!("{MEDIA}?kind={kind}&name={name}");
    client.clone().sending("application/octet-stream").send(Method::POST, &path, content.to_vec()).await
}

/// Keeps a file; returns its id.
pub(crate) async fn keep(client: &Client, kind: &str, name: &str, content: &[u8]) -> String {
    let reply = kept(client, kind, name, content).await;
    assert_eq!(reply.status, 201, "{}", reply.json());
    reply.json()["id"].as_str().unwrap().to_owned()
}

fn field_of(reply: &Reply) -> (u16, Value) {
    (reply.status, reply.json()["fields"][0]["field"].clone())
}

#[tokio::test]
async fn a_file_is_kept_listed_read_and_removed() {
    let leads = TestLeads::start().await;
    let admin = leads.admin();
    let made = kept(&admin, "image", "%E5%B0%81%E9%9D%A2.png", PNG).await;
    let media = made.json();
    let id = media["id"].as_str().unwrap();
    assert_eq!(
        (made.status, &media["kind"], &media["name"], &media["bytes"]),
        (201, &json!("image"), &json!("封面.png"), &json!(PNG.len()))
    );
    assert_eq!(admin.get(&format!("{MEDIA}/{id}")).await, (200, media.clone()));

    let content = admin.send(Method::GET, &format!("{MEDIA}/{id}/content"), "").await;
    assert_eq!((content.status, content.body.as_slice()), (200, PNG));
    assert_eq!(content.headers["content-type"], "image/png");
    assert_eq!(content.headers["x-content-type-options"], "nosniff");
    let disposition = content.headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename*=UTF-8''%E5%B0%81"), "{disposition}");

    let video = keep(&admin, "video", "a.mp4", MP4).await;
    let (_, first) = admin.get(&format!("{MEDIA}?limit=1")).await;
    assert_eq!(first["items"][0]["id"], json!(video));
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = admin.get(&format!("{MEDIA}?limit=1&cursor={cursor}")).await;
    assert_eq!((&second["items"][0]["id"], &second["next_cursor"]), (&json!(id), &Value::Null));

    let other = leads.server.admin(CorpId::mint(leads.clock.now()));
    assert_eq!(other.get(MEDIA).await.1, json!({"items": [], "next_cursor": null}));
    for path in [format!("{MEDIA}/{id}"), format!("{MEDIA}/{id}/content")] {
        assert_eq!(other.get(&path).await.1["code"], "media_not_found");
        assert_eq!(leads.server.stranger().get(&path).await.0, 401);
    }
    assert_eq!(other.send(Method::DELETE, &format!("{MEDIA}/{id}"), "").await.status, 404);
    assert_eq!(admin.send(Method::DELETE, &format!("{MEDIA}/{id}"), "").await.status, 204);
    assert_eq!(admin.get(&format!("{MEDIA}/{id}/content")).await.0, 404);
    assert_eq!(admin.send(Method::DELETE, &format!("{MEDIA}/{id}"), "").await.status, 404);
    let again = keep(&admin, "image", "again.png", PNG).await;
    assert_ne!(again, id);
    leads.finish().await;
}

#[tokio::test]
async fn the_same_content_is_kept_once_and_a_repeated_request_is_answered_alike() {
    let leads = TestLeads::start().await;
    let admin = leads.admin();
    let keyed = admin.clone().with_header("Idempotency-Key", "first");
    let first = kept(&keyed, "image", "a.png", PNG).await;
    let repeated = kept(&keyed, "image", "a.png", PNG).await;
    assert_eq!((first.status, repeated.status, first.json()), (201, 201, repeated.json()));
    assert_eq!(repeated.headers["idempotency-replayed"], "true");
    let other = kept(&keyed, "image", "b.png", PNG).await;
    assert_eq!((other.status, &other.json()["code"]), (409, &json!("idempotency_key_reused")));

    let same = kept(&admin, "image", "b.png", PNG).await;
    assert_eq!((same.status, same.json()), (200, first.json()));
    let as_file = kept(&admin, "file", "a.png", PNG).await;
    assert_eq!(as_file.status, 201);
    let (one, two) = tokio::join!(kept(&admin, "video", "a.mp4", MP4), kept(&admin, "video", "a.mp4", MP4));
    assert_eq!(one.json()["id"], two.json()["id"]);
    assert_eq!(leads.rows_of("media").await, 3);
    leads.finish().await;
}

#[tokio::test]
async fn what_wecom_would_not_take_is_refused_by_field_and_not_kept() {
    let leads = TestLeads::start().await;
    let admin = leads.admin();
    let mut large = PNG.to_vec();
    large.resize((10 << 20) + 1, 0);
    let cases: [(&str, &str, &[u8], &str); 7] = [
        ("voice", "a.amr", b"#!AMR voice", "kind"),
        ("image", "a.gif", b"GIF89a picture", "body"),
        ("video", "a.mp4", PNG, "body"),
        ("file", "a.txt", b"tiny", "body"),
        ("image", "", PNG, "name"),
        ("image", "..%2Fa.png", PNG, "name"),
        ("image", "a.png", &large, "body"),
    ];
    for (kind, name, content, field) in cases {
        assert_eq!(field_of(&kept(&admin, kind, name, content).await), (422, json!(field)), "{kind} {name}");
    }
    let form = admin.clone().sending("multipart/form-data; boundary=x");
    let form = form.send(Method::POST, &format!("{MEDIA}?kind=file&name=a"), "--x--\r\n").await;
    assert_eq!((form.status, &form.json()["code"]), (415, &json!("not_a_file")));
    assert_eq!(kept(&leads.server.stranger(), "image", "a.png", PNG).await.status, 401);
    assert_eq!(leads.rows_of("media").await, 0);
    leads.finish().await;
}

#[tokio::test]
async fn a_greeting_takes_only_files_that_are_there_and_keeps_them_from_being_removed() {
    let leads = TestLeads::start().await;
    let admin = leads.admin();
    let image = keep(&admin, "image", "a.png", PNG).await;
    let nowhere = leads.corp.to_string();
    let attachments = json!([
        {"kind": "image", "media_id": image},
        {"kind": "video", "media_id": image},
        {"kind": "file", "media_id": nowhere},
    ]);
    let (status, problem) = admin.put(GREETINGS, &json!({"text": "好", "attachments": attachments})).await;
    let fields: Vec<_> =
        problem["fields"].as_array().unwrap().iter().map(|field| field["field"].clone()).collect();
    assert_eq!(
        (status, fields),
        (422, vec![json!("attachments[1].media_id"), json!("attachments[2].media_id")])
    );
    let other = leads.server.admin(CorpId::mint(leads.clock.now()));
    let own = json!({"text": "好", "attachments": [{"kind": "image", "media_id": image}]});
    assert_eq!(other.put(GREETINGS, &own).await.0, 422, "another enterprise's file");
    assert_eq!(admin.get(GREETINGS).await.1["items"], json!([]));

    let fair = format!("{GREETINGS}?channel=fair");
    let program = json!({
        "kind": "mini_program", "title": "商城", "app_id": "wx1", "page": "/pages/index", "media_id": image,
    });
    assert_eq!(admin.put(&fair, &json!({"attachments": [program]})).await.0, 200);
    assert_eq!(admin.put(GREETINGS, &own).await.0, 200);
    assert_eq!(admin.get(GREETINGS).await.1["items"][1]["attachments"], json!([program]));
    let path = format!("{MEDIA}/{image}");
    let refused = admin.send(Method::DELETE, &path, "").await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("media_in_use")));
    assert_eq!(admin.put(GREETINGS, &json!({"text": "好"})).await.0, 200);
    assert_eq!(admin.send(Method::DELETE, &path, "").await.status, 409, "that of the channel still uses it");
    assert_eq!(admin.send(Method::DELETE, &fair, "").await.status, 204);
    assert_eq!(admin.send(Method::DELETE, &path, "").await.status, 204);
    leads.finish().await;
}

#[tokio::test]
async fn where_no_place_is_configured_files_are_refused_and_nothing_else() {
    let leads = TestLeads::without_files().await;
    let admin = leads.admin();
    let refused = kept(&admin, "image", "a.png", PNG).await;
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("media_not_configured")));
    assert_eq!(admin.get(MEDIA).await.1["items"], json!([]));
    assert_eq!(admin.put(GREETINGS, &json!({"text": "好"})).await.0, 200);
    let unknown = json!({"attachments": [{"kind": "image", "media_id": leads.corp, "url": "x"}]});
    assert_eq!(admin.put(GREETINGS, &unknown).await.1["code"], "bad_json");
    leads.finish().await;
}
