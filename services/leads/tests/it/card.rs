//! The card that tells an owner of a new lead: one per assignment, answered once, never too many at once.

use std::time::Duration;

use reqwest::Method;
use scrm_kernel::{CorpId, MessageId};
use scrm_proto::Envelope;
use scrm_proto::leads::v1::LeadAssigned;
use scrm_proto::wecom::v1::{CardClicked, CustomerRead};
use scrm_testing::{TestWecom, envelope_of, eventually};
use serde_json::{Value, json};

use crate::support::TestLeads;

const SEND: &str = "message/send";
const UPDATE: &str = "message/update_template_card";

struct TestCards {
    wecom: TestWecom,
    leads: TestLeads,
    /// Members of the simulated company.
    staff: Vec<String>,
}

impl TestCards {
    async fn start() -> Self {
        let wecom = TestWecom::start(scrm_testing::clock());
        let (_, apps) = wecom.control(Method::GET, "/_control/apps", &Value::Null).await;
        let staff = apps[0]["staff"].as_array().unwrap();
        let staff = staff.iter().map(|user_id| user_id.as_str().unwrap().to_owned()).collect();
        let leads = TestLeads::with_wecom(&wecom).await;
        Self { wecom, leads, staff }
    }

    /// Tells a customer's name, as ingest reads it.
    async fn named(&self, customer: &str, name: &str) {
        let event = CustomerRead {
            corp_id: self.leads.corp.to_string(),
            external_user_id: customer.to_owned(),
            name: name.to_owned(),
            ..CustomerRead::default()
        };
        self.leads.hear([envelope_of(self.leads.corp, self.leads.clock.now(), &event)]).await;
    }

    /// Returns the cards about a customer's lead, as the API shows them.
    async fn cards_of(&self, customer: &str) -> Vec<Value> {
        let id = self.leads.lead_of(customer).await["id"].as_str().unwrap().to_owned();
        let (status, cards) = self.leads.admin().get(&format!("/api/v1/leads/leads/{id}/cards")).await;
        assert_eq!(status, 200, "{cards}");
        cards["items"].as_array().unwrap().clone()
    }

    /// Returns what members saw on their phones.
    async fn messages(&self) -> Vec<Value> {
        let (_, messages) = self.wecom.control(Method::GET, "/_control/messages", &Value::Null).await;
        messages.as_array().unwrap().clone()
    }

