//! The corp's tags for customers, in groups. What was deleted stays known by its id, as with WeCom.

use serde::{Deserialize, Serialize};

use crate::company::Company;

/// When the scripted groups were made: long before anything else, the same for every sandbox.
const SCRIPTED_AT: i64 = 1_700_000_000;

/// A group of tags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_at: i64,
    pub(crate) order: u64,
    pub(crate) deleted: bool,
    pub(crate) tags: Vec<CorpTag>,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CorpTag {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_at: i64,
    pub(crate) order: u64,
    pub(crate) deleted: bool,
}

impl Group {
    /// Returns the tags that are not deleted.
    pub(crate) fn live(&self) -> impl Iterator<Item = &CorpTag> {
        self.tags.iter().filter(|tag| !tag.deleted)
    }
}

/// All groups.
pub(crate) struct Tags {
    pub(crate) groups: Vec<Group>,
}

impl Tags {
    pub(super) fn scripted(company: &Company) -> Self {
        let groups = company.tag_groups.iter().enumerate().map(|(i, group)| Group {
            id: group.id.clone(),
            name: group.name.clone(),
            created_at: SCRIPTED_AT,
            order: (company.tag_groups.len() - i) as u64,
            deleted: false,
            tags: (group.tags.iter().enumerate())
                .map(|(i, tag)| CorpTag {
                    id: tag.id.clone(),
                    name: tag.name.clone(),
                    created_at: SCRIPTED_AT,
                    order: (group.tags.len() - i) as u64,
                    deleted: false,
                })
                .collect(),
        });
        Self { groups: groups.collect() }
    }

    pub(super) fn apply(&mut self, group: Group) {
        match self.groups.iter_mut().find(|known| known.id == group.id) {
            Some(known) => *known = group,
            None => self.groups.push(group),
        }
    }

    /// Finds a tag that is not deleted, and its group.
    pub(crate) fn find(&self, tag_id: &str) -> Option<(&Group, &CorpTag)> {
        self.groups.iter().find_map(|group| Some((group, group.live().find(|tag| tag.id == tag_id)?)))
    }

    /// Counts the tags that are not deleted.
    pub(crate) fn count(&self) -> usize {
        self.groups.iter().map(|group| group.live().count()).sum()
    }
}
