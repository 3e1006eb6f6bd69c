//! Every event, in the envelope of a self-built app and in that of a suite, read into its typed form.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic; clippy excuses only the test functions themselves"
)]

mod samples;

use std::collections::BTreeSet;

use proptest::prelude::*;
use samples::Sample;
use scrm_wecom::BadDocument;
use scrm_wecom::event::{self, Body, Contact, Event, Message, Unreadable};

fn change(change_type: Option<&str>) -> String {
    change_type.map(|name| format!("<ChangeType> <![CDATA[{name}]]></ChangeType>")).unwrap_or_default()
}

/// The envelope of a self-built app.
fn own(sample: &Sample) -> String {
    let Sample { event, change_type, inner, .. } = sample;
    let (kind, event) = match event.strip_prefix("message ") {
        Some(message_type) => (message_type, String::new()),
        None => ("event", format!("<Event><![CDATA[{event}]]></Event>")),
    };
    format!(
        "<xml><ToUserName><![CDATA[ww5823bf96d3bd56c7]]></ToUserName><FromUserName><![CDATA[LiLei]]></FromUserName>\
         <CreateTime>1700000001</CreateTime><MsgType><![CDATA[{kind}]]></MsgType><AgentID>1000002</AgentID>\
         {event}{}{inner}</xml>",
        change(*change_type)
    )
}

/// The envelope of a suite: other order, other names, whitespace as in WeCom's samples.
fn third_party(sample: &Sample) -> String {
    let Sample { event, change_type, inner, .. } = sample;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n  {inner}\n{}<!-- x --><InfoType> <![CDATA[{event}]]></InfoType>\n\
         <TimeStamp><![CDATA[ 1700000001 ]]></TimeStamp><NewInTheFuture><a/></NewInTheFuture>\n\
         <AuthCorpId>ww5823bf96d3bd56c7</AuthCorpId><SuiteId>ww4asffe99e54c0f4c</SuiteId>\n</xml>\n",
        change(*change_type)
    )
}

#[test]
fn every_event_is_read_from_both_envelopes() {
    for sample in samples::all() {
        let Event { corp, suite, sender, agent_id, time, body } =
            event::parse(own(&sample).as_bytes()).unwrap();
        assert!(body == sample.body, "{}", body.name());
        assert_eq!(corp.as_deref(), Some("ww5823bf96d3bd56c7"));
        assert_eq!((suite, sender.as_deref(), agent_id.as_deref()), (None, Some("LiLei"), Some("1000002")));
        assert_eq!(time, Some(1_700_000_001));

        if sample.event.starts_with("message ") {
            continue;
        }
        let event = event::parse(third_party(&sample).as_bytes()).unwrap();
        assert!(event.body == sample.body, "{}", event.body.name());
        assert_eq!(event.corp.as_deref(), Some("ww5823bf96d3bd56c7"));
        assert_eq!(event.suite.as_deref(), Some("ww4asffe99e54c0f4c"));
        assert_eq!((event.sender, event.time), (None, Some(1_700_000_001)));
    }
}