    async fn faults(&self, faults: Value) {
        let (status, answer) = self.wecom.control(Method::PUT, "/_control/faults", &faults).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Lets time pass until so many calls were made.
    async fn passing_until(&self, calls: usize) {
        eventually("one more call as time passes", async || {
            self.leads.clock.advance(Duration::from_millis(500));
            (self.wecom.calls(SEND).len() >= calls).then_some(())
        })
        .await;
    }

    /// Returns a pressed button, as ingest tells it.
    fn clicked(&self, member: &str, task_id: &str, button: &str, code: &str) -> Envelope {
        let event = CardClicked {
            corp_id: self.leads.corp.to_string(),
            app: "demo".to_owned(),
            user_id: member.to_owned(),
            task_id: task_id.to_owned(),
            button_key: button.to_owned(),
            response_code: code.to_owned(),
        };
        envelope_of(self.leads.corp, self.leads.clock.now(), &event)
    }

    async fn finish(self) {
        self.leads.finish().await;
        self.wecom.finish().await;
    }
}

#[tokio::test]
async fn a_new_lead_is_told_to_its_owner_by_one_card() {
    let cards = TestCards::start().await;
    let (leads, member) = (&cards.leads, cards.staff[0].as_str());
    cards.named("wm1", "王芳\n").await;
    let second = leads.clock.now().timestamp();
    leads.hear([leads.contact(member, "wm1", second, 1).told()]).await;

    let calls = cards.wecom.calls(SEND);
    let [(body, answer)] = calls.as_slice() else { panic!("{calls:?}") };
    let card = cards.cards_of("wm1").await.pop().unwrap();
    let reason = format!("客户最先添加了成员 {member} 为联系人，线索归其所有");
    let expected = json!({
        "touser": member, "agentid": body["agentid"], "msgtype": "template_card",
        "template_card": {
            "card_type": "button_interaction",
            "task_id": card["task_id"],
            "main_title": {"title": "新线索：王芳"},
            "sub_title_text": reason,
            "horizontal_content_list": [
                {"keyname": "客户", "value": "王芳"},
                {"keyname": "渠道", "value": "spring-fair"},
                {"keyname": "时间", "value": "03-02 09:00"},
            ],
            "button_list": [
                {"text": "我来跟进", "style": 1, "key": "follow"},
                {"text": "稍后", "style": 2, "key": "later"},
            ],
        },
        "enable_duplicate_check": 1, "duplicate_check_interval": 14_400,
    });
    assert_eq!((body, &answer["errcode"]), (&expected, &json!(0)));
    assert_eq!(
        (&card["state"], &card["attempts"], &card["problem"]),
        (&json!("sent"), &json!(1), &Value::Null)
    );
    assert!(card["task_id"].as_str().unwrap().len() <= 128);

    // Told again under the same and under new ids, in another order, as the other customer's leads are.
    leads.hear([leads.contact(member, "wm2", second, 2).told()]).await;
    let mut again = Vec::new();
    for (envelope, _) in leads.broker.published::<LeadAssigned>() {
        let other_id = Envelope { message_id: MessageId::mint(leads.clock.now()), ..envelope.clone() };
        again.extend([envelope, other_id]);
    }
    again.reverse();
    leads.hear(again).await;
    assert_eq!(cards.wecom.calls(SEND).len(), 2);
    assert_eq!(cards.wecom.calls(SEND)[1].0["template_card"]["main_title"]["title"], "新线索：新客户");
    cards.finish().await;
}

#[tokio::test]
async fn a_card_whose_sending_ended_unclear_is_repeated_and_seen_once() {
    let cards = TestCards::start().await;
    let (leads, member) = (&cards.leads, cards.staff[0].as_str());
    cards.faults(json!({"api": {"message/send": {"close_after_accept": 1}}})).await;
    leads.broker.publish([leads.contact(member, "wm1", 10, 1).told()]).await;
    eventually("a first call", async || (cards.wecom.calls(SEND).len() == 1).then_some(())).await;
    cards.faults(json!({})).await;
    // The name is known by now, and yet the words must stay: WeCom knows a repetition by them.
    let event = CustomerRead {
        corp_id: leads.corp.to_string(),
        external_user_id: "wm1".to_owned(),
        name: "王芳".to_owned(),
        ..CustomerRead::default()
    };
    leads.broker.publish([envelope_of(leads.corp, leads.clock.now(), &event)]).await;
    cards.passing_until(2).await;
    leads.settled().await;

    let calls = cards.wecom.calls(SEND);
    assert_eq!((calls.len(), &calls[0]), (2, &calls[1]), "the same body, the same answer");
    assert_eq!(cards.messages().await.len(), 1);
    let card = cards.cards_of("wm1").await.pop().unwrap();
    assert_eq!((&card["state"], &card["attempts"]), (&json!("sent"), &json!(2)));
    cards.finish().await;
}

#[tokio::test]
async fn a_card_whose_name_wecom_has_was_sent_if_an_earlier_call_may_have_been_heard() {
    let cards = TestCards::start().await;
    let (leads, member) = (&cards.leads, cards.staff[0].as_str());
    cards.faults(json!({"api": {"message/send": {"close_after_accept": 1}}})).await;
    leads.broker.publish([leads.contact(member, "wm1", 10, 1).told()]).await;
    eventually("a first call", async || (cards.wecom.calls(SEND).len() == 1).then_some(())).await;
    cards.faults(json!({"api": {"message/send": {"errcode": 42014}}})).await;
    cards.passing_until(2).await;
    leads.settled().await;
    assert_eq!(cards.wecom.calls(SEND)[1].1["errcode"], 42014);
    assert_eq!(cards.messages().await.len(), 1);
    let card = cards.cards_of("wm1").await.pop().unwrap();
    assert_eq!((&card["state"], &card["attempts"]), (&json!("sent"), &json!(2)), "{card}");

    // Without an earlier call nobody knows whose card has the name.
    leads.hear([leads.contact(member, "wm2", 20, 2).told()]).await;
    let card = cards.cards_of("wm2").await.pop().unwrap();
    assert_eq!((&card["state"], &card["attempts"]), (&json!("refused"), &json!(1)), "{card}");
    cards.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leads_that_are_too_many_for_a_minute_are_told_together_when_it_is_over() {
    let cards = TestCards::start().await;
    let (leads, member) = (&cards.leads, cards.staff[0].as_str());
    for number in 0..36 {
        cards.named(&format!("wm{number}"), &format!("客户甲{number:02}")).await;
    }
    // With a whole minute to wait RabbitMQ, whose clock no test moves, would take its rung of a minute and not that of ten
    // seconds.
    leads.clock.advance(Duration::from_secs(1));
    let contacts = (0..40).map(|number| leads.contact(member, &format!("wm{number}"), 10, number).told());
    leads.broker.publish(contacts).await;
    eventually("25 cards, and 15 that wait", async || {
        let sent = leads.rows_of("card WHERE state = 'sent'").await;
        let gathered = leads.rows_of("card WHERE state = 'skipped'").await;
        ((sent, gathered) == (25, 15)).then_some(())
    })
    .await;
    assert_eq!(cards.wecom.calls(SEND).len(), 25);
    cards.passing_until(26).await;
    leads.settled().await;

    let messages = cards.messages().await;
    assert_eq!(messages.len(), 26);
    assert!(messages.iter().all(|message| message["delivered"] == true && message["user_id"] == member));
    let texts: Vec<String> = messages.iter().map(|message| message["content"].to_string()).collect();
    let text = texts.iter().find(|text| text.contains("您有 15 条新线索（03-02 09:00）")).unwrap();
    let named = (0..36).filter(|number| {
        let name = format!("客户甲{number:02}");
        texts.iter().filter(|text| text.contains(&name)).count() == 1
    });
    assert_eq!(named.count(), 36, "each name is told once: {texts:?}");
    let nameless = texts.iter().filter(|text| text.contains("新线索：新客户")).count();
    assert!(nameless == 4 || text.contains(&format!("新客户 {} 位", 4 - nameless)), "{text}");

    let mut together = 0;
    for number in 0..40 {
        let card = cards.cards_of(&format!("wm{number}")).await.pop().unwrap();
        if card["state"] == "skipped" {
            assert_eq!(card["together"]["minute"], "2026-03-02T01:00:00.000Z");
            assert_eq!(card["together"]["state"], "sent", "{card}");
            together += 1;
        }
    }
    assert_eq!(together, 15);
    cards.finish().await;
}

#[tokio::test]
async fn the_first_answer_counts_and_the_card_shows_it() {
    let cards = TestCards::start().await;
    let (leads, member) = (&cards.leads, cards.staff[0].as_str());
    leads.hear([leads.contact(member, "wm1", 10, 1).told()]).await;
    assert_eq!(leads.lead_of("wm1").await["followed_up_at"], Value::Null);
    let (sent, answer) = cards.wecom.calls(SEND).pop().unwrap();
    let (task_id, code) = (&sent["template_card"]["task_id"], answer["response_code"].as_str().unwrap());
    let task_id = task_id.as_str().unwrap();

    leads.clock.advance(Duration::from_secs(7));
    let strange = cards.clicked(&cards.staff[1], task_id, "follow", "code-of-another");
    let not_ours = cards.clicked(member, "none-of-ours", "follow", "code-of-another-card");
    leads.hear([strange, not_ours]).await;
    assert_eq!(cards.wecom.calls(UPDATE).len(), 0);

    let first = cards.clicked(member, task_id, "follow", code);
    let copy = Envelope { message_id: MessageId::mint(leads.clock.now()), ..first.clone() };
    leads.hear([first.clone(), copy, first]).await;
    leads.hear([cards.clicked(member, task_id, "later", "code-of-a-later-click")]).await;

    let updates = cards.wecom.calls(UPDATE);
    let [(body, answer)] = updates.as_slice() else { panic!("{updates:?}") };
    let expected = json!({
        "userids": [member], "agentid": body["agentid"], "response_code": code,
        "button": {"replace_name": "已由你跟进"},
    });
    assert_eq!((body, &answer["errcode"]), (&expected, &json!(0)));
    let at = "2026-03-02T01:00:07.000Z";
    let card = cards.cards_of("wm1").await.pop().unwrap();
    assert_eq!(card["answer"], json!({"button": "follow", "user_id": member, "at": at}));
    assert_eq!((&card["state"], &card["change"]), (&json!("sent"), &json!("sent")));
    assert_eq!(leads.lead_of("wm1").await["followed_up_at"], at);
    cards.finish().await;
}

#[tokio::test]
async fn a_card_that_cannot_be_changed_any_more_keeps_its_answer() {
    let cards = TestCards::start().await;
    let (leads, member) = (&cards.leads, cards.staff[0].as_str());
    leads.hear([leads.contact(member, "wm1", 10, 1).told()]).await;
    let task_id = cards.cards_of("wm1").await[0]["task_id"].as_str().unwrap().to_owned();
    leads.hear([cards.clicked(member, &task_id, "later", "no-code-of-wecom")]).await;
    assert_eq!(cards.wecom.calls(UPDATE).len(), 1, "60140 is final");
    let card = cards.cards_of("wm1").await.pop().unwrap();
    assert_eq!((&card["answer"]["button"], &card["change"]), (&json!("later"), &json!("refused")));
    assert_eq!(leads.lead_of("wm1").await["followed_up_at"], Value::Null);
    cards.finish().await;
}

#[tokio::test]
async fn a_lead_that_moves_is_told_to_the_new_owner_and_the_old_card_says_so() {
    let cards = TestCards::start().await;
    let (leads, old, new) = (&cards.leads, cards.staff[0].as_str(), cards.staff[1].as_str());
    leads.hear([leads.contact(old, "wm1", 20, 2).told()]).await;
    leads.clock.advance(Duration::from_secs(1));
    leads.hear([leads.contact(new, "wm1", 10, 1).told()]).await;

    let receivers: Vec<Value> =
        cards.wecom.calls(SEND).into_iter().map(|(body, _)| body["touser"].clone()).collect();
    assert_eq!(receivers, [old, new]);
    let updates = cards.wecom.calls(UPDATE);
    let [(body, answer)] = updates.as_slice() else { panic!("{updates:?}") };
    assert_eq!((&body["userids"], &body["button"]["replace_name"]), (&json!([old]), &json!("已转给他人")));
    assert_eq!(answer["errcode"], 0);
    let about = cards.cards_of("wm1").await;
    assert_eq!(about.len(), 2);
    assert_eq!(
        (&about[0]["user_id"], &about[0]["superseded_at"]),
        (&json!(old), &json!("2026-03-02T01:00:01.000Z"))
    );
    assert_eq!((&about[1]["user_id"], &about[1]["superseded_at"]), (&json!(new), &Value::Null));

    let task_id = about[0]["task_id"].as_str().unwrap();
    leads.hear([cards.clicked(old, task_id, "follow", "too-late")]).await;
    assert_eq!(leads.lead_of("wm1").await["followed_up_at"], Value::Null);
    cards.finish().await;
}

#[tokio::test]
async fn a_member_whom_wecom_does_not_know_gets_no_card_and_keeps_the_lead() {
    let cards = TestCards::start().await;
    let leads = &cards.leads;
    leads.hear([leads.contact("NobodyHere", "wm1", 10, 1).told()]).await;
    assert_eq!(cards.wecom.calls(SEND).len(), 1);
    let card = cards.cards_of("wm1").await.pop().unwrap();
    assert_eq!(card["state"], "refused");
    assert!(card["problem"].as_str().unwrap().contains("81013"), "{card}");
    assert_eq!(leads.owner_of("wm1").await, "NobodyHere");
    cards.finish().await;
}

#[tokio::test]
async fn an_enterprise_without_wecom_has_leads_without_cards() {
    let leads = TestLeads::without_wecom().await;
    leads.hear([leads.contact("LiLei", "wm1", 10, 1).told()]).await;
    let id = leads.lead_of("wm1").await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/leads/leads/{id}/cards");
    let (status, cards) = leads.admin().get(&path).await;
    assert_eq!((status, &cards["items"][0]["state"]), (200, &json!("refused")), "{cards}");

    let other = leads.server.admin(CorpId::mint(leads.clock.now()));
    let (status, problem) = other.get(&path).await;
    assert_eq!((status, &problem["code"]), (404, &json!("lead_not_found")));
    leads.finish().await;
}
