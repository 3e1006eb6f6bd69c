//! What is attached to welcome messages: uploaded before it is needed, and never in the way of the text.

use std::time::Duration;

use scrm_testing::eventually;
use serde_json::{Value, json};

use crate::media::keep;
use crate::welcome_support::{GREETINGS, Greeted, SEND};

const UPLOAD: &str = "media/upload";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a picture";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42 a video";

impl Greeted {
    /// Sets what the default greeting says, with attachments.
    async fn words(&self, text: &str, attachments: Value) {
        let words = json!({"text": text, "attachments": attachments});
        let (status, body) = self.leads.admin().put(GREETINGS, &words).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Sets a greeting with a picture, and waits until WeCom has it `uploads` times.
    async fn with_picture(&self) {
        let image = keep(&self.leads.admin(), "image", "a.png", PNG).await;
        self.words("您好", json!([{"kind": "image", "media_id": image}])).await;
        self.uploaded(1).await;
    }

    /// Waits for `count` good uploads that are noted; returns WeCom's ids in order.
    async fn uploaded(&self, count: usize) -> Vec<String> {
        let ids = eventually(&format!("{count} uploads"), async || {
            let ids: Vec<String> = self.uploads().into_iter().flatten().collect();
            (ids.len() >= count).then_some(ids)
        })
        .await;
        assert_eq!(ids.len(), count);
        eventually("that they are noted", async || {
            let open = "media_copy WHERE wecom_media_id IS NULL OR claimed_until IS NOT NULL";
            (self.leads.rows_of(open).await == 0).then_some(())
        })
        .await;
        ids
    }

    /// Returns the id of every upload, none for one that failed.
    fn uploads(&self) -> Vec<Option<String>> {
        let calls = self.wecom.calls(UPLOAD);
        calls.iter().map(|(_, answer)| answer["media_id"].as_str().map(str::to_owned)).collect()
    }

    /// Greets a customer; returns the lead's welcome.
    async fn greets(&self, customer: &str, seq: i64) -> Value {
        let contact = self.arrives(customer, &format!("code-{customer}"), seq).await;
        self.leads.hear([contact.told()]).await;
        self.outcome_of(customer).await;
        self.leads.lead_of(customer).await["welcome"].clone()
    }

    /// Returns what was attached to the last message.
    fn attached(&self) -> Value {
        self.wecom.calls(SEND).last().unwrap().0["attachments"].clone()
    }
}

#[tokio::test]
async fn attachments_are_uploaded_once_and_sent_in_their_order() {
    let greeted = Greeted::start("您好").await;
    let admin = greeted.leads.admin();
    let image = keep(&admin, "image", "a.png", PNG).await;
    let video = keep(&admin, "video", "a.mp4", MP4).await;
    let file = keep(&admin, "file", "a.pdf", b"%PDF-1.7 prices").await;
    let attachments = json!([
        {"kind": "video", "media_id": video},
        {"kind": "link", "title": "目录", "url": "https://shop.example"},
        {"kind": "image", "media_id": image},
        {"kind": "mini_program", "title": "商城", "app_id": "wx1", "page": "/p", "media_id": image},
        {"kind": "file", "media_id": file},
    ]);
    greeted.words("您好", attachments).await;
    greeted.uploaded(3).await;
    for (seq, customer) in ["wm-one", "wm-two"].into_iter().enumerate() {
        let welcome = greeted.greets(customer, i64::try_from(seq).unwrap()).await;
        assert_eq!((&welcome["state"], &welcome["problem"]), (&json!("sent"), &Value::Null));
        let attached = greeted.attached();
        let kinds: Vec<_> = attached.as_array().unwrap().iter().map(|one| one["msgtype"].clone()).collect();
        assert_eq!(kinds, ["video", "link", "image", "miniprogram", "file"]);
        assert_eq!(attached[2]["image"]["media_id"], attached[3]["miniprogram"]["pic_media_id"]);
    }
    assert_eq!(greeted.uploads().len(), 3, "two messages, and no upload for either");
    assert_eq!(greeted.answers(), [0, 0]);
    greeted.finish().await;
}

#[tokio::test]
async fn a_copy_is_renewed_by_one_replica_before_wecom_forgets_it() {
    let greeted = Greeted::start("您好").await;
    let replica = greeted.leads.replica_with(&greeted.wecom).await;
    greeted.with_picture().await;
    greeted.leads.clock.advance(Duration::from_hours(61));
    let ids = greeted.uploaded(2).await;
    greeted.leads.clock.advance(Duration::from_hours(12));
    let welcome = greeted.greets("wm-later", 1).await;
    assert_eq!((&welcome["state"], &welcome["problem"]), (&json!("sent"), &Value::Null));
    assert_eq!(greeted.attached()[0]["image"]["media_id"], json!(ids[1]));
    assert_eq!((greeted.uploads().len(), greeted.answers()), (2, vec![0]));
    greeted.finish().await;
    drop(replica);
}

#[tokio::test]
async fn what_wecom_forgot_is_uploaded_anew_for_the_message_that_finds_out() {
    let greeted = Greeted::start("您好").await;
    greeted.with_picture().await;
    greeted.leads.clock.advance(Duration::from_mins(11));
    greeted.faults(json!({"forget_media": true})).await;
    let welcome = greeted.greets("wm-forgotten", 1).await;
    assert_eq!((&welcome["state"], &welcome["problem"]), (&json!("sent"), &Value::Null));
    assert_eq!(greeted.answers(), [40007, 0]);
    let ids = greeted.uploaded(2).await;
    assert_eq!(greeted.attached()[0]["image"]["media_id"], json!(ids[1]));
    greeted.finish().await;
}

#[tokio::test]
async fn what_wecom_will_not_attach_does_not_keep_the_text_from_being_sent() {
    let greeted = Greeted::start("您好").await;
    greeted.with_picture().await;
    // The id is too young to be at fault, so another upload would not help.
    greeted.faults(json!({"forget_media": true})).await;
    let welcome = greeted.greets("wm-text", 1).await;
    assert_eq!(welcome["state"], "sent");
    assert!(welcome["problem"].as_str().unwrap().contains("40007"), "{welcome}");
    assert_eq!((greeted.answers(), greeted.attached()), (vec![40007, 0], Value::Null));
    assert_eq!(greeted.uploads().len(), 1);
    greeted.finish().await;
}

#[tokio::test]
async fn what_cannot_be_uploaded_is_left_out_and_said_until_it_can() {
    let greeted = Greeted::start("您好").await;
    greeted.faults(json!({"api": {UPLOAD: {"errcode": 40009}}})).await;
    let image = keep(&greeted.leads.admin(), "image", "a.png", PNG).await;
    let attachments = [
        json!({"kind": "image", "media_id": image}),
        json!({"kind": "link", "title": "目录", "url": "https://shop.example"}),
    ];
    // With nothing else to say it is tried again, and in the end what is missing is said.
    greeted.words("", attachments[..1].into()).await;
    let contact = greeted.arrives("wm-nothing", "code-nothing", 1).await;
    greeted.hear([contact.told()]).await;
    assert_eq!(greeted.outcome_of("wm-nothing").await, "refused");
    let welcome = greeted.leads.lead_of("wm-nothing").await["welcome"].clone();
    assert!(welcome["problem"].as_str().unwrap().contains("40009"), "{welcome}");
    assert!(greeted.answers().is_empty());

    greeted.words("您好", attachments.into()).await;
    let welcome = greeted.greets("wm-without", 2).await;
    assert_eq!(welcome["state"], "sent");
    assert!(welcome["problem"].as_str().unwrap().contains("40009"), "{welcome}");
    let attached = greeted.attached();
    assert_eq!((attached.as_array().unwrap().len(), &attached[0]["msgtype"]), (1, &json!("link")));

    greeted.faults(json!({})).await;
    greeted.leads.clock.advance(Duration::from_hours(1));
    greeted.uploaded(1).await;
    let welcome = greeted.greets("wm-with", 3).await;
    assert_eq!((&welcome["problem"], greeted.attached().as_array().unwrap().len()), (&Value::Null, 2));
    greeted.finish().await;
}

#[tokio::test]
async fn a_message_waits_a_moment_for_an_upload_and_no_longer() {
    let greeted = Greeted::start("您好").await;
    greeted.faults(json!({"api": {UPLOAD: {"latency_ms": 60_000}}})).await;
    let image = keep(&greeted.leads.admin(), "image", "a.png", PNG).await;
    greeted.words("您好", json!([{"kind": "image", "media_id": image}])).await;
    let welcome = greeted.greets("wm-soon", 1).await;
    assert_eq!(welcome["state"], "sent");
    assert!(welcome["problem"].as_str().unwrap().contains("takes too long"), "{welcome}");
    assert_eq!((greeted.answers(), greeted.attached()), (vec![0], Value::Null));
    greeted.finish().await;
}

#[tokio::test]
async fn an_upload_that_ends_unclear_is_made_again_and_an_app_of_its_own_gets_its_own_copy() {
    let greeted = Greeted::start("您好").await;
    greeted.faults(json!({"api": {UPLOAD: {"close_after_accept": 1.0}}})).await;
    let image = keep(&greeted.leads.admin(), "image", "a.png", PNG).await;
    greeted.words("您好", json!([{"kind": "image", "media_id": image}])).await;
    eventually("an upload that ended unclear", async || {
        (greeted.leads.rows_of("media_copy WHERE problem IS NOT NULL").await == 1).then_some(())
    })
    .await;
    greeted.faults(json!({})).await;
    greeted.leads.clock.advance(Duration::from_mins(1));
    greeted.uploaded(2).await;

    let contact = greeted.arrives("wm-other-app", "code-other", 1).await.through("other");
    greeted.leads.hear([contact.told()]).await;
    assert_eq!(greeted.outcome_of("wm-other-app").await, "sent");
    let ids = greeted.uploaded(3).await;
    assert_eq!(greeted.attached()[0]["image"]["media_id"], json!(ids[2]));
    greeted.finish().await;
}
