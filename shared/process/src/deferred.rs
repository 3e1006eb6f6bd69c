//! Access tokens from a service that starts beside those who ask for them.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use scrm_kernel::CorpId;
use scrm_wecom::client::token::{Grant, TokenError, TokenSource};

/// A source that is named later. Until then there are no tokens, and whoever asks tries again.
#[derive(Clone, Default)]
pub struct Deferred(Arc<OnceLock<Arc<dyn TokenSource>>>);

impl Deferred {
    /// Names the source; the first one stays.
    pub fn set(&self, source: Arc<dyn TokenSource>) {
        self.0.get_or_init(|| source);
    }

    fn source(&self) -> Result<&Arc<dyn TokenSource>, TokenError> {
        self.0.get().ok_or_else(|| TokenError::Unavailable("ingest is still starting".to_owned()))
    }
}

#[async_trait]
impl TokenSource for Deferred {
    async fn grant(&self, corp: CorpId, app: Option<&str>) -> Result<Grant, TokenError> {
        self.source()?.grant(corp, app).await
    }

    async fn invalidate(&self, grant: &Grant) -> Result<(), TokenError> {
        self.source()?.invalidate(grant).await
    }
}
