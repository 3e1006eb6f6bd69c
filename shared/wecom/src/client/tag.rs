//! Tags of the enterprise (企业标签): the library, and tags on relations.

use scrm_kernel::{ExternalUserId, Timestamp, WecomUserId};
use serde::{Deserialize, Serialize};

use super::endpoint::{ADD_TAGS, MARK_TAGS, TAGS};
use super::error::CallError;
use super::reply::Done;
use super::{Speaker, lenient};

/// A tag of the library.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tag {
    /// WeCom's id.
    pub id: String,
    /// The name, unique in its group.
    #[serde(default)]
    pub name: String,
    /// When it was made.
    #[serde(default, rename = "create_time", deserialize_with = "lenient::moment")]
    pub created_at: Option<Timestamp>,
    /// Larger comes first.
    #[serde(default)]
    pub order: i64,
    /// Deleted tags appear only when asked for by id.
    #[serde(default, rename = "deleted")]
    pub is_deleted: bool,
}

/// A group of tags.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TagGroup {
    /// WeCom's id.
    #[serde(rename = "group_id")]
    pub id: String,
    /// The name.
    #[serde(default, rename = "group_name")]
    pub name: String,
    /// When it was made.
    #[serde(default, rename = "create_time", deserialize_with = "lenient::moment")]
    pub created_at: Option<Timestamp>,
    /// Larger comes first.
    #[serde(default)]
    pub order: i64,
    /// Deleted groups appear only when asked for by id.
    #[serde(default, rename = "deleted")]
    pub is_deleted: bool,
    /// Its tags; in the answer to an addition only the new ones.
    #[serde(default, rename = "tag", deserialize_with = "lenient::rows")]
    pub tags: Vec<Tag>,
}

/// Which tags to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagFilter {
    /// The whole library.
    All,
    /// These tags, deleted ones too.
    Tags(Vec<String>),
    /// These groups, deleted ones too.
    Groups(Vec<String>),
}

/// Where new tags go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum TagGroupRef {
    /// Into a group that exists.
    #[serde(rename = "group_id")]
    Id(String),
    /// Into the group of this name, which is made when there is none.
    #[serde(rename = "group_name")]
    Name(String),
}

/// A tag to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewTag {
    /// The name, up to 30 characters.
    pub name: String,
    /// Larger comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
}

/// Tags to add; WeCom refuses all when one of their names is taken (40071).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewTags {
    /// Their group.
    #[serde(flatten)]
    pub group: TagGroupRef,
    /// The tags, at least one.
    #[serde(rename = "tag")]
    pub tags: Vec<NewTag>,
}

/// Which tags a relation should have more, and which no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MarkTags {
    /// The member.
    #[serde(rename = "userid")]
    pub user: WecomUserId,
    /// The customer.
    #[serde(rename = "external_userid")]
    pub customer: ExternalUserId,
    /// Ids of tags to put on.
    #[serde(rename = "add_tag", skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Ids of tags to take off.
    #[serde(rename = "remove_tag", skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

#[derive(Default, Serialize)]
struct TagsBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_id: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<&'a [String]>,
}

#[derive(Deserialize)]
struct TagsReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    tag_group: Vec<TagGroup>,
}

#[derive(Deserialize)]
struct AddedReply {
    tag_group: TagGroup,
}

impl Speaker {
    /// Lists tags by group (`externalcontact/get_corp_tag_list`). An empty list of ids gives nothing, not all.
    pub async fn tags(&self, filter: &TagFilter) -> Result<Vec<TagGroup>, CallError> {
        let body = match filter {
            TagFilter::All => TagsBody::default(),
            // WeCom takes an empty list for «all».
            TagFilter::Tags(ids) | TagFilter::Groups(ids) if ids.is_empty() => return Ok(Vec::new()),
            TagFilter::Tags(ids) => TagsBody { tag_id: Some(ids), ..TagsBody::default() },
            TagFilter::Groups(ids) => TagsBody { group_id: Some(ids), ..TagsBody::default() },
        };
        let reply: TagsReply = self.post(&TAGS, &body).await?;
        Ok(reply.tag_group)
    }

    /// Adds tags to the library (`externalcontact/add_corp_tag`); returns the group with the new ones only.
    ///
    /// When it ends unclear, read the library and adopt what has the name.
    pub async fn add_tags(&self, tags: &NewTags) -> Result<TagGroup, CallError> {
        let reply: AddedReply = self.post(&ADD_TAGS, tags).await?;
        Ok(reply.tag_group)
    }

    /// Puts tags on a relation and takes others off (`externalcontact/mark_tag`). States what should be: may be
    /// repeated. Calls nobody when there is nothing to change. WeCom sends no event about it.
    pub async fn mark_tags(&self, mark: &MarkTags) -> Result<(), CallError> {
        if mark.add.is_empty() && mark.remove.is_empty() {
            return Ok(());
        }
        self.post::<Done>(&MARK_TAGS, mark).await.map(drop)
    }
}
