//! What administrators do with channels: make, change, end.

use scrm_db::idempotency::{self, Answer, Begun, RequestHash};
use scrm_db::{Cause, Txn};
use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{ChannelId, CorpId, FieldError};

use super::read_channels::ChannelView;
use super::tune_channel::{tell, tune_in};
use super::{App, Error};
use crate::domain::channel_draft::{Draft, state_of};
use crate::domain::channel_sync::Channel;
use crate::store;

/// A request that may come again.
pub struct Repeatable<'a> {
    /// The route, and who asks.
    pub scope: &'a str,
    /// What the client calls it.
    pub key: &'a str,
    /// What it asks for.
    pub hash: RequestHash,
}

/// What became of a request to make a channel.
pub enum Created {
    /// It was made.
    Fresh(Box<ChannelView>),
    /// It was made before, and this was answered.
    Before(Answer),
}

impl App {
    /// Makes a channel; its code follows as soon as WeCom has made one.
    pub async fn create_channel(
        &self,
        actor: &Actor,
        draft: Draft,
        repeatable: Option<Repeatable<'_>>,
        render: impl FnOnce(&ChannelView) -> Answer + Send,
    ) -> Result<Created, Error> {
        let corp = actor.allow(Action::ManageChannels)?;
        let (settings, state) = draft.checked().map_err(Error::InvalidFields)?;
        let txn = self.db.begin().await?;
        let claim = match repeatable {
            None => None,
            Some(Repeatable { scope, key, hash }) => {
                match idempotency::begin_or_replay(&txn, corp, scope, key, hash).await? {
                    Begun::Fresh(claim) => Some(claim),
                    Begun::Replay(answer) => return Ok(Created::Before(answer)),
                    Begun::Conflict => return Err(Error::KeyReused),
                }
            }
        };
        let now = txn.now();
        let id = ChannelId::mint(now);
        let tag = state.unwrap_or_else(|| state_of(id));
        let channel = Channel::new(id, corp, tag, settings, now);
        if let Err(error) = store::channel::insert(&txn, &channel).await {
            let is_taken = txn
                .violation(&error)
                .is_some_and(|violation| violation.is_unique(store::channel::UNIQUE_STATE));
            return Err(if is_taken { Error::ChannelStateTaken } else { error.into() });
        }
        tell(&txn, &channel, &Cause::here(now)).await?;
        let view = ChannelView::of(channel, now, Vec::new());
        if let Some(claim) = claim {
            claim.record(&txn, render(&view)).await?;
        }
        txn.commit().await?;
        tracing::info!(channel.id = %id, "Made channel {id}");
        Ok(Created::Fresh(Box::new(view)))
    }

    /// Changes a channel that still is as in `version`.
    pub async fn change_channel(
        &self,
        actor: &Actor,
        id: ChannelId,
        version: i64,
        draft: Draft,
    ) -> Result<ChannelView, Error> {
        let corp = actor.allow(Action::ManageChannels)?;
        let (settings, state) = draft.checked().map_err(Error::InvalidFields)?;
        let txn = self.db.begin().await?;
        let channel = locked(&txn, corp, id, version).await?;
        if state.is_some_and(|state| state != channel.tag) {
            return Err(Error::Invalid(FieldError::new(
                "state",
                "cannot be changed: it is in printed codes",
            )));
        }
        let now = txn.now();
        let changed = Channel { settings, version: version + 1, updated_at: now, ..channel };
        store::channel::save(&txn, &changed).await?;
        store::channel::replace_staff(&txn, &changed).await?;
        tune_in(&txn, changed, &Cause::here(now)).await?;
        txn.commit().await?;
        self.channel_of(corp, id).await
    }

    /// Ends a channel that still is as in `version`: it stays visible until WeCom has deleted its code.
    pub async fn end_channel(&self, actor: &Actor, id: ChannelId, version: i64) -> Result<(), Error> {
        let corp = actor.allow(Action::ManageChannels)?;
        let txn = self.db.begin().await?;
        let channel = locked(&txn, corp, id, version).await?;
        let now = txn.now();
        let (ended, is_due) = channel.ended(now);
        store::channel::save(&txn, &ended).await?;
        if is_due {
            tell(&txn, &ended, &Cause::here(now)).await?;
        }
        txn.commit().await?;
        tracing::info!(channel.id = %id, "Channel {id} is to end");
        Ok(())
    }
}

async fn locked(txn: &Txn, corp: CorpId, id: ChannelId, version: i64) -> Result<Channel, Error> {
    let channel = store::channel::lock(txn, corp, id).await?.ok_or(Error::ChannelNotFound(id))?;
    if channel.sync.is_ended {
        return Err(Error::ChannelEnded);
    }
    if channel.version != version {
        return Err(Error::ChannelChanged(channel.version));
    }
    Ok(channel)
}
