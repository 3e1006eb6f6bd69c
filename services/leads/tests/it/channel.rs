//! Whom a code leads to, in WeCom itself.

use std::collections::BTreeMap;
use std::time::Duration;

use scrm_process::Service as _;
use scrm_proto::leads::v1::ContactChannelled;
use serde_json::{Value, json};

use crate::channel_support::{CHANNELS, Company};

#[tokio::test]
async fn a_channel_has_one_way_that_follows_its_changes_and_its_end() {
    let company = Company::start().await;
    let [one, two, three] = &company.staff[..3] else { panic!("too few members") };
    let body = json!({"name": "Spring fair", "remark": "by the door", "staff": [{"user_id": one}, {"user_id": two}]});
    let channel = company.channel(body).await;
    let ways = company.ways_of(&channel).await;
    assert_eq!((ways[0].kind, ways[0].scene, ways[0].skip_verify), (Some(2), Some(2), Some(true)));
    assert_eq!(ways[0].remark, "by the door");

    let body = json!({"name": "Spring fair", "skip_verify": false, "staff": [{"user_id": three}]});
    company.write(&channel, &body).await;
    let channel = company.synced(&channel).await;
    let changed = company.ways_of(&channel).await;
    assert_eq!((&changed[0].config_id, changed[0].skip_verify), (&ways[0].config_id, Some(false)));
    assert_eq!(changed[0].remark, "");

    let off = json!({
        "name": "Spring fair", "is_on": false, "backup_user_id": one, "staff": [{"user_id": three}]
    });
    company.write(&channel, &off).await;
    let channel = company.synced(&channel).await;
    assert_eq!((&channel["wanted"], &channel["problem"]), (&json!([one]), &Value::Null));

    let path = format!("{CHANNELS}/{}", channel["id"].as_str().unwrap());
    let admin = company.leads.admin().with_header("If-Match", format!("\"{}\"", channel["version"]));
    assert_eq!(admin.send(reqwest::Method::DELETE, &path, "").await.status, 204);
    company.leads.settled().await;
    assert_eq!(company.leads.admin().get(&path).await.0, 404);
    assert!(company.ways_of(&channel).await.is_empty());
    assert_eq!(company.wecom.calls("externalcontact/add_contact_way").len(), 1);
    company.finish().await;
}

#[tokio::test]
async fn a_way_whose_making_ended_unclear_is_made_once() {
    for fault in ["close_after_accept", "error_rate"] {
        let company = Company::start().await;
        let faults = json!({"api": {"externalcontact/add_contact_way": {fault: 1}}});
        company.faults(faults).await;
        let body = json!({"name": "Spring fair", "staff": [{"user_id": company.staff[0]}]});
        let (status, made) = company.leads.admin().post(CHANNELS, &body).await;
        assert_eq!(status, 201, "{made}");
        scrm_testing::eventually("a call that fails", async || {
            let read = company.read(&made).await;
            (read["sync"]["state"] == "waiting" && read["sync"]["problem"].is_string()).then_some(())
        })
        .await;
        assert_eq!(company.read(&made).await["qr_code"], Value::Null);
        company.faults(json!({})).await;
        let channel = company.synced(&made).await;
        assert!(channel["qr_code"].is_string());
        assert_eq!(channel["sync"]["problem"], Value::Null);
        let made = if fault == "error_rate" { 2 } else { 1 };
        assert_eq!(company.wecom.calls("externalcontact/add_contact_way").len(), made, "{fault}");
        company.finish().await;
    }
}

#[tokio::test]
async fn after_each_customer_the_code_leads_to_those_whose_turn_it_is() {
    let company = Company::start().await;
    let [heavy, light, capped] = &company.staff[..3] else { panic!("too few members") };
    let channel = company
        .channel(json!({"name": "Spring fair", "staff": [
            {"user_id": heavy, "weight": 2},
            {"user_id": light, "weight": 1},
            {"user_id": capped, "weight": 1, "daily_cap": 1},
        ]}))
        .await;
    let mut met: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..7 {
        let (member, contact) = company.scan(&channel).await;
        *met.entry(member).or_default() += 1;
        // However often it is told, it counts once.
        company.leads.hear([contact.told(), contact.clone().through("second").told(), contact.told()]).await;
        company.synced(&channel).await;
    }
    // Four by turns of four, until the capped one is full; three more between two and one.
    let expected = BTreeMap::from([(heavy.clone(), 4), (light.clone(), 2), (capped.clone(), 1)]);
    assert_eq!(met, expected);
    let today = &company.read(&channel).await["today"];
    assert_eq!((&today["adds"], &today["overshoot"]), (&json!(7), &json!(0)), "{today}");
    assert_eq!(today["day"], "2026-03-02");
    company.finish().await;
}

