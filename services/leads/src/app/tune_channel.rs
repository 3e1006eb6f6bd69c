//! Keeping what is wanted of a channel right: after each customer, at the edges of duty hours, and from day to day.

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::{ChannelId, CorpId, Day};
use scrm_proto::leads::v1::ChannelChanged;
use sea_orm::DbErr;

use super::App;
use super::tell_channelled::tell_channelled;
use crate::domain::channel_sync::Channel;
use crate::domain::lead::Contact;
use crate::store;

/// Channels that are looked at in one go.
const PAGE: u64 = 200;

impl App {
    /// Counts a customer for the channel that brought her, tells of it, and moves the channel's list if that moved the
    /// turn.
    pub(super) async fn count_add_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        contact: &Contact,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        let Some(state) = contact.channel.as_deref() else { return Ok(()) };
        let Some(channel) = store::channel::lock_by_state(txn, corp, state).await? else { return Ok(()) };
        let (at, user) = (contact.claim.occurred_at, &contact.member);
        let day = Day::of(at).to_string();
        let adds = store::channel_day::adds(txn, channel.id, &day).await?;
        let is_overshoot = channel.sync.is_ended
            || channel.settings.plan.is_overshoot(user, at, &adds, &channel.sync.wanted.users);
        store::channel_day::count(txn, corp, channel.id, &day, user, is_overshoot).await?;
        if is_overshoot {
            tracing::info!(channel.id = %channel.id, "A customer of channel {} came to another member than wanted", channel.id);
        }
        tell_channelled(txn, &channel, contact, cause).await?;
        tune_in(txn, channel, cause).await
    }

    /// Works out again what is wanted of every channel; for the job that follows the clock.
    pub(crate) async fn tune_channels(&self) -> Result<(), DbErr> {
        let mut last = None;
        loop {
            let channels = store::channel::after(self.db.reader(), last, PAGE).await?;
            let Some(newest) = channels.last() else { return Ok(()) };
            last = Some(newest.id);
            for due in self.untuned(channels).await? {
                let txn = self.db.begin().await?;
                // Another replica, or a customer, may have been first: what counts is the row as it is now.
                if let Some(channel) = store::channel::lock(&txn, due.corp, due.id).await? {
                    tune_in(&txn, channel, &Cause::here(txn.now())).await?;
                    txn.commit().await?;
                }
            }
        }
    }

    /// Returns those of some channels of which something else is wanted now.
    async fn untuned(&self, channels: Vec<Channel>) -> Result<Vec<Channel>, DbErr> {
        let now = self.db.clock().now();
        let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.id).collect();
        let counts = store::channel_day::on(self.db.reader(), &ids, &Day::of(now).to_string()).await?;
        let is_untuned = |channel: &Channel| {
            let mine = counts.iter().filter(|count| count.channel == channel.id);
            let adds = mine.map(|count| (count.user_key.clone(), count.adds)).collect();
            channel.clone().tuned(now, &adds).0 != *channel
        };
        Ok(channels.into_iter().filter(is_untuned).collect())
    }
}

/// Works out again what is wanted of a locked channel, and asks for the call if WeCom has something else.
pub(super) async fn tune_in(txn: &Txn, channel: Channel, cause: &Cause) -> Result<(), DbErr> {
    let now = txn.now();
    let adds = store::channel_day::adds(txn, channel.id, &Day::of(now).to_string()).await?;
    let (tuned, is_due) = channel.clone().tuned(now, &adds);
    if tuned != channel {
        store::channel::save(txn, &tuned).await?;
    }
    if is_due { tell(txn, &tuned, cause).await } else { Ok(()) }
}

/// Asks for a call, with the transaction that makes it due.
pub(super) async fn tell(txn: &Txn, channel: &Channel, cause: &Cause) -> Result<(), DbErr> {
    let event = ChannelChanged { corp_id: channel.corp.to_string(), channel_id: channel.id.to_string() };
    outbox::put(txn, channel.corp, cause, &event).await?;
    Ok(())
}
