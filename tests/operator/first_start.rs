//! The first start: nothing was prepared, and the services come one after the other.

use std::path::Path;
use std::time::Duration;

use scrm_mq::topology::UNROUTED;
use scrm_testing::{Shape, eventually_within};
use scrm_tests::{Company, Installation, Outside};
use serde_json::Value;

use crate::PROGRAMS;

/// Arrivals by WeCom, and as many by webhook.
const ARRIVALS: usize = 10;
/// As many, as queues count them.
const MESSAGES: u64 = 10;
/// What was only begun waits for a lease or a rung.
const PATIENCE: Duration = Duration::from_mins(2);

/// Starts ingest alone, lets people arrive, and starts the other services in this order.
async fn starts_one_by_one(others: [&str; 3]) {
    if Shape::chosen() == Shape::Embedded {
        return; // one process has all services
    }
    let mut installation = Installation::empty(Path::new(PROGRAMS)).await;
    assert!(!installation.missing_queues().await.is_empty());
    installation.start_one("ingest").await;
    assert_eq!(installation.missing_queues().await, Vec::<String>::new());

    let company = Company::connect_to_ingest(&installation).await;
    company.welcome_some(ARRIVALS).await;
    let waiting = eventually_within(PATIENCE, "what ingest heard waits for the others", async || {
        let waiting = installation.waiting().await;
        let holds = |queue: &str| waiting.get(queue) >= Some(&MESSAGES);
        let all = ["leads.contact", "leads.submission", "leads.welcome", "customers.contact"];
        all.into_iter().all(holds).then_some(waiting)
    })
    .await;
    assert_eq!(waiting.get(UNROUTED), None, "{waiting:?}");

    for service in others {
        installation.start_one(service).await;
    }
    let outside = Outside::of(&installation);
    eventually_within(PATIENCE, "every arrival is one lead", async || {
        let outcome = outside.count(&company).await?;
        assert!(outcome.doubled.is_empty(), "{outcome:?}");
        outcome.lost.is_empty().then_some(())
    })
    .await;
    assert_eq!(outside.owned_customers().await.unwrap(), company.acknowledged());
    assert_eq!(outside.dead_letters().await.unwrap(), Vec::<Value>::new());
    installation.finish().await;
    company.wecom.finish().await;
}

#[tokio::test]
async fn ingest_alone_keeps_what_comes_for_services_that_never_ran() {
    starts_one_by_one(["leads", "customers", "directory"]).await;
}

#[tokio::test]
async fn the_others_may_come_in_another_order() {
    starts_one_by_one(["directory", "customers", "leads"]).await;
}
