//! Reading channels, with what they brought today.

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{ChannelId, CorpId, Cursor, Day, Page, PageRequest, Timestamp};

use super::{App, Error};
use crate::domain::channel_sync::Channel;
use crate::store;

pub use crate::store::channel_day::Count as DayCount;

/// A channel as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelView {
    /// The channel.
    pub channel: Channel,
    /// The corp's calendar day that the counts are of.
    pub day: String,
    /// What each member got on that day.
    pub counts: Vec<DayCount>,
}

impl ChannelView {
    pub(super) fn of(channel: Channel, now: Timestamp, counts: Vec<DayCount>) -> Self {
        Self { channel, day: Day::of(now).to_string(), counts }
    }
}

impl App {
    /// Lists channels, newest first.
    pub async fn channels(&self, actor: &Actor, page: &PageRequest) -> Result<Page<ChannelView>, Error> {
        let corp = actor.allow(Action::ReadChannels)?;
        let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
        let Page { items, next_cursor } = store::channel::list(self.db.reader(), corp, page, before).await?;
        Ok(Page { items: self.channel_views(items).await?, next_cursor })
    }

    /// Returns one channel.
    pub async fn channel(&self, actor: &Actor, id: ChannelId) -> Result<ChannelView, Error> {
        let corp = actor.allow(Action::ReadChannels)?;
        self.channel_of(corp, id).await
    }

    pub(super) async fn channel_of(&self, corp: CorpId, id: ChannelId) -> Result<ChannelView, Error> {
        let channel = store::channel::find(self.db.reader(), corp, id).await?;
        let channel = channel.ok_or(Error::ChannelNotFound(id))?;
        self.channel_views(vec![channel]).await?.pop().ok_or(Error::ChannelNotFound(id))
    }

    async fn channel_views(&self, channels: Vec<Channel>) -> Result<Vec<ChannelView>, Error> {
        let now = self.db.clock().now();
        let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.id).collect();
        let counts = store::channel_day::on(self.db.reader(), &ids, &Day::of(now).to_string()).await?;
        let view = |channel: Channel| {
            let mine = counts.iter().filter(|count| count.channel == channel.id).cloned().collect();
            ChannelView::of(channel, now, mine)
        };
        Ok(channels.into_iter().map(view).collect())
    }
}
