//! `scrm republish`: after the broker was lost.

use std::time::Duration;

use scrm_kernel::Clock;
use scrm_testing::eventually_within;
use scrm_tests::{Company, Outside};

use crate::started;

/// Arrivals by WeCom, and as many by webhook.
const ARRIVALS: usize = 20;
/// What was only begun waits for a lease or a rung.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test]
async fn what_the_lost_broker_had_becomes_leads_and_nothing_does_twice() {
    let since = Clock::system().now().to_rfc3339();
    let mut installation = started().await;
    let company = Company::connect(&installation).await;
    let outside = Outside::of(&installation);
    // Some are handled by then, some are not.
    company.welcome_some(ARRIVALS).await;
    installation.kill(None);
    installation.lose_broker().await;
    installation.start(None).await;

    let (is_done, lines, complaint) = installation.scrm(&["republish", "--since", &since]);
    assert!(is_done, "{complaint}");
    let services: Vec<_> = lines.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(services, ["ingest", "directory", "leads", "customers"]);
    let sent = lines[0].split(' ').nth(1).and_then(|number| number.parse::<usize>().ok());
    assert!(sent.is_some_and(|sent| sent >= ARRIVALS), "{lines:?}");
    eventually_within(PATIENCE, "every arrival is one lead", async || {
        let outcome = outside.count(&company).await?;
        assert!(outcome.doubled.is_empty(), "{outcome:?}");
        outcome.lost.is_empty().then_some(())
    })
    .await;

    // Once more: everything is handled, so nothing happens.
    assert!(installation.scrm(&["republish", "--since", &since, "--service", "ingest"]).0);
    let (is_done, _, complaint) = installation.scrm(&["republish", "--since", "2020-01-01T00:00:00Z"]);
    assert!(!is_done && complaint.contains("kept for 7 days"), "{complaint}");
    installation.finish().await;
    company.wecom.finish().await;
}
