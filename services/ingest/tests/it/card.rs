//! Pressed buttons of cards, as WeCom tells of them.

use scrm_proto::wecom::v1::CardClicked;

use crate::support::{TestIngest, Wecom, message_id_of};

/// A pressed button, as WeCom tells of it; `task` is the element that names the card.
fn pressed(task: &str, second: i64) -> String {
    format!(
        "<xml><ToUserName><![CDATA[ww00000000000000c1]]></ToUserName><FromUserName><![CDATA[LiLei]]></FromUserName>\
         <CreateTime>{second}</CreateTime><MsgType><![CDATA[event]]></MsgType>\
         <Event><![CDATA[template_card_event]]></Event><EventKey><![CDATA[follow]]></EventKey>{task}\
         <CardType><![CDATA[button_interaction]]></CardType><ResponseCode><![CDATA[response-code-1]]></ResponseCode>\
         <AgentID>1000002</AgentID></xml>"
    )
}

async fn take(ingest: &TestIngest, wecom: &Wecom, message: &str) {
    ingest.take(&wecom.callback(ingest.clock.now(), message)).await;
}

#[tokio::test]
async fn a_pressed_button_is_published_with_its_card_and_code() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let message = pressed("<TaskId><![CDATA[new_lead-1]]></TaskId>", now.timestamp());
    take(&ingest, &wecom, &message).await;
    take(&ingest, &wecom, &message).await;
    assert_eq!(ingest.processed().await[0]["kind"], "app_card_clicked");

    let published = ingest.broker.published::<CardClicked>();
    let [(envelope, event)] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!((envelope.kind.as_str(), envelope.key.as_str()), ("wecom.v1.card_clicked", "new_lead-1"));
    assert_eq!((envelope.message_id, envelope.occurred_at), (message_id_of(&message), now));
    let expected = CardClicked {
        corp_id: ingest.corp.to_string(),
        app: "demo".to_owned(),
        user_id: "LiLei".to_owned(),
        task_id: "new_lead-1".to_owned(),
        button_key: "follow".to_owned(),
        response_code: "response-code-1".to_owned(),
    };
    assert_eq!(*event, expected);
    ingest.finish().await;
}

#[tokio::test]
async fn a_button_of_a_card_without_a_name_is_kept_and_not_published() {
    let (ingest, wecom) = TestIngest::connected().await;
    let second = ingest.clock.now().timestamp();
    take(&ingest, &wecom, &pressed("", second)).await;
    take(&ingest, &wecom, &pressed("<TaskId></TaskId>", second)).await;
    assert!(ingest.processed().await.iter().all(|row| row["kind"] == "app_card_clicked"));
    assert!(ingest.broker.published::<CardClicked>().is_empty());
    ingest.finish().await;
}
