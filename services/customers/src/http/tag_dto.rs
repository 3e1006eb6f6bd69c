//! Tags that are made, as JSON.

use scrm_http::Moment;
use scrm_kernel::{FieldError, TagWishId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::tag_wish::{State, TagWish, WantedTag};

/// A tag that the enterprise is to have.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTagIn)]
pub(super) struct NewTagIn {
    /// The name of its group, up to 30 characters; WeCom makes the group if it is missing.
    group_name: String,
    /// Its name, up to 30 characters; unique in the group.
    name: String,
    /// Higher comes first.
    #[serde(default)]
    order: Option<u32>,
}

impl NewTagIn {
    pub(super) fn parse(&self) -> Result<WantedTag, Vec<FieldError>> {
        WantedTag::parse(&self.group_name, &self.name, self.order)
    }
}

/// A tag that was wanted, and how far it is.
#[derive(Serialize, ToSchema)]
#[schema(as = NewTag)]
pub(super) struct NewTagOut {
    /// Ours: WeCom's id follows.
    id: TagWishId,
    group_name: String,
    name: String,
    order: Option<u32>,
    /// `waiting`, `made` or `refused`.
    state: &'static str,
    /// WeCom's id, once it is made.
    tag_id: Option<String>,
    /// Why WeCom refuses it, or did not answer the last time.
    problem: Option<String>,
    created_at: Moment,
}

impl From<TagWish> for NewTagOut {
    fn from(wish: TagWish) -> Self {
        let (state, tag_id, problem) = match wish.state {
            State::Waiting { problem } => ("waiting", None, problem),
            State::Calling { .. } => ("waiting", None, None),
            State::Made { tag } => ("made", Some(tag), None),
            State::Refused { problem } => ("refused", None, Some(problem)),
        };
        let WantedTag { group, name, order } = wish.tag;
        Self {
            id: wish.id,
            group_name: group,
            name,
            order,
            state,
            tag_id,
            problem,
            created_at: wish.created_at.into(),
        }
    }
}
