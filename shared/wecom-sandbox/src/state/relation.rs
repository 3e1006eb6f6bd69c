//! Who knows whom: the relation of a member and a customer.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::book::folded;

/// How many of the newest relations are remembered in their order.
const RECENT: usize = 100;

/// How a relation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// Both have each other.
    Friends,
    /// The customer has deleted the member, who can still read the relation.
    LeftByCustomer,
    /// The member has deleted the customer, or the customer went to another member.
    Over,
}

/// What a member knows about a customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Relation {
    pub(crate) user_id: String,
    pub(crate) external_user_id: String,
    pub(crate) standing: Standing,
    /// Seconds since 1970, as WeCom's `createtime`.
    pub(crate) created_at: i64,
    pub(crate) add_way: u32,
    pub(crate) state: Option<String>,
    pub(crate) oper_user_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) remark: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) remark_company: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remark_mobiles: Vec<String>,
    /// Whether the customer has agreed that chats with this member are archived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) agreed: bool,
    /// Ids of the corp's tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
}

impl Relation {
    /// Says whether the API still shows it.
    pub(crate) fn is_readable(&self) -> bool {
        self.standing != Standing::Over
    }
}

/// All relations, found from either side.
#[derive(Default)]
pub(crate) struct Relations {
    by_customer: HashMap<String, Vec<Relation>>,
    /// The customers a member ever had, by the folded userid, in the order of the first meeting.
    by_member: HashMap<String, Vec<String>>,
    /// How many customers a member has at present, by the folded userid.
    friends: HashMap<String, usize>,
    /// Customer and userid of the newest relations, the newest last.
    recent: VecDeque<(String, String)>,
}

impl Relations {
    pub(super) fn apply(&mut self, relation: Relation) {
        let followers = self.by_customer.entry(relation.external_user_id.clone()).or_default();
        let known = followers.iter_mut().find(|known| known.user_id.eq_ignore_ascii_case(&relation.user_id));
        let friends = self.friends.entry(folded(&relation.user_id)).or_default();
        *friends += usize::from(relation.standing == Standing::Friends);
        if let Some(known) = known {
            *friends -= usize::from(known.standing == Standing::Friends);
            *known = relation;
            return;
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((relation.external_user_id.clone(), relation.user_id.clone()));
        let customers = self.by_member.entry(folded(&relation.user_id)).or_default();
        customers.push(relation.external_user_id.clone());
        followers.push(relation);
    }

    /// Moves all relations of a member to another userid.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let customers = self.by_member.remove(&folded(from)).unwrap_or_default();
        for customer in &customers {
            let followers = self.by_customer.get_mut(customer).map(Vec::as_mut_slice).unwrap_or_default();
            for relation in followers.iter_mut().filter(|known| known.user_id.eq_ignore_ascii_case(from)) {
                to.clone_into(&mut relation.user_id);
            }
        }
        self.by_member.entry(folded(to)).or_default().extend(customers);
        let friends = self.friends.remove(&folded(from)).unwrap_or_default();
        *self.friends.entry(folded(to)).or_default() += friends;
        for (_, user_id) in self.recent.iter_mut().filter(|(_, known)| known.eq_ignore_ascii_case(from)) {
            to.clone_into(user_id);
        }
    }

    /// Returns all relations so that replaying them keeps every member's order.
    pub(super) fn snapshot(&self) -> impl Iterator<Item = &Relation> {
        self.by_member.iter().flat_map(move |(user_id, customers)| {
            customers.iter().filter_map(move |customer| self.any(user_id, customer))
        })
    }

    /// Counts the customers who have, or ever had, a member.
    pub(crate) fn customers(&self) -> usize {
        self.by_customer.len()
    }

    /// Counts the customers a member has at present.
    pub(crate) fn friends(&self, user_id: &str) -> usize {
        self.friends.get(&folded(user_id)).copied().unwrap_or_default()
    }

    /// Returns the newest relations, also those that are over, the newest first.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &Relation> {
        self.recent.iter().rev().filter_map(|(customer, user_id)| self.any(user_id, customer))
    }

    fn any(&self, user_id: &str, external_user_id: &str) -> Option<&Relation> {
        let followers = self.by_customer.get(external_user_id)?;
        followers.iter().find(|relation| relation.user_id.eq_ignore_ascii_case(user_id))
    }

    /// Finds a relation that the API shows.
    pub(crate) fn find(&self, user_id: &str, external_user_id: &str) -> Option<&Relation> {
        self.any(user_id, external_user_id).filter(|relation| relation.is_readable())
    }

    /// Returns the relations of a customer that the API shows.
    pub(crate) fn followers(&self, external_user_id: &str) -> impl Iterator<Item = &Relation> {
        let followers = self.by_customer.get(external_user_id).map(Vec::as_slice).unwrap_or_default();
        followers.iter().filter(|relation| relation.is_readable())
    }

    /// Returns the relations of a member that the API shows, each with its place, from place `from` on.
    pub(crate) fn of_member(&self, user_id: &str, from: usize) -> impl Iterator<Item = (usize, &Relation)> {
        let customers = self.by_member.get(&folded(user_id)).map(Vec::as_slice).unwrap_or_default();
        let user_id = user_id.to_owned();
        customers
            .iter()
            .enumerate()
            .skip(from)
            .filter_map(move |(place, customer)| Some((place, self.find(&user_id, customer)?)))
    }
}