#[tokio::test]
async fn what_wecom_hands_out_beyond_the_cap_is_counted_and_shown() {
    let company = Company::start().await;
    let [one, two] = &company.staff[..2] else { panic!("too few members") };
    let channel = company
        .channel(
            json!({"name": "Spring fair", "staff": [{"user_id": one, "daily_cap": 1}, {"user_id": two}]}),
        )
        .await;
    // All of them scan before the service hears of the first one.
    let mut contacts = Vec::new();
    for _ in 0..6 {
        contacts.push(company.scan(&channel).await);
    }
    company.leads.hear(contacts.iter().map(|(_, contact)| contact.told())).await;
    let channel = company.synced(&channel).await;
    assert_eq!(channel["wanted"], json!([two]));
    let today = &channel["today"];
    let of_one = contacts.iter().filter(|(member, _)| member == one).count();
    assert_eq!((of_one, &today["adds"], &today["overshoot"]), (3, &json!(6), &json!(2)), "{today}");

    // A member who is not of this channel at all.
    company.leads.hear([company.contact(&channel, &company.staff[9], "wmStranger").told()]).await;
    let channel = company.synced(&channel).await;
    assert_eq!(channel["today"]["overshoot"], 3);

    // Another day: the cap is new, and so are the counts.
    company.leads.clock.advance(Duration::from_hours(15));
    scrm_testing::eventually("a list of the new day", async || {
        let read = company.read(&channel).await;
        (read["wanted"] == json!([one, two])).then_some(())
    })
    .await;
    let channel = company.synced(&channel).await;
    assert_eq!(channel["today"], json!({"day": "2026-03-03", "adds": 0, "overshoot": 0, "members": []}));
    company.finish().await;
}

#[tokio::test]
async fn the_edges_of_duty_hours_move_the_list_once_for_all_processes() {
    let company = Company::start().await;
    let [early, late] = &company.staff[..2] else { panic!("too few members") };
    let week = |hours: &str| vec![hours.to_owned(); 7];
    let channel = company
        .channel(json!({"name": "Spring fair", "staff": [
            {"user_id": early, "week": week("09:00-12:00")}, {"user_id": late, "week": week("12:00-18:00")},
        ]}))
        .await;
    assert_eq!(channel["wanted"], json!([early]));
    let replica = company.leads.replica_with(&company.wecom).await;

    company.leads.clock.advance(Duration::from_hours(3));
    scrm_testing::eventually("the late shift", async || {
        (company.read(&channel).await["wanted"] == json!([late])).then_some(())
    })
    .await;
    let channel = company.synced(&channel).await;
    assert_eq!(company.wecom.calls("externalcontact/update_contact_way").len(), 1);

    // In the evening nobody is there and nobody stands in: the list stays, and the channel says so.
    company.leads.clock.advance(Duration::from_hours(6));
    scrm_testing::eventually("an evening", async || {
        (company.read(&channel).await["problem"] == "nobody_free").then_some(())
    })
    .await;
    let channel = company.synced(&channel).await;
    assert_eq!(channel["wanted"], json!([late]));
    assert_eq!(company.wecom.calls("externalcontact/update_contact_way").len(), 1);
    if let Some(replica) = replica {
        replica.close().await.unwrap();
    }
    company.finish().await;
}

#[tokio::test]
async fn a_way_whose_answer_never_came_is_found_again() {
    let company = Company::start().await;
    company.faults(json!({"api": {"externalcontact/add_contact_way": {"timeout_after_accept": 1}}})).await;
    let body = json!({"name": "Spring fair", "staff": [{"user_id": company.staff[0]}]});
    let (_, made) = company.leads.admin().post(CHANNELS, &body).await;
    // The answer does not come within the client's patience; WeCom has the way all the same.
    scrm_testing::eventually("a way", async || (!company.ways_of(&made).await.is_empty()).then_some(()))
        .await;
    assert_eq!(company.read(&made).await["sync"]["state"], "calling");
    company.faults(json!({})).await;
    let channel = company.until(&made, "synced").await;
    assert!(channel["qr_code"].is_string());
    assert_eq!(company.ways_of(&channel).await.len(), 1);
    assert_eq!(company.wecom.calls("externalcontact/add_contact_way").len(), 1);
    company.finish().await;
}

#[tokio::test]
async fn a_contact_through_a_channel_is_told_once_with_its_name_and_tags() {
    let company = Company::start().await;
    let one = &company.staff[0];
    let body = json!({"name": "Spring fair", "staff": [{"user_id": one}], "tags": ["et1", "et2"]});
    let channel = company.channel(body).await;
    assert_eq!(channel["tags"], json!(["et1", "et2"]));
    let (member, contact) = company.scan(&channel).await;
    company.leads.hear([contact.told(), contact.clone().through("second").told(), contact.told()]).await;

    // Changed tags are those of the next customer.
    let body = json!({"name": "Autumn fair", "staff": [{"user_id": one}]});
    let channel = company.write(&channel, &body).await;
    company.synced(&channel).await;
    let (_, next) = company.scan(&channel).await;
    company.leads.hear([next.told(), company.leads.contact(one, "wm-elsewhere", 10, 99).told()]).await;

    let told = company.leads.broker.published::<ContactChannelled>();
    let [(envelope, first), (_, second)] = &told[..] else { panic!("{told:?}") };
    let heard = contact.told();
    assert_eq!((envelope.occurred_at, envelope.received_seq), (heard.occurred_at, heard.received_seq));
    assert_eq!((&first.user_id, &first.external_user_id), (&member, &contact.event.external_user_id));
    assert_eq!(channel["id"], first.channel_id.as_str());
    assert_eq!(
        (first.channel_name.as_str(), &first.tag_ids[..]),
        ("Spring fair", &["et1".to_owned(), "et2".to_owned()][..])
    );
    assert_eq!((second.channel_name.as_str(), second.tag_ids.len()), ("Autumn fair", 0));
    company.finish().await;
}
