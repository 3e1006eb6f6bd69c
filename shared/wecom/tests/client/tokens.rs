//! The cache of tokens.

use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::Clock;
use scrm_wecom::client::token::{CachedTokens, TokenSource as _};

use crate::support::{Mint, SECRET, corp, start_of_time};

fn cached() -> (CachedTokens, Arc<Mint>, Clock) {
    let clock = Clock::mock(start_of_time());
    let mint = Mint::new("http://wecom.example", clock.clone());
    (CachedTokens::new(mint.clone(), clock.clone()), mint, clock)
}

#[tokio::test]
async fn a_grant_is_kept_until_five_minutes_before_it_expires() {
    let (tokens, mint, clock) = cached();
    let corp = corp();
    tokens.grant(corp, None).await.unwrap();
    clock.advance(Duration::from_secs(115 * 60 - 1));
    tokens.grant(corp, None).await.unwrap();
    assert_eq!(mint.counts().0, 1);
    clock.advance(Duration::from_secs(1));
    tokens.grant(corp, None).await.unwrap();
    assert_eq!(mint.counts().0, 2);
}

#[tokio::test]
async fn enterprises_and_apps_have_grants_of_their_own() {
    let (tokens, mint, _) = cached();
    let (one, other) = (corp(), corp());
    for (corp, app) in [(one, None), (other, None), (one, Some("sales")), (one, None), (one, Some("sales"))] {
        let grant = tokens.grant(corp, app).await.unwrap();
        assert_eq!((grant.corp, grant.app.as_str()), (corp, app.unwrap_or("crm")));
    }
    assert_eq!(mint.counts().0, 3);
}

#[tokio::test]
async fn callers_who_come_together_cause_one_grant() {
    let (tokens, mint, _) = cached();
    let corp = corp();
    let grants = futures::future::join_all((0..50).map(|_| tokens.grant(corp, None))).await;
    assert!(grants.iter().all(Result::is_ok));
    assert_eq!(mint.counts().0, 1);
}

#[tokio::test]
async fn only_the_current_token_can_be_invalidated() {
    let (tokens, mint, clock) = cached();
    let corp = corp();
    let old = tokens.grant(corp, None).await.unwrap();
    tokens.invalidate(&old).await.unwrap();
    tokens.invalidate(&old).await.unwrap();
    let new = tokens.grant(corp, None).await.unwrap();
    tokens.invalidate(&old).await.unwrap();
    assert_eq!(tokens.grant(corp, None).await.unwrap(), new);
    assert_eq!(mint.counts(), (2, 1));

    // Too old to be given out, and still the current one.
    clock.advance(Duration::from_mins(118));
    tokens.invalidate(&new).await.unwrap();
    assert_eq!(mint.counts(), (2, 2));
}

#[tokio::test]
async fn a_grant_does_not_print_its_token() {
    let (tokens, ..) = cached();
    let grant = tokens.grant(corp(), None).await.unwrap();
    assert!(!format!("{grant:?}").contains(SECRET));
}
