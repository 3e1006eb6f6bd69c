//! `scrm reconcile`: after callbacks were lost.

use std::time::Duration;

use scrm_testing::eventually_within;
use scrm_tests::{Company, Outside};

use crate::started;

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_callback_was_lost_is_found_and_becomes_a_lead() {
    let installation = started().await;
    let company = Company::connect(&installation).await;
    let outside = Outside::of(&installation);
    let unheard = company.add_unheard().await;

    let (is_done, lines, complaint) = installation.scrm(&["reconcile"]);
    assert!(is_done, "{complaint}");
    assert_eq!(lines, Vec::<String>::new(), "progress is for people");
    assert!(complaint.contains("customers"), "{complaint}");
    eventually_within(PATIENCE, "the customer has a lead", async || {
        outside.has_owner(&unheard).await.then_some(())
    })
    .await;

    let (is_done, _, complaint) = installation.scrm(&["reconcile", "--corp", "no-corp"]);
    assert!(!is_done && complaint.contains("no-corp"), "{complaint}");
    installation.finish().await;
    company.wecom.finish().await;
}
