//! Customers (客户) and their relations with members.

use scrm_kernel::{ExternalUserId, Timestamp, WecomUserId};
use serde::{Deserialize, Serialize};

use super::endpoint::{CUSTOMER, CUSTOMERS, FOLLOWING_MEMBERS, RELATIONS, REMARK};
use super::error::CallError;
use super::page::{self, Chunk, Items, Trail};
use super::reply::Done;
use super::{Speaker, lenient, prints_nothing};

/// Rows of a page of `batch/get_by_user` at most.
const MOST_ROWS: u32 = 100;
/// WeCom's code for «no relation»; of a list it means that the list is empty.
const NO_RELATION: i64 = 84061;

/// A customer, as WeCom tells it to everybody.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ExternalContact {
    /// The customer's id; its space depends on the app (WeCom document 92114).
    #[serde(rename = "external_userid")]
    pub id: ExternalUserId,
    /// The name; may be withheld from third-party apps.
    #[serde(default)]
    pub name: String,
    /// 1 of WeChat, 2 of another enterprise's WeCom.
    #[serde(rename = "type")]
    pub kind: Option<i64>,
    /// 0 unknown, 1 male, 2 female.
    #[serde(default, deserialize_with = "lenient::number")]
    pub gender: Option<i64>,
    /// The address of the picture.
    pub avatar: Option<String>,
    /// WeChat's id across apps; only when the enterprise bound a developer account.
    pub unionid: Option<String>,
    /// The job title; of kind 2 only.
    pub position: Option<String>,
    /// The short name of the enterprise; of kind 2 only.
    pub corp_name: Option<String>,
    /// The full name of the enterprise; of kind 2 only.
    pub corp_full_name: Option<String>,
}

/// A tag on a relation, as `externalcontact/get` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FollowerTag {
    /// The id; a personal tag has none.
    #[serde(rename = "tag_id")]
    pub id: Option<String>,
    /// The tag's name.
    #[serde(default, rename = "tag_name")]
    pub name: String,
    /// The group's name.
    #[serde(default)]
    pub group_name: String,
    /// 1 of the enterprise, 2 personal, 3 of a rule group.
    #[serde(rename = "type")]
    pub kind: Option<i64>,
}

/// What one member has noted about one customer.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Follower {
    /// The member.
    #[serde(rename = "userid")]
    pub user: WecomUserId,
    /// The member's name for the customer.
    pub remark: Option<String>,
    /// A longer note.
    pub description: Option<String>,
    /// When they were connected.
    #[serde(default, rename = "createtime", deserialize_with = "lenient::moment")]
    pub created_at: Option<Timestamp>,
    /// Tags with their names, from `externalcontact/get`.
    #[serde(default, deserialize_with = "lenient::rows")]
    pub tags: Vec<FollowerTag>,
    /// Ids of tags of the enterprise, from `batch/get_by_user`.
    #[serde(default, deserialize_with = "lenient::rows")]
    pub tag_id: Vec<String>,
    /// The member's note of the customer's enterprise.
    pub remark_corp_name: Option<String>,
    /// The member's note of telephone numbers.
    #[serde(default, deserialize_with = "lenient::rows")]
    pub remark_mobiles: Vec<String>,
    /// Who began: the member, the customer, or who shared the customer.
    #[serde(rename = "oper_userid")]
    pub operator: Option<String>,
    /// How they met; WeCom adds numbers, so unknown ones are kept.
    #[serde(default, deserialize_with = "lenient::number")]
    pub add_way: Option<i64>,
    /// The `state` of the contact way or link they met through.
    pub state: Option<String>,
}

impl Follower {
    /// Returns the ids of the enterprise's tags (kind 1), from whichever call.
    pub fn corp_tag_ids(&self) -> impl Iterator<Item = &str> {
        let named = self.tags.iter().filter(|tag| tag.kind == Some(1)).filter_map(|tag| tag.id.as_deref());
        named.chain(self.tag_id.iter().map(String::as_str))
    }
}

/// A customer with everybody who knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    /// The customer.
    pub contact: ExternalContact,
    /// The members whom the app may see.
    pub followers: Vec<Follower>,
}

/// One customer of one member.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Relation {
    /// The customer.
    #[serde(rename = "external_contact")]
    pub contact: ExternalContact,
    /// The member and what the member noted.
    #[serde(rename = "follow_info")]
    pub follower: Follower,
}

