//! Tokens kept in this process, so that a call to WeCom need not begin with a call to ingest.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use scrm_kernel::{Clock, CorpId};
use tokio::sync::Mutex as AsyncMutex;

use super::{Grant, TokenError, TokenSource};

/// A token is not used in its last five minutes: it must outlast the call, and clocks differ.
const MARGIN: Duration = Duration::from_mins(5);
/// Doors at which callers queue; more than one so that a slow answer for one enterprise rarely delays another.
const DOORS: usize = 64;

/// The enterprise, and the app as the caller named it.
type Key = (CorpId, Option<String>);

/// Keeps the grants of another source until five minutes before they expire.
///
/// Callers who need a new grant of one enterprise queue, and so do those who report a refused one: however many meet
/// the same refusal together, the source hears of it once, and all get the token that came after.
pub struct CachedTokens {
    source: Arc<dyn TokenSource>,
    clock: Clock,
    /// The latest grant of each app. One too old to be used stays, so that its refusal is still recognised.
    grants: Mutex<HashMap<Key, Grant>>,
    doors: [AsyncMutex<()>; DOORS],
    hasher: RandomState,
}

impl CachedTokens {
    /// Puts a cache before `source`.
    pub fn new(source: Arc<dyn TokenSource>, clock: Clock) -> Self {
        Self {
            source,
            clock,
            grants: Mutex::default(),
            doors: std::array::from_fn(|_| AsyncMutex::default()),
            hasher: RandomState::new(),
        }
    }

    fn door(&self, corp: CorpId) -> &AsyncMutex<()> {
        let hash = usize::try_from(self.hasher.hash_one(corp) % DOORS as u64).expect("less than 64");
        &self.doors[hash]
    }

    /// Locks; nothing below can panic half way.
    fn grants(&self) -> MutexGuard<'_, HashMap<Key, Grant>> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self, key: &Key) -> Option<Grant> {
        let until = self.clock.now() + MARGIN;
        self.grants().get(key).filter(|grant| grant.expires_at > until).cloned()
    }

    /// Forgets a token under every name its app was asked for; says whether it was there.
    fn forget(&self, refused: &Grant) -> bool {
        let is_refused = |grant: &Grant| {
            (grant.corp, &grant.app, &grant.token) == (refused.corp, &refused.app, &refused.token)
        };
        let mut grants = self.grants();
        let before = grants.len();
        grants.retain(|_, grant| !is_refused(grant));
        grants.len() < before
    }
}

#[async_trait]
impl TokenSource for CachedTokens {
    async fn grant(&self, corp: CorpId, app: Option<&str>) -> Result<Grant, TokenError> {
        let key = (corp, app.map(str::to_owned));
        if let Some(grant) = self.usable(&key) {
            return Ok(grant);
        }
        let _turn = self.door(corp).lock().await;
        // Whoever was before us at the door may have brought it.
        if let Some(grant) = self.usable(&key) {
            return Ok(grant);
        }
        let grant = self.source.grant(corp, app).await?;
        self.grants().insert(key, grant.clone());
        Ok(grant)
    }

    async fn invalidate(&self, grant: &Grant) -> Result<(), TokenError> {
        // Holds the door until the source knows: nobody may fetch the refused token again meanwhile.
        let _turn = self.door(grant.corp).lock().await;
        if self.forget(grant) { self.source.invalidate(grant).await } else { Ok(()) }
    }
}
