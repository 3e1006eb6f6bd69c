//! A customer together with everybody who has, or had, them as contact.

use scrm_kernel::{CustomerId, RelationId, Timestamp, WecomUserId};

use super::customer::{Customer, Profile};
use super::standing::{End, Fact, RemovedBy, Standing};
use super::tag_sync::TagSync;

/// What a member noted of a customer, as the newest reading tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// The member's name for the customer.
    pub remark: String,
    /// How they met, WeCom's number; 0 unknown.
    pub add_way: i64,
    /// The `state` of the contact way.
    pub channel: String,
}

/// A customer and one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Our id.
    pub id: RelationId,
    /// Whose.
    pub customer: CustomerId,
    /// The member, in the spelling first told.
    pub user: WecomUserId,
    /// What was told of them.
    pub standing: Standing,
    /// What the member noted.
    pub notes: Notes,
    /// How it ended; none while they are contacts.
    pub end: Option<End>,
    /// Counts the changes of its tags.
    pub version: i64,
    /// How far WeCom has come with its tags.
    pub sync: TagSync,
    /// When we first heard of it.
    pub created_at: Timestamp,
}

impl Relation {
    /// Reports whether they are contacts.
    pub const fn is_present(&self) -> bool {
        self.end.is_none()
    }
}

/// What a reading lists of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The member.
    pub user: WecomUserId,
    /// When they became contacts.
    pub met_at: Option<Timestamp>,
    /// What the member noted.
    pub notes: Notes,
    /// WeCom's ids of the tags.
    pub tags: Vec<String>,
}

/// A customer as read from WeCom, with all members who have them as contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// When it was read.
    pub fact: Fact,
    /// Who they are.
    pub profile: Profile,
    /// Who has them as contact.
    pub listings: Vec<Listing>,
}

/// A customer with all relations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The customer.
    pub customer: Customer,
    /// The relations, ended ones too.
    pub relations: Vec<Relation>,
}

impl Record {
    /// Returns the relation with a member, which is made if there is none.
    pub fn relation(&mut self, user: &WecomUserId, now: Timestamp) -> &mut Relation {
        let known = self.relations.iter().position(|relation| relation.user == *user);
        let place = known.unwrap_or_else(|| {
            self.relations.push(Relation {
                id: RelationId::mint(now),
                customer: self.customer.id,
                user: user.clone(),
                standing: Standing::default(),
                notes: Notes::default(),
                end: Some(End { by: RemovedBy::Unknown, at: None }),
                version: 1,
                sync: TagSync::default(),
                created_at: now,
            });
            self.relations.len() - 1
        });
        &mut self.relations[place]
    }

    /// Makes one relation of two that are with one member, who was known by two ids: the second one is told of under the
    /// present id, and the first one stays.
    pub fn join(&mut self, kept: RelationId, joined: RelationId) {
        let place = self.relations.iter().position(|relation| relation.id == joined);
        let Some(joined) = place.map(|place| self.relations.remove(place)) else { return };
        let Some(kept) = self.relations.iter_mut().find(|relation| relation.id == kept) else { return };
        if kept.standing.join(joined.standing) {
            kept.notes = joined.notes;
        }
        kept.user = joined.user;
        kept.version = kept.version.max(joined.version);
        kept.created_at = kept.created_at.min(joined.created_at);
    }

    /// Takes in who the customer is; returns the fields that changed. Who has them is for [`Self::list`].
    pub fn read(&mut self, reading: &Reading) -> Vec<&'static str> {
        let customer = &mut self.customer;
        customer.read = customer.read.max(Some(reading.fact));
        if customer.profiled.is_some_and(|known| known > reading.fact) {
            return Vec::new();
        }
        let is_first = customer.profiled.replace(reading.fact).is_none();
        let before = std::mem::replace(&mut customer.profile, reading.profile.clone());
        if is_first { Vec::new() } else { before.changed_fields(&customer.profile) }
    }

    /// Takes in that a reading lists a member; returns the relation unless a newer reading did before.
    pub fn list(&mut self, fact: Fact, listing: &Listing, now: Timestamp) -> Option<&mut Relation> {
        let relation = self.relation(&listing.user, now);
        if !relation.standing.note_listed(fact, listing.met_at) {
            return None;
        }
        relation.notes.clone_from(&listing.notes);
        Some(relation)
    }

    /// Takes in that nobody had the customer as contact.
    pub fn gone(&mut self, fact: Fact) {
        self.customer.read = self.customer.read.max(Some(fact));
    }

    /// Works out who are contacts, and whether anybody is; counts what can be seen to have changed since `before`.
    #[must_use]
    pub fn settled(mut self, before: &Self, now: Timestamp) -> Self {
        let read = self.customer.read;
        for relation in &mut self.relations {
            relation.end = relation.standing.end(read);
        }
        self.customer.is_gone = !self.relations.iter().any(Relation::is_present);
        if self.shown() != before.shown() {
            self.customer.version += 1;
            self.customer.updated_at = now;
        }
        self
    }

    fn shown(&self) -> impl PartialEq + '_ {
        let customer = (&self.customer.profile, self.customer.profiled.is_some(), self.customer.is_gone);
        let of_relation = |relation: &'_ Relation| {
            (relation.id, relation.end, relation.standing.since(), relation.notes.clone())
        };
        (customer, self.relations.iter().map(of_relation).collect::<Vec<_>>())
    }
}