/// What a member's notes about a customer should be; `None` leaves as it is.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The member.
    #[serde(rename = "userid")]
    pub user: WecomUserId,
    /// The customer.
    #[serde(rename = "external_userid")]
    pub customer: ExternalUserId,
    /// The member's name for the customer, up to 20 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// A longer note, up to 150 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The customer's enterprise, up to 20 characters.
    #[serde(skip_serializing_if = "Option::is_none", rename = "remark_company")]
    pub company: Option<String>,
    /// Telephone numbers; replaces all of them, also by none.
    #[serde(skip_serializing_if = "Option::is_none", rename = "remark_mobiles", serialize_with = "mobiles")]
    pub mobiles: Option<Vec<String>>,
}

prints_nothing!(ExternalContact, Follower, Customer, Relation, Remark);

/// WeCom takes `[""]` for «none» and an empty list for «unchanged» (WeCom document 92115).
#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn mobiles<S: serde::Serializer>(mobiles: &Option<Vec<String>>, serializer: S) -> Result<S::Ok, S::Error> {
    match mobiles.as_deref() {
        None | Some([]) => [""].serialize(serializer),
        Some(some) => some.serialize(serializer),
    }
}

#[derive(Deserialize)]
struct MembersReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    follow_user: Vec<WecomUserId>,
}

#[derive(Deserialize)]
struct CustomersReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    external_userid: Vec<ExternalUserId>,
}

#[derive(Deserialize)]
struct CustomerReply {
    external_contact: ExternalContact,
    #[serde(default, deserialize_with = "lenient::rows")]
    follow_user: Vec<Follower>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct RelationsBody<'a> {
    userid_list: &'a [WecomUserId],
    cursor: &'a str,
    limit: u32,
}

#[derive(Default, Deserialize)]
struct RelationsReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    external_contact_list: Vec<Relation>,
    next_cursor: Option<String>,
}

impl Speaker {
    /// Lists the members who may have customers and whom the app sees (`externalcontact/get_follow_user_list`).
    pub async fn following_members(&self) -> Result<Vec<WecomUserId>, CallError> {
        let reply: MembersReply = self.get(&FOLLOWING_MEMBERS, Vec::new()).await?;
        Ok(reply.follow_user)
    }

    /// Lists the customers of a member (`externalcontact/list`); WeCom's 84061 is the empty list.
    pub async fn customers_of(&self, user: &WecomUserId) -> Result<Vec<ExternalUserId>, CallError> {
        let query = vec![("userid", user.as_str().to_owned())];
        match self.get::<CustomersReply>(&CUSTOMERS, query).await {
            Ok(reply) => Ok(reply.external_userid),
            Err(error) if error.errcode() == Some(NO_RELATION) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Returns a customer with all its followers, however many pages they fill (`externalcontact/get`).
    pub async fn customer(&self, customer: &ExternalUserId) -> Result<Customer, CallError> {
        let mut trail = Trail::default();
        let mut followers = Vec::new();
        let mut cursor = None;
        loop {
            let mut query = vec![("external_userid", customer.as_str().to_owned())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let reply: CustomerReply = self.get(&CUSTOMER, query).await?;
            followers.extend(reply.follow_user);
            cursor = trail.follow(reply.next_cursor)?;
            if cursor.is_none() {
                return Ok(Customer { contact: reply.external_contact, followers });
            }
        }
    }

    /// Lists all relations of up to 100 members (`externalcontact/batch/get_by_user`), the fastest way to see all.
    ///
    /// More than 100 members are refused by WeCom (40031 or 40032).
    pub fn relations_of(&self, users: Vec<WecomUserId>) -> Items<Relation> {
        let speaker = self.clone();
        let users: std::sync::Arc<[WecomUserId]> = users.into();
        page::items(move |cursor| {
            let (speaker, users) = (speaker.clone(), users.clone());
            async move {
                let body = RelationsBody { userid_list: &users, cursor: &cursor, limit: MOST_ROWS };
                let reply = match speaker.post::<RelationsReply>(&RELATIONS, &body).await {
                    Err(error) if error.errcode() == Some(NO_RELATION) => RelationsReply::default(),
                    reply => reply?,
                };
                Ok(Chunk { rows: reply.external_contact_list, next: reply.next_cursor })
            }
        })
    }

    /// Sets a member's notes about a customer (`externalcontact/remark`). States what should be: may be repeated.
    pub async fn set_remark(&self, remark: &Remark) -> Result<(), CallError> {
        self.post::<Done>(&REMARK, remark).await.map(drop)
    }
}
