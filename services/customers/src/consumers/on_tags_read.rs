//! The enterprise's tags were read from WeCom.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Failure, StateHandler};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::{TagGroup, TagsRead};

use super::parse::text;
use crate::app::{App, Group, Tag};

pub(super) struct OnTagsRead {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<TagsRead> for OnTagsRead {
    async fn handle(&self, txn: &Txn, event: TagsRead, envelope: &Envelope) -> Result<(), Failure> {
        let groups: Vec<Group> = event.groups.iter().map(group_of).collect();
        self.app.hear_tags_in(txn, envelope.corp, &groups, envelope.occurred_at).await?;
        Ok(())
    }
}

fn group_of(group: &TagGroup) -> Group {
    let tags = group.tags.iter();
    let tags = tags.map(|tag| Tag { id: text(&tag.id), name: text(&tag.name), order: tag.order });
    Group { id: text(&group.id), name: text(&group.name), order: group.order, tags: tags.collect() }
}
