//! What goes over the wire for each call, and what comes of its answer.

use std::time::Duration;

use bytes::Bytes;
use scrm_kernel::ExternalUserId;
use scrm_wecom::client::{
    AppMessage, Attachment, Button, ButtonCard, ButtonStyle, CallError, CardChange, CardLine, CardLink,
    CardUpdate, ContactWayChange, Content, Handover, MarkTags, MediaKind, NewContactWay, NewTag, NewTags,
    Remark, TagFilter, TagGroupRef, Transfer, WayKind, Welcome,
};
use serde_json::json;

use crate::support::{Scene, user};

fn customer(id: &str) -> ExternalUserId {
    ExternalUserId::parse(id).unwrap()
}

fn card() -> ButtonCard {
    ButtonCard {
        task_id: "assignment-1".to_owned(),
        title: "New lead".to_owned(),
        text: None,
        lines: vec![CardLine { name: "Channel".to_owned(), value: "Fair".to_owned() }],
        link: Some(CardLink { url: "https://crm.example/l/1".to_owned() }),
        buttons: vec![Button {
            text: "Take".to_owned(),
            style: ButtonStyle::Primary,
            key: "take".to_owned(),
        }],
    }
}

#[tokio::test]
async fn members_and_departments() {
    let scene = Scene::start();
    let member = json!({"errcode": 0, "userid": "LiLei", "name": "n", "department": [1, 2], "status": 1,
                        "gender": "1", "direct_leader": ["HanMeimei"], "extattr": {"attrs": []}});
    scene.server.says("user/get", member);
    let found = scene.speaker.member(&user("LiLei")).await.unwrap();
    assert_eq!((found.departments, found.status, found.mobile), (vec![1, 2], Some(1), None));
    assert_eq!(scene.server.seen()[0].query["userid"], "LiLei");

    scene
        .server
        .says("user/simplelist", json!({"userlist": [{"userid": "a", "name": "n", "department": [3]}]}));
    assert_eq!(scene.speaker.members_of(3).await.unwrap()[0].departments, [3]);
    scene
        .server
        .says("department/list", json!({"department": [{"id": 2, "name": "d", "parentid": 1, "order": 9}]}));
    assert_eq!(scene.speaker.departments().await.unwrap()[0].parent, 1);
    scene
        .server
        .says("department/simplelist", json!({"department_id": [{"id": 2, "parentid": 1, "order": 9}]}));
    assert_eq!(scene.speaker.department_ids().await.unwrap()[0].id, 2);

    let agent = json!({"errcode": 0, "name": "CRM", "allow_userinfos": {"user": [{"userid": "LiLei"}]},
                       "allow_partys": {"partyid": [1]}, "close": 0});
    scene.server.says("agent/get", agent);
    let agent = scene.speaker.agent().await.unwrap();
    assert_eq!((agent.users, agent.departments, agent.tags), (vec![user("lilei")], vec![1], vec![]));
    assert_eq!(scene.server.seen().last().unwrap().query["agentid"], "1000002");
}

#[tokio::test]
async fn a_remark_states_what_should_be() {
    let scene = Scene::start();
    scene.server.says("externalcontact/remark", json!({"errcode": 0}));
    let remark = Remark {
        user: user("LiLei"),
        customer: customer("wm1"),
        remark: Some("r".to_owned()),
        description: None,
        company: None,
        mobiles: Some(Vec::new()),
    };
    scene.speaker.set_remark(&remark).await.unwrap();
    let expected =
        json!({"userid": "LiLei", "external_userid": "wm1", "remark": "r", "remark_mobiles": [""]});
    assert_eq!(scene.server.body(), expected);
}

