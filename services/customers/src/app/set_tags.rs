//! What people want of a relation's tags.

use std::collections::{BTreeSet, HashMap};

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, CustomerId, FieldError, Scope, WecomUserId};
use scrm_proto::customers::v1::RelationTagsWanted;
use sea_orm::DbErr;

use super::read_customers::RelationView;
use super::{App, Error};
use crate::domain::customer::Customer;
use crate::domain::record::Relation;
use crate::domain::tagging::Tagging;
use crate::store;
use crate::store::tag::Named;

/// Tags of one relation at most, set in one go (WeCom allows 3000 in all).
const MOST_TAGS: usize = 300;

impl App {
    /// Wants a relation whose tags still are as in `version` to have these tags and no others.
    pub async fn set_tags(
        &self,
        actor: &Actor,
        id: CustomerId,
        member: &WecomUserId,
        version: i64,
        tags: Vec<String>,
    ) -> Result<RelationView, Error> {
        let scope = &actor.scope(Action::TagCustomers)?;
        let (corp, reader) = (scope.corp, self.db.reader());
        let seen = store::staff::seen_by(reader, scope).await?;
        let seen = seen.as_deref();
        store::search::find(reader, corp, seen, id).await?.ok_or(Error::CustomerNotFound(id))?;
        let member = &store::staff::present_id(reader, corp, member).await?;
        if seen.is_some_and(|seen| !seen.contains(&member.folded())) {
            return Err(Error::RelationNotFound(member.clone()));
        }

        let txn = self.db.begin().await?;
        let customer = store::customer::lock(&txn, corp, id).await?.ok_or(Error::CustomerNotFound(id))?;
        let relations = store::relation::of_customers(&txn, corp, [id]).await?;
        let relation = relations.into_iter().find(|relation| relation.user == *member);
        let mut relation = relation.ok_or_else(|| Error::RelationNotFound(member.clone()))?;
        if !relation.is_present() {
            return Err(Error::RelationEnded(member.clone()));
        }
        if relation.version != version {
            return Err(Error::TagsChanged(relation.version));
        }
        let before = store::mark::of(&txn, corp, relation.id).await?;
        let names = store::tag::names(&txn, corp, tags.clone()).await?;
        let tags = checked(tags, &names, &before).map_err(Error::InvalidFields)?;
        let mut after = before.clone();
        after.want_exactly(&tags, txn.now());
        let cause = Cause::here(txn.now());
        change_in(&txn, &customer, &mut relation, &before, &after, &cause).await?;
        txn.commit().await?;
        self.relation(scope, id, member).await
    }

    async fn relation(
        &self,
        scope: &Scope,
        id: CustomerId,
        member: &WecomUserId,
    ) -> Result<RelationView, Error> {
        let view = self.customer_within(scope, id).await?;
        let mut relations = view.relations.into_iter();
        let relation = relations.find(|view| view.relation.user == *member);
        relation.ok_or_else(|| Error::RelationNotFound(member.clone()))
    }
}

/// Writes the tags that are wanted of a locked customer's relation, and asks for the call that brings them to WeCom.
pub(super) async fn change_in(
    txn: &Txn,
    customer: &Customer,
    relation: &mut Relation,
    before: &Tagging,
    after: &Tagging,
    cause: &Cause,
) -> Result<(), DbErr> {
    if after == before {
        return Ok(());
    }
    store::mark::save(txn, customer.corp, relation.id, before, after).await?;
    if after.on() != before.on() {
        relation.version += 1;
    }
    let is_asked = !after.due().is_empty() && relation.sync.want(txn.now());
    store::relation::save_all(txn, customer.corp, &[&*relation]).await?;
    if is_asked { ask(txn, customer, relation, cause).await } else { Ok(()) }
}

/// Asks for the call that brings a relation's tags to WeCom, with the transaction that makes it due.
pub(super) async fn ask(
    txn: &Txn,
    customer: &Customer,
    relation: &Relation,
    cause: &Cause,
) -> Result<(), DbErr> {
    let corp: CorpId = customer.corp;
    let event = RelationTagsWanted {
        corp_id: corp.to_string(),
        relation_id: relation.id.to_string(),
        customer_id: customer.id.to_string(),
        external_user_id: customer.person.as_str().to_owned(),
        user_id: relation.user.as_str().to_owned(),
    };
    outbox::put(txn, corp, cause, &event).await?;
    Ok(())
}

/// Returns the tags as a set; refuses those that the enterprise does not have, unless the relation has them already.
fn checked(
    tags: Vec<String>,
    names: &HashMap<String, Named>,
    before: &Tagging,
) -> Result<BTreeSet<String>, Vec<FieldError>> {
    if tags.len() > MOST_TAGS {
        return Err(vec![FieldError::new("tag_ids", format!("must name {MOST_TAGS} tags at most"))]);
    }
    let has = before.on();
    let is_known = |tag: &str| has.contains(tag) || names.get(tag).is_some_and(|named| !named.is_gone);
    let wrong = tags.iter().enumerate().filter(|(_, tag)| !is_known(tag));
    let wrong = wrong.map(|(i, _)| FieldError::new(format!("tag_ids[{i}]"), "is no tag of the enterprise"));
    let wrong: Vec<_> = wrong.collect();
    if wrong.is_empty() { Ok(tags.into_iter().collect()) } else { Err(wrong) }
}
