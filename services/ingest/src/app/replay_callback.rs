//! An administrator has a callback published once more: a late one, one that could not be processed, or any other.

use scrm_kernel::MessageId;
use scrm_kernel::access::{Action, Actor};

use super::{App, Error};
use crate::domain::callback::Callback;
use crate::store;

impl App {
    /// Lets a callback be processed as if it had just come, under a new message id that names the first one.
    ///
    /// `by` is who wants it. What its event caused before stays done once: every effect has a natural key.
    pub async fn replay_callback(&self, actor: &Actor, seq: i64, by: &str) -> Result<Callback, Error> {
        let corp = actor.allow(Action::ReplayCallbacks)?;
        let txn = self.db.begin().await?;
        let is_replayed = store::callback::replay(&txn, corp, seq, MessageId::mint(txn.now()), by).await?;
        let callback = store::callback::find(&txn, corp, seq).await?.ok_or(Error::CallbackNotFound(seq))?;
        if !is_replayed {
            return Err(if callback.is_settled() {
                Error::CallbackForgotten
            } else {
                Error::CallbackWaiting
            });
        }
        txn.commit().await?;
        Ok(callback)
    }
}