#[tokio::test]
async fn tags() {
    let scene = Scene::start();
    let group = json!({"group_id": "g1", "group_name": "g", "create_time": 1_557_838_797, "order": 1,
                       "tag": [{"id": "et1", "name": "t", "order": 2, "deleted": true}]});
    scene.server.says("externalcontact/get_corp_tag_list", json!({"errcode": 0, "tag_group": [group]}));
    assert!(scene.speaker.tags(&TagFilter::Tags(Vec::new())).await.unwrap().is_empty());
    let groups = scene.speaker.tags(&TagFilter::Tags(vec!["et1".to_owned()])).await.unwrap();
    assert!(groups[0].tags[0].is_deleted && !groups[0].is_deleted);
    assert_eq!(scene.server.body(), json!({"tag_id": ["et1"]}));

    let scene = Scene::start();
    scene.server.says("externalcontact/add_corp_tag", json!({"errcode": 0, "tag_group": {"group_id": "g1"}}));
    let tags = NewTags {
        group: TagGroupRef::Name("g".to_owned()),
        tags: vec![NewTag { name: "t".to_owned(), order: None }],
    };
    assert_eq!(scene.speaker.add_tags(&tags).await.unwrap().id, "g1");
    assert_eq!(scene.server.body(), json!({"group_name": "g", "tag": [{"name": "t"}]}));

    let scene = Scene::start();
    scene.server.says("externalcontact/mark_tag", json!({"errcode": 0}));
    let mark = MarkTags {
        user: user("LiLei"),
        customer: customer("wm1"),
        add: vec!["et1".to_owned()],
        remove: Vec::new(),
    };
    scene.speaker.mark_tags(&mark).await.unwrap();
    let expected = json!({"userid": "LiLei", "external_userid": "wm1", "add_tag": ["et1"]});
    assert_eq!(scene.server.body(), expected);
}

#[tokio::test]
async fn contact_ways() {
    let scene = Scene::start();
    scene
        .server
        .says("externalcontact/add_contact_way", json!({"errcode": 0, "config_id": "w1", "qr_code": "u"}));
    let way = NewContactWay {
        kind: WayKind::Several,
        remark: "Fair".to_owned(),
        skip_verify: true,
        state: "s1".to_owned(),
        users: vec![user("LiLei")],
        departments: vec![2],
        is_exclusive: false,
    };
    assert_eq!(scene.speaker.add_contact_way(&way).await.unwrap().config_id, "w1");
    let expected = json!({"type": 2, "scene": 2, "remark": "Fair", "skip_verify": true, "state": "s1",
                          "user": ["LiLei"], "party": [2], "is_exclusive": false});
    assert_eq!(scene.server.body(), expected);

    // It was made, and its id is lost: that is not a failure to repeat.
    scene.server.says("externalcontact/add_contact_way", json!({"errcode": 0}));
    assert!(matches!(scene.speaker.add_contact_way(&way).await, Err(CallError::Unclear(_))));

    let scene = Scene::start();
    let found = json!({"errcode": 0, "contact_way": {"config_id": "w1", "state": "s1", "user": ["LiLei"]}});
    scene.server.says("externalcontact/get_contact_way", found);
    assert_eq!(scene.speaker.contact_way("w1").await.unwrap().users, [user("LiLei")]);
    scene.server.says("externalcontact/update_contact_way", json!({"errcode": 0}));
    let change = ContactWayChange { users: Some(Vec::new()), ..ContactWayChange::of("w1") };
    scene.speaker.update_contact_way(&change).await.unwrap();
    assert_eq!(scene.server.seen()[1].json(), json!({"config_id": "w1", "user": []}));
    scene.server.says("externalcontact/del_contact_way", json!({"errcode": 0}));
    scene.speaker.delete_contact_way("w1").await.unwrap();
}

#[tokio::test]
async fn a_welcome_names_the_sort_of_each_attachment() {
    let scene = Scene::start();
    scene.server.says("externalcontact/send_welcome_msg", json!({"errcode": 0}));
    let link = Attachment::Link {
        title: "t".to_owned(),
        picture_url: None,
        description: Some("d".to_owned()),
        url: "https://x.example".to_owned(),
    };
    let program = Attachment::MiniProgram {
        title: "t".to_owned(),
        picture_media_id: "m".to_owned(),
        app_id: "wx1".to_owned(),
        page: "/p".to_owned(),
    };
    let attachments = vec![Attachment::Image { media_id: "m".to_owned() }, link, program];
    let welcome = Welcome { code: "CODE".to_owned(), text: None, attachments };
    scene.speaker.send_welcome(&welcome).await.unwrap();
    let expected = json!({"welcome_code": "CODE", "attachments": [
        {"msgtype": "image", "image": {"media_id": "m"}},
        {"msgtype": "link", "link": {"title": "t", "desc": "d", "url": "https://x.example"}},
        {"msgtype": "miniprogram",
         "miniprogram": {"title": "t", "pic_media_id": "m", "appid": "wx1", "page": "/p"}}]});
    assert_eq!(scene.server.body(), expected);
}