#[test]
fn every_event_has_a_name_of_its_own_and_a_sample() {
    let names: Vec<_> = Body::names().collect();
    let distinct: BTreeSet<_> = names.iter().copied().collect();
    assert_eq!(distinct.len(), names.len());
    let sampled: BTreeSet<_> = samples::all().iter().map(|sample| sample.body.name()).collect();
    assert_eq!(distinct.difference(&sampled).copied().collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
}

#[test]
fn events_that_carry_no_state_say_so() {
    let found: BTreeSet<_> = samples::all()
        .iter()
        .map(|sample| &sample.body)
        .filter(|body| body.is_go_and_look())
        .map(Body::name)
        .collect();
    let expected = [
        "archive_conversation_waiting",
        "archive_keyword_hit",
        "archive_messages_waiting",
        "contact_edited",
        "group_updated",
        "service_messages_waiting",
        "suite_auth_changed",
        "tag_created",
        "tag_deleted",
        "tag_shuffled",
        "tag_updated",
    ];
    assert_eq!(found, BTreeSet::from(expected));
}

#[test]
fn an_app_in_json_mode_is_read_alike() {
    let text = event::parse(
        br#"{"ToUserName":"ww1","FromUserName":"LiLei","CreateTime":1700000001,"MsgType":"text","Content":" hi ","MsgId":18446744073709551615,"AgentID":218}"#,
    )
    .unwrap();
    let expected = Message::Text { message_id: u64::MAX, content: Some("hi".to_owned()) };
    assert!(text.body == Body::Message(expected));
    assert_eq!((text.time, text.agent_id.as_deref()), (Some(1_700_000_001), Some("218")));
    assert_eq!(text.member().unwrap().as_str(), "LiLei");

    let clicked = |selected: &str| {
        let json = format!(
            r#"{{"ToUserName":"ww1","FromUserName":"sys","MsgType":"event","Event":"template_card_event","EventKey":"save","TaskId":"task-1",
               "CardType":"vote_interaction","ResponseCode":"code-1","SelectedItems":{selected}}}"#
        );
        event::parse(json.as_bytes()).unwrap()
    };
    for selected in [
        r#"{"SelectedItem":[{"QuestionKey":"q1","OptionIds":{"OptionId":["o1","o2"]}}]}"#,
        r#"{"SelectedItem":{"QuestionKey":"q1","OpitonIds":{"OpitonId":["o1","o2"]}}}"#,
        r#"[{"QuestionKey":"q1","OptionIds":["o1","o2"]}]"#,
    ] {
        let event = clicked(selected);
        assert_eq!(event.member(), None);
        let Body::App(event::App::CardClicked { selected, .. }) = event.body else {
            panic!("{}", event.body.name())
        };
        assert_eq!(selected.len(), 1);
        assert_eq!((selected[0].question.as_str(), selected[0].options.len()), ("q1", 2));
    }
}

#[test]
fn published_messages_are_read_as_decrypted() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../testdata/vectors.json")).unwrap();
    let mut names = Vec::new();
    for vector in vectors["callback"].as_array().unwrap() {
        let message = vector["plaintext"].as_str().unwrap();
        if message.starts_with('<') {
            names.push(event::parse(message.as_bytes()).map(|event| event.body.name()));
        }
        // This one was published with a quotation mark missing.
        if message.starts_with('{') {
            assert_eq!(event::parse(message.as_bytes()), Err(Unreadable::Document(BadDocument::Syntax(55))));
        }
    }
    let text = || Ok("message_text");
    let no_id = Err(Unreadable::Missing { element: "MsgId" });
    let expected = [text(), text(), no_id, text(), text(), Ok("suite_ticket"), Ok("contact_added")];
    assert_eq!(names, expected);
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let cases = [
        (
            "change_external_contact",
            "add_external_contact",
            "<ExternalUserID>wm1</ExternalUserID>",
            "UserID",
            true,
        ),
        ("change_external_contact", "add_external_contact", "<UserID>a</UserID>", "ExternalUserID", true),
        ("change_external_contact", "del_follow_user", "<UserID> </UserID>", "UserID", true),
        ("change_external_chat", "update", "", "ChatId", true),
        ("change_contact", "create_party", "<Id>one</Id>", "Id", false),
        ("open_approval_change", "", "<ApprovalInfo/>", "ApprovalInfo", true),
        (
            "open_approval_change",
            "",
            "<ApprovalInfo><OpenSpName>x</OpenSpName></ApprovalInfo>",
            "ThirdNo",
            true,
        ),
        ("LOCATION", "", "<Latitude>NaN</Latitude><Longitude>1</Longitude>", "Latitude", false),
        (
            "change_contact",
            "update_tag",
            "<TagId>1</TagId><AddPartyItems>1,x</AddPartyItems>",
            "AddPartyItems",
            false,
        ),
    ];
    for (event, change_type, inner, element, is_missing) in cases {
        let inner = inner.to_owned();
        let body = Body::Unknown { event: String::new(), change_type: None };
        let sample = Sample { event, change_type: Some(change_type), inner, body };
        let expected =
            if is_missing { Unreadable::Missing { element } } else { Unreadable::Invalid { element } };
        assert_eq!(event::parse(own(&sample).as_bytes()), Err(expected.clone()), "{event} {change_type}");
        assert_eq!(event::parse(third_party(&sample).as_bytes()), Err(expected), "{event} {change_type}");
    }
    let nameless = "<xml><MsgType>event</MsgType></xml>";
    assert_eq!(event::parse(nameless.as_bytes()), Err(Unreadable::Missing { element: "InfoType|Event" }));
    let timeless = "<xml><InfoType>suite_ticket</InfoType><TimeStamp>noon</TimeStamp></xml>";
    assert_eq!(
        event::parse(timeless.as_bytes()),
        Err(Unreadable::Invalid { element: "CreateTime|TimeStamp" })
    );
}

