//! Who owns a lead, and who is told.

use std::time::Duration;

use scrm_proto::leads::v1::LeadAssigned;

use crate::support::{TestLeads, orders};

#[tokio::test]
async fn whoever_was_added_first_owns_the_lead_in_any_order_of_arrival() {
    let leads = TestLeads::start().await;
    for order in orders(3) {
        let digits: String = order.iter().map(ToString::to_string).collect();
        let customer = format!("wm{digits}");
        let contacts = [
            leads.contact("HanMeimei", &customer, 20, 1),
            leads.contact("LiLei", &customer, 10, 3),
            leads.contact("WangFang", &customer, 10, 2),
        ];
        for index in order {
            leads.hear([contacts[index].told()]).await;
        }
        let lead = leads.lead_of(&customer).await;
        assert_eq!(lead["owner"]["user_id"], "WangFang", "{customer}");
        assert_eq!(lead["received_at"], "1970-01-01T00:00:10.250Z", "{customer}");
        assert!(lead["reason"]["text"].as_str().unwrap().contains("WangFang"), "{customer}");
        assert_eq!(leads.touches_of(&customer).await, 3);
        let (id, owner) = leads.assignments_of(&customer).pop().unwrap();
        assert_eq!((id.as_str(), owner.as_str()), (lead["id"].as_str().unwrap(), "WangFang"));
    }
    leads.finish().await;
}

#[tokio::test]
async fn an_assignment_is_told_with_its_cause_and_again_when_the_lead_moves() {
    let leads = TestLeads::start().await;
    let later = leads.contact("HanMeimei", "wm1", 20, 2).told();
    leads.hear([later.clone()]).await;
    let lead = leads.lead_of("wm1").await;

    leads.clock.advance(Duration::from_secs(7));
    leads.hear([leads.contact("WangFang", "wm1", 30, 3).told()]).await;
    assert_eq!(leads.assignments_of("wm1").len(), 1, "a later contact moves nothing");
    let mut earlier = leads.contact("LiLei", "wm1", 10, 4);
    earlier.event.state = "autumn-fair".to_owned();
    let earlier = earlier.told();
    leads.hear([earlier.clone()]).await;

    let moved = leads.lead_of("wm1").await;
    assert_eq!((&moved["id"], &moved["channel"]), (&lead["id"], &"autumn-fair".into()));
    assert_eq!(moved["assigned_at"], "2026-03-02T01:00:07.000Z");
    let published = leads.broker.published::<LeadAssigned>();
    assert_eq!(published.len(), 2);
    for ((envelope, event), (cause, owner, channel)) in
        published.iter().zip([(&later, "HanMeimei", "spring-fair"), (&earlier, "LiLei", "autumn-fair")])
    {
        let expected = LeadAssigned {
            corp_id: leads.corp.to_string(),
            lead_id: lead["id"].as_str().unwrap().to_owned(),
            external_user_id: "wm1".to_owned(),
            owner_user_id: owner.to_owned(),
            reason: "added_by_contact".to_owned(),
            channel: channel.to_owned(),
        };
        assert_eq!(*event, expected);
        assert_eq!((envelope.kind.as_str(), &envelope.key), ("leads.v1.lead_assigned", &event.lead_id));
        assert_eq!(envelope.corp, leads.corp);
        assert_eq!(
            (envelope.occurred_at, envelope.received_at, envelope.received_seq),
            (cause.occurred_at, cause.received_at, cause.received_seq)
        );
    }
    assert_ne!(published[0].0.message_id, published[1].0.message_id);
    leads.finish().await;
}

#[tokio::test]
async fn an_owner_keeps_the_spelling_of_the_first_contact() {
    let leads = TestLeads::start().await;
    let contacts =
        |customer: &str| [leads.contact("LiLei", customer, 10, 1), leads.contact("lilei", customer, 20, 2)];
    leads.hear(contacts("wm1").map(|contact| contact.told())).await;
    let [first, second] = contacts("wm2");
    leads.hear([second.told(), first.told()]).await;
    for customer in ["wm1", "wm2"] {
        assert_eq!(leads.owner_of(customer).await, "LiLei", "{customer}");
        assert_eq!(leads.assignments_of(customer).len(), 1, "the owner is the same person");
    }
    leads.finish().await;
}