#[tokio::test]
async fn a_transfer_is_answered_customer_by_customer() {
    let scene = Scene::start();
    let answers =
        json!([{"external_userid": "wm1", "errcode": 0}, {"external_userid": "wm2", "errcode": 40100}]);
    scene.server.says("externalcontact/transfer_customer", json!({"errcode": 0, "customer": answers}));
    let transfer = Transfer {
        from: user("a"),
        to: user("b"),
        customers: vec![customer("wm1"), customer("wm2")],
        message: None,
    };
    let answers = scene.speaker.transfer_customers(Handover::OnJob, &transfer).await.unwrap();
    assert_eq!(answers.iter().map(|answer| answer.errcode).collect::<Vec<_>>(), [0, 40100]);
    let expected = json!({"handover_userid": "a", "takeover_userid": "b", "external_userid": ["wm1", "wm2"]});
    assert_eq!(scene.server.body(), expected);
}

#[tokio::test]
async fn media_is_uploaded_as_one_part_with_its_name_as_it_stands() {
    let scene = Scene::start();
    let answer = json!({"errcode": 0, "type": "file", "media_id": "m1", "created_at": "1380000000"});
    scene.server.says("media/upload", answer);
    let content = Bytes::from_static(b"PDF bytes");
    let media = scene.speaker.upload_media(MediaKind::File, "报价.pdf", content).await.unwrap();
    assert_eq!((media.media_id.as_str(), media.created_at.unwrap().timestamp()), ("m1", 1_380_000_000));
    let seen = &scene.server.seen()[0];
    let body = std::str::from_utf8(&seen.body).unwrap();
    assert_eq!(seen.query["type"], "file");
    assert!(
        body.contains("name=\"media\"; filename=\"报价.pdf\"") && body.contains("\r\n\r\nPDF bytes\r\n"),
        "{body}"
    );
}

#[tokio::test]
async fn a_card_is_sent_once_and_changed() {
    let scene = Scene::start();
    let answer = json!({"errcode": 0, "invaliduser": "a|b", "msgid": "m1", "response_code": "R1"});
    scene.server.says("message/send", answer);
    let message = AppMessage {
        users: vec![user("LiLei"), user("a")],
        content: Content::ButtonCard(card()),
        drop_repeats_for: Some(Duration::from_mins(30)),
    };
    let sent = scene.speaker.send_message(&message).await.unwrap();
    assert_eq!((sent.invalid_users, sent.unlicensed_users), (vec!["a".to_owned(), "b".to_owned()], vec![]));
    let template = json!({"card_type": "button_interaction", "task_id": "assignment-1",
        "main_title": {"title": "New lead"}, "card_action": {"type": 1, "url": "https://crm.example/l/1"},
        "horizontal_content_list": [{"keyname": "Channel", "value": "Fair"}],
        "button_list": [{"text": "Take", "style": 1, "key": "take"}]});
    let expected = json!({"touser": "LiLei|a", "agentid": 1_000_002, "msgtype": "template_card",
        "template_card": template, "enable_duplicate_check": 1, "duplicate_check_interval": 1800});
    assert_eq!(scene.server.body(), expected);

    let scene = Scene::start();
    scene.server.says("message/update_template_card", json!({"errcode": 0, "invaliduser": []}));
    let update = |change| CardUpdate { users: vec![user("LiLei")], response_code: "R1".to_owned(), change };
    scene.speaker.update_card(&update(CardChange::Button("Taken".to_owned()))).await.unwrap();
    let expected = json!({"userids": ["LiLei"], "agentid": 1_000_002, "response_code": "R1",
                          "button": {"replace_name": "Taken"}});
    assert_eq!(scene.server.body(), expected);
    let change = CardChange::Card { card: card(), replace_text: Some("Taken".to_owned()) };
    scene.speaker.update_card(&update(change)).await.unwrap();
    assert_eq!(scene.server.seen()[1].json()["template_card"]["replace_text"], "Taken");
}

#[tokio::test]
async fn a_text_goes_to_members_and_never_to_all() {
    let scene = Scene::start();
    scene.server.says("message/send", json!({"errcode": 0}));
    let text = |receiver: &str| AppMessage {
        users: vec![user(receiver)],
        content: Content::Text("hello".to_owned()),
        drop_repeats_for: None,
    };
    for receiver in ["@all", "a|b"] {
        assert!(matches!(scene.speaker.send_message(&text(receiver)).await, Err(CallError::NotSent(_))));
    }
    scene.speaker.send_message(&text("LiLei")).await.unwrap();
    let expected = json!({"touser": "LiLei", "agentid": 1_000_002, "msgtype": "text",
                          "text": {"content": "hello"}, "enable_duplicate_check": 0});
    assert_eq!(scene.server.body(), expected);
}
