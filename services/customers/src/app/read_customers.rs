//! Reading customers, with their relations, tags and timeline.

use std::collections::HashMap;

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, Cursor, CustomerId, Page, PageRequest, RelationId, Scope};
use serde_json::Value;

use super::{App, CustomerFilter, Error};
use crate::domain::customer::Customer;
use crate::domain::happening::{TAGGED, UNTAGGED};
use crate::domain::record::Relation;
use crate::domain::tagging::{Mark, Tagging};
use crate::store;
use crate::store::tag::Named;
use crate::store::timeline::Entry;

/// A customer as people look at them.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerView {
    /// The customer.
    pub customer: Customer,
    /// The relations that the caller may see, ended ones too.
    pub relations: Vec<RelationView>,
}

/// A relation as people look at it.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationView {
    /// The relation.
    pub relation: Relation,
    /// The tags that it has, or is not rid of in WeCom yet.
    pub tags: Vec<TagView>,
}

/// A tag of a relation as people look at it.
#[derive(Debug, Clone, PartialEq)]
pub struct TagView {
    /// WeCom's id.
    pub id: String,
    /// What it is called; none when its name was not read yet.
    pub named: Option<Named>,
    /// What is wanted, and what WeCom has.
    pub mark: Mark,
}

/// Something that happened, as people look at it.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryView {
    /// What happened.
    pub entry: Entry,
    /// The name of the tag, if it is about one.
    pub tag_name: Option<String>,
}

impl App {
    /// Lists the customers whom `scope` sees, newest first.
    pub async fn customers(
        &self,
        actor: &Actor,
        filter: &CustomerFilter,
        page: &PageRequest,
    ) -> Result<Page<CustomerView>, Error> {
        let scope = &actor.scope(Action::ReadCustomers)?;
        let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
        let seen = store::staff::seen_by(self.db.reader(), scope).await?;
        let seen = seen.as_deref();
        let user = match &filter.user {
            Some(user) => Some(store::staff::present_id(self.db.reader(), scope.corp, user).await?),
            None => None,
        };
        let filter = &CustomerFilter { user, ..filter.clone() };
        let Page { items, next_cursor } =
            store::search::list(self.db.reader(), scope.corp, seen, filter, page, before).await?;
        Ok(Page { items: self.views(scope.corp, seen, items).await?, next_cursor })
    }

    /// Returns one customer.
    pub async fn customer(&self, actor: &Actor, id: CustomerId) -> Result<CustomerView, Error> {
        self.customer_within(&actor.scope(Action::ReadCustomers)?, id).await
    }

    pub(super) async fn customer_within(&self, scope: &Scope, id: CustomerId) -> Result<CustomerView, Error> {
        let seen = store::staff::seen_by(self.db.reader(), scope).await?;
        let seen = seen.as_deref();
        let customer = store::search::find(self.db.reader(), scope.corp, seen, id).await?;
        let customer = customer.ok_or(Error::CustomerNotFound(id))?;
        self.views(scope.corp, seen, vec![customer]).await?.pop().ok_or(Error::CustomerNotFound(id))
    }

    /// Lists what happened with a customer, newest first.
    pub async fn timeline(
        &self,
        actor: &Actor,
        id: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<EntryView>, Error> {
        let scope = &actor.scope(Action::ReadCustomers)?;
        let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
        let (reader, corp) = (self.db.reader(), scope.corp);
        let seen = store::staff::seen_by(reader, scope).await?;
        let seen = seen.as_deref();
        let customer = store::search::find(reader, corp, seen, id).await?;
        customer.ok_or(Error::CustomerNotFound(id))?;
        let page = store::timeline::list(reader, corp, id, seen, page, before).await?;
        let is_of_tag = |entry: &&Entry| [TAGGED, UNTAGGED].contains(&entry.kind.as_str());
        let tags = page.items.iter().filter(is_of_tag).map(|entry| entry.subject.clone());
        let names = store::tag::names(reader, corp, tags).await?;
        Ok(page.map(|entry| EntryView {
            tag_name: names.get(&entry.subject).map(|named| named.name.clone()),
            entry,
        }))
    }

    async fn views(
        &self,
        corp: CorpId,
        seen: Option<&[String]>,
        customers: Vec<Customer>,
    ) -> Result<Vec<CustomerView>, Error> {
        let reader = self.db.reader();
        let ids = customers.iter().map(|customer| customer.id);
        let mut relations = store::relation::of_customers(reader, corp, ids).await?;
        relations.retain(|relation| seen.is_none_or(|seen| seen.contains(&relation.user.folded())));
        let ids = relations.iter().map(|relation| relation.id);
        let taggings = store::mark::of_relations(reader, corp, ids).await?;
        let tags = taggings.values().flat_map(|tagging| tagging.marks.keys().cloned());
        let names = store::tag::names(reader, corp, tags).await?;
        let mut of_customer: HashMap<CustomerId, Vec<RelationView>> = HashMap::new();
        for relation in relations {
            let view = view_of(relation, &taggings, &names);
            of_customer.entry(view.relation.customer).or_default().push(view);
        }
        let view = |customer: Customer| CustomerView {
            relations: of_customer.remove(&customer.id).unwrap_or_default(),
            customer,
        };
        Ok(customers.into_iter().map(view).collect())
    }
}

/// Returns a relation with its tags.
fn view_of(
    relation: Relation,
    taggings: &HashMap<RelationId, Tagging>,
    names: &HashMap<String, Named>,
) -> RelationView {
    let marks = taggings.get(&relation.id).into_iter().flat_map(|tagging| &tagging.marks);
    let shown = marks.filter(|(_, mark)| mark.in_wecom || mark.wish.is_some());
    let tag = |(id, mark): (&String, &Mark)| TagView {
        id: id.clone(),
        named: names.get(id).cloned(),
        mark: mark.clone(),
    };
    RelationView { tags: shown.map(tag).collect(), relation }
}

impl EntryView {
    /// Returns what else is known, with the name of the tag.
    pub fn data(&self) -> Value {
        let mut data = self.entry.data.clone();
        if let (Some(name), Some(fields)) = (&self.tag_name, data.as_object_mut()) {
            fields.insert("tag_name".to_owned(), name.as_str().into());
        }
        data
    }
}