#[test]
fn hostile_documents_are_unreadable() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><xml><Event>&b;</Event></xml>";
    let deep = ["<xml>".repeat(200_000), "</xml>".repeat(200_000)].concat();
    let deep_json = ["{\"a\":".repeat(200_000), "1".to_owned(), "}".repeat(200_000)].concat();
    let wide = format!("<xml>{}</xml>", "<a/>".repeat(20_000));
    for (document, expected) in [
        (bomb.as_bytes(), BadDocument::Dtd),
        (b"<xml><Event>&b;</Event></xml>", BadDocument::Entity),
        (deep.as_bytes(), BadDocument::TooDeep),
        (deep_json.as_bytes(), BadDocument::TooDeep),
        (wide.as_bytes(), BadDocument::TooMany),
        (b"<xml><Event>\xc3\x28</Event></xml>", BadDocument::Encoding),
        (b"{\"Event\":\"\xc3\x28\"}", BadDocument::Encoding),
    ] {
        assert_eq!(event::parse(document), Err(Unreadable::Document(expected)));
    }
}

#[test]
fn nothing_personal_or_secret_is_printed() {
    for sample in samples::all() {
        let printed = format!("{:?}", event::parse(own(&sample).as_bytes()).unwrap());
        for word in ["SECRET", "13800000000", "韩梅梅"] {
            assert!(!printed.contains(word), "{printed}");
        }
    }
}

#[test]
fn elements_may_be_split_over_text_and_cdata() {
    let xml = "<xml><Event>change_external<![CDATA[_contact]]></Event><ChangeType>ADD_external_contact</ChangeType>\
               <userid>Li&#76;ei</userid><ExternalUserID><![CDATA[wm]]><![CDATA[1]]></ExternalUserID>\
               <State><![CDATA[a]]>&amp;<![CDATA[<b>]]></State><WelcomeCode/></xml>";
    let Body::Contact(Contact::Added { user_id, external_user_id, state, welcome_code, .. }) =
        event::parse(xml.as_bytes()).unwrap().body
    else {
        panic!()
    };
    assert_eq!((user_id.as_str(), external_user_id.as_str()), ("LiLei", "wm1"));
    assert_eq!((state.as_deref(), welcome_code), (Some("a&<b>"), None));
}

proptest! {
    #[test]
    fn no_message_makes_a_panic(bytes: Vec<u8>, text in r#"[<>/!&;\[\]\{\}":,A-Ca-c0-1 \n]{0,120}"#, number: String) {
        drop(event::parse(&bytes));
        drop(event::parse(text.as_bytes()));
        drop(event::parse(format!("{{\"Event\":{text}}}").as_bytes()));
        for sample in samples::all() {
            // Every field in turn holds something else.
            let sample = Sample { inner: sample.inner.replace('1', &number), ..sample };
            drop(event::parse(own(&sample).as_bytes()));
        }
    }
}
