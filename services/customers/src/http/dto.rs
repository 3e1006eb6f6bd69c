//! What goes in and comes out, as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, CustomerId, Page, TimelineId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::app::{CustomerView, EntryView, Group, RelationView, TagView};

/// Which customers are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomersIn {
    /// A part of the name, or of a member's remark, in any case.
    pub(super) q: Option<String>,
    /// WeCom's id of a tag.
    pub(super) tag: Option<String>,
    /// WeCom's id of a member.
    pub(super) user_id: Option<String>,
    /// `present`, also when absent: somebody has them as contact; `gone`: nobody does any more.
    pub(super) state: Option<String>,
    /// WeCom's id of the customer.
    pub(super) external_user_id: Option<String>,
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// Which page is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PageIn {
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// The tags that a relation is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RelationTagsIn)]
pub(super) struct TagsIn {
    /// WeCom's ids, up to 300; the relation loses every other tag.
    tag_ids: Vec<String>,
}

impl TagsIn {
    /// Returns the ids.
    pub(super) fn tag_ids(self) -> Vec<String> {
        // A zero character is in no id, and PostgreSQL does not even compare it.
        self.tag_ids.into_iter().map(|tag| tag.replace('\0', "?")).collect()
    }
}

/// A customer.
#[derive(Serialize, ToSchema)]
#[schema(as = Customer)]
pub(super) struct CustomerOut {
    id: CustomerId,
    /// WeCom's id.
    external_user_id: String,
    /// Null until it was read, or while WeCom withholds it.
    name: Option<String>,
    /// `wechat`, `wecom` (another enterprise's) or `unknown`.
    r#type: &'static str,
    /// `male`, `female` or `unknown`.
    gender: &'static str,
    /// The address of the picture.
    avatar: Option<String>,
    /// WeChat's id across apps.
    unionid: Option<String>,
    /// The enterprise that the customer works for; of type `wecom` only.
    corp_name: Option<String>,
    /// The customer's position there.
    position: Option<String>,
    /// `present`: somebody has them as contact; `gone`: nobody does any more.
    state: &'static str,
    /// `pending` until the customer was read from WeCom, then `complete`.
    profile: &'static str,
    /// Everybody who has, or had, them as contact.
    relations: Vec<RelationOut>,
    /// Counts the changes that can be seen.
    version: i64,
    /// When we first heard of them.
    created_at: Moment,
    updated_at: Moment,
}

/// A customer and one member.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerRelation)]
pub(super) struct RelationOut {
    /// WeCom's id of the member.
    user_id: String,
    /// `present` or `ended`.
    state: &'static str,
    /// Since when they are, or were last, contacts; null when nobody told.
    added_at: Option<Moment>,
    /// `member`, `customer`, `transfer`, or `unknown` when WeCom just does not show it any more; null while they are
    /// contacts.
    ended_by: Option<&'static str>,
    /// Null also when nobody told.
    ended_at: Option<Moment>,
    /// The member's name for the customer.
    remark: Option<String>,
    /// How they met, WeCom's number; 0 unknown.
    add_way: i64,
    /// The `state` of the contact way.
    channel: Option<String>,
    tags: Vec<TagOut>,
    sync: SyncOut,
    /// Counts the changes of the tags: for `If-Match` when they are set.
    version: i64,
}

/// A tag of a relation.
#[derive(Serialize, ToSchema)]
#[schema(as = RelationTag)]
struct TagOut {
    /// WeCom's id.
    id: String,
    /// Null when WeCom's list with this tag was not read yet.
    name: Option<String>,
    group_name: Option<String>,
    /// False while the tag is still to be taken off in WeCom.
    is_wanted: bool,
    /// Whether WeCom has it, as far as is known.
    in_wecom: bool,
    /// `synced`: WeCom has what is wanted; `waiting`; `refused`: WeCom does not take it.
    state: &'static str,
    /// Why WeCom does not take it.
    problem: Option<String>,
}

/// How far WeCom has come with the tags of a relation.
#[derive(Serialize, ToSchema)]
#[schema(as = RelationTagSync)]
struct SyncOut {
    /// `synced`: no call is due; `waiting`, `calling`: one is due or on its way.
    state: &'static str,
    /// Why it has to be repeated.
    problem: Option<String>,
}

fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl From<TagView> for TagOut {
    fn from(view: TagView) -> Self {
        let TagView { id, named, mark } = view;
        let (name, group_name) = named.map(|named| (named.name, named.group)).unzip();
        let is_wanted = mark.is_on();
        let state = match &mark.wish {
            None => "synced",
            Some(wish) if wish.refusal.is_some() => "refused",
            Some(_) => "waiting",
        };
        let problem = mark.wish.and_then(|wish| wish.refusal);
        Self { id, name, group_name, is_wanted, in_wecom: mark.in_wecom, state, problem }
    }
}

impl From<RelationView> for RelationOut {
    fn from(view: RelationView) -> Self {
        let RelationView { relation, tags } = view;
        Self {
            user_id: relation.user.as_str().to_owned(),
            state: if relation.is_present() { "present" } else { "ended" },
            added_at: relation.standing.since().map(Moment::from),
            ended_by: relation.end.map(|end| end.by.as_str()),
            ended_at: relation.end.and_then(|end| end.at).map(Moment::from),
            remark: said(relation.notes.remark),
            add_way: relation.notes.add_way,
            channel: said(relation.notes.channel),
            tags: tags.into_iter().map(TagOut::from).collect(),
            sync: SyncOut { state: relation.sync.state.as_str(), problem: relation.sync.problem },
            version: relation.version,
        }
    }
}

impl From<CustomerView> for CustomerOut {
    fn from(view: CustomerView) -> Self {
        let CustomerView { customer, relations } = view;
        let profile = customer.profile;
        Self {
            id: customer.id,
            external_user_id: customer.person.into(),
            name: said(profile.name),
            r#type: profile.kind.as_str(),
            gender: profile.gender.as_str(),
            avatar: said(profile.avatar),
            unionid: said(profile.unionid),
            corp_name: said(profile.corp_name),
            position: said(profile.position),
            state: if customer.is_gone { "gone" } else { "present" },
            profile: if customer.profiled.is_some() { "complete" } else { "pending" },
            relations: relations.into_iter().map(RelationOut::from).collect(),
            version: customer.version,
            created_at: customer.created_at.into(),
            updated_at: customer.updated_at.into(),
        }
    }
}

/// A page of customers.
#[derive(Serialize, ToSchema)]
#[schema(as = Customers)]
pub(super) struct CustomersOut {
    items: Vec<CustomerOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<CustomerView>> for CustomersOut {
    fn from(page: Page<CustomerView>) -> Self {
        let Page { items, next_cursor } = page.map(CustomerOut::from);
        Self { items, next_cursor }
    }
}

/// Something that happened with a customer.
#[derive(Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
struct EntryOut {
    id: TimelineId,
    at: Moment,
    /// `added`; `removed_by_member`, `removed_by_customer`, `removed_by_transfer`, `removed`; `came_by_channel`;
    /// `profile_changed`; `tagged`, `untagged`.
    kind: String,
    /// WeCom's id of the member; null when it is about the customer alone.
    user_id: Option<String>,
    /// What else is known: `channel_id` and `channel_name`, `fields`, or `tag_id` and `tag_name`.
    data: Value,
}

/// A page of a timeline.
#[derive(Serialize, ToSchema)]
#[schema(as = Timeline)]
pub(super) struct TimelineOut {
    items: Vec<EntryOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<EntryView>> for TimelineOut {
    fn from(page: Page<EntryView>) -> Self {
        let Page { items, next_cursor } = page.map(|view| EntryOut {
            data: view.data(),
            id: view.entry.id,
            at: view.entry.at.into(),
            kind: view.entry.kind,
            user_id: view.entry.user,
        });
        Self { items, next_cursor }
    }
}

/// A group of tags.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerTagGroup)]
struct GroupOut {
    /// WeCom's id.
    id: String,
    name: String,
    tags: Vec<GroupTagOut>,
}

/// A tag of a group.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerTag)]
struct GroupTagOut {
    /// WeCom's id.
    id: String,
    name: String,
}

/// All groups of tags.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerTagGroups)]
pub(super) struct TagGroupsOut {
    items: Vec<GroupOut>,
    /// Always null: an enterprise has 10,000 tags at most, and all are in one page.
    next_cursor: Option<Cursor>,
}

impl From<Vec<Group>> for TagGroupsOut {
    fn from(groups: Vec<Group>) -> Self {
        let group = |group: Group| {
            let tags = group.tags.into_iter().map(|tag| GroupTagOut { id: tag.id, name: tag.name });
            GroupOut { id: group.id, name: group.name, tags: tags.collect() }
        };
        Self { items: groups.into_iter().map(group).collect(), next_cursor: None }
    }
}
