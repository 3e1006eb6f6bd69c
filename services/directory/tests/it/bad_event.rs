//! Events that can never be handled: dead letters with a reason, which hold nothing up.

use scrm_mq::topology::DIRECTORY_ROSTER;
use scrm_proto::Envelope;

use crate::support::{TestDirectory, gone, read, renamed};

#[tokio::test]
async fn an_id_that_cannot_be_one_makes_a_dead_letter_that_names_the_field() {
    let directory = TestDirectory::start().await;
    let corp = directory.corp;
    let long = "x".repeat(65);
    let undecodable = Envelope { body: vec![0xff; 9].into(), ..read(corp, "WangGang", "王刚", 10) };
    let cases = [
        (read(corp, "", "李雷", 10), "user_id is empty"),
        (gone(corp, &long, 10), "user_id has 65 bytes"),
        (renamed(corp, "", "LiLei", 10), "former_user_id is empty"),
        (renamed(corp, "LiLei", "Li\u{0}Lei", 10), "user_id holds a control character"),
        (undecodable, "body is not a wecom.v1.member_read"),
    ];
    let told = cases.iter().map(|(envelope, _)| envelope.clone());
    directory.hear(told.chain([read(corp, "HanMeimei", "韩\u{0}梅梅", 10)])).await;
    let dead = directory.broker.dead_letters(&DIRECTORY_ROSTER, cases.len()).await;
    for (_, expected) in &cases {
        assert!(dead.iter().any(|letter| letter.reason.starts_with(expected)), "{expected}: {dead:?}");
    }
    assert_eq!(directory.only_of(corp).await["name"], "韩梅梅");
    directory.finish().await;
}
