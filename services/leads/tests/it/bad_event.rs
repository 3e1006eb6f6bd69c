//! Events that can never be handled: dead letters with a reason, which hold nothing up.

use scrm_mq::topology::LEADS_CONTACT;
use scrm_proto::Envelope;

use crate::support::TestLeads;

#[tokio::test]
async fn an_id_that_cannot_be_one_makes_a_dead_letter_that_names_the_field() {
    let leads = TestLeads::start().await;
    let long = "x".repeat(65);
    let cases = [
        ("", "wm1", "user_id is empty"),
        (" \t", "wm2", "user_id is empty"),
        ("Li\u{0}Lei", "wm3", "user_id holds a control character"),
        (&long, "wm4", "user_id has 65 bytes"),
        ("LiLei", "", "external_user_id is empty"),
        ("LiLei", &long, "external_user_id has 65 bytes"),
        ("LiLei", "wm\n5", "external_user_id holds a control character"),
    ];
    let mut told: Vec<_> =
        cases.iter().map(|(member, customer, _)| leads.contact(member, customer, 10, 1).told()).collect();
    told.push(leads.contact("LiLei", "wm6", 10, 2).told());
    leads.hear(told).await;

    let dead = leads.broker.dead_letters(&LEADS_CONTACT, cases.len()).await;
    assert_eq!(dead.len(), cases.len());
    for (_, customer, expected) in cases {
        let found = dead.iter().any(|letter| letter.key == customer && letter.reason.starts_with(expected));
        assert!(found, "{expected} is not among {dead:?}");
    }
    assert_eq!(leads.owner_of("wm6").await, "LiLei");
    leads.finish().await;
}

#[tokio::test]
async fn a_body_that_is_not_the_event_or_not_of_the_corp_is_a_dead_letter() {
    let leads = TestLeads::start().await;
    let good = leads.contact("LiLei", "wm1", 10, 1).told();
    let undecodable = Envelope { body: vec![0xff; 9].into(), key: "undecodable".to_owned(), ..good.clone() };
    let other = TestLeads::start().await;
    let foreign = other.contact("LiLei", "wm2", 10, 1);
    let foreign = Envelope { corp: leads.corp, ..foreign.told() };
    leads.hear([undecodable, foreign]).await;
    // What was given up does not use up its message id.
    leads.hear([good]).await;

    let mut dead = leads.broker.dead_letters(&LEADS_CONTACT, 2).await;
    dead.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    assert!(dead[0].reason.starts_with("body is not a wecom.v1.contact_added"), "{dead:?}");
    assert!(dead[1].reason.contains(&leads.corp.to_string()), "{dead:?}");
    assert!(leads.leads_of("wm2").await.is_empty());
    assert_eq!(leads.owner_of("wm1").await, "LiLei");
    other.finish().await;
    leads.finish().await;
}

#[tokio::test]
async fn a_channel_that_holds_anything_makes_a_lead_all_the_same() {
    let leads = TestLeads::start().await;
    let channels = ["春季展会🌸", "'; DROP TABLE lead; --", "a\u{0}b", "\u{202e}x", &"长".repeat(2000)];
    let told = channels.iter().enumerate().map(|(number, channel)| {
        let mut contact = leads.contact("LiLei", &format!("wm{number}"), 10, 1);
        contact.event.state = (*channel).to_owned();
        contact.told()
    });
    leads.hear(told).await;
    for (number, channel) in channels.iter().enumerate() {
        let lead = leads.lead_of(&format!("wm{number}")).await;
        assert_eq!(lead["channel"], channel.replace('\0', ""), "{number}");
    }
    leads.finish().await;
}
