//! The lead sources that webhooks are checked against, in memory.
//!
//! All of them are read together, at most once a second, so that a stranger learns nothing from how long an answer takes
//! and cannot make us read. Rows are the truth: another process's change counts here a second later.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use chrono::TimeDelta;
use scrm_db::Db;
use scrm_kernel::{KeyRing, Timestamp};
use sea_orm::DbErr;
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use crate::domain::lead_source::LeadSource;
use crate::store;

/// How long the sources at hand are used.
const FRESH: TimeDelta = TimeDelta::seconds(1);

/// A source, and the key that its webhooks are signed with.
pub(super) struct Hook {
    pub(super) source: LeadSource,
    key: hmac::Key,
}

/// All sources, as they were read.
struct Known {
    read_at: Timestamp,
    hooks: HashMap<String, Arc<Hook>>,
}

pub(super) struct Hooks {
    known: RwLock<Option<Arc<Known>>>,
    reading: Mutex<()>,
    /// Checks what is sent to no source, so that it takes as long.
    nobody: hmac::Key,
}

impl Hooks {
    pub(super) fn new() -> Self {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).expect("the operating system gives random bytes");
        let nobody = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Self { known: RwLock::default(), reading: Mutex::default(), nobody }
    }

    /// Has the sources read again before the next webhook.
    pub(super) fn forget(&self) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns the source `name` if it signed `timestamp.body`.
    pub(super) async fn signer(
        &self,
        db: &Db,
        keys: &KeyRing,
        name: &str,
        timestamp: &str,
        body: &[u8],
        signature: &[u8],
    ) -> Result<Option<Arc<Hook>>, DbErr> {
        let known = self.fresh(db, keys).await?;
        let hook = known.hooks.get(name);
        let key = hook.map_or(&self.nobody, |hook| &hook.key);
        let mut signed = Vec::with_capacity(timestamp.len() + 1 + body.len());
        signed.extend(timestamp.as_bytes());
        signed.push(b'.');
        signed.extend(body);
        // Compares in constant time.
        let is_signed = hmac::verify(key, &signed, signature).is_ok();
        Ok(hook.filter(|_| is_signed).cloned())
    }

    async fn fresh(&self, db: &Db, keys: &KeyRing) -> Result<Arc<Known>, DbErr> {
        let at_hand = || self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let is_fresh = |known: &Arc<Known>| (db.clock().now() - known.read_at).abs() < FRESH;
        if let Some(known) = at_hand().filter(is_fresh) {
            return Ok(known);
        }
        let _reading = self.reading.lock().await;
        if let Some(known) = at_hand().filter(is_fresh) {
            return Ok(known);
        }
        let read_at = db.clock().now();
        let sources = store::lead_source::open_all(db.reader(), keys).await?;
        let hook = |(source, secret): (LeadSource, secrecy::SecretString)| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
            (source.name.as_str().to_owned(), Arc::new(Hook { source, key }))
        };
        let known = Arc::new(Known { read_at, hooks: sources.into_iter().map(hook).collect() });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        Ok(known)
    }
}
