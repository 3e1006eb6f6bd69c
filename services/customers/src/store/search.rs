//! Finding customers.

use scrm_kernel::{CorpId, CustomerId, ExternalUserId, Page, PageRequest, WecomUserId};
use sea_orm::sea_query::{Expr, ExprTrait as _, LikeExpr, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::{customer, relation, relation_tag};
use crate::domain::customer::Customer;

/// Whether customers are looked for who still are, or who were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// Somebody has them as contact.
    #[default]
    Present,
    /// Nobody does any more.
    Gone,
}

/// Which customers are asked for.
#[derive(Debug, Clone, Default)]
pub struct CustomerFilter {
    /// A part of the name or of a remark, in any case.
    pub words: Option<String>,
    /// Those who have this tag.
    pub tag: Option<String>,
    /// Those whom this member has, or had if they are gone.
    pub user: Option<WecomUserId>,
    /// Present or gone.
    pub presence: Presence,
    /// The one with this id of WeCom's.
    pub person: Option<ExternalUserId>,
}

/// Returns the customers who have a relation as asked for; none when every customer will do. All conditions are on one
/// relation: the tag is that of the member who is asked for.
fn related(corp: CorpId, filter: &CustomerFilter, seen: Option<&[String]>) -> Option<SelectStatement> {
    let mut conditions = Condition::all();
    if let Some(seen) = seen {
        conditions = conditions.add(relation::Column::UserKey.is_in(seen));
    }
    if let Some(user) = &filter.user {
        conditions = conditions.add(relation::Column::UserKey.eq(user.folded()));
    }
    if let Some(tag) = &filter.tag {
        let tagged = Query::select()
            .column(relation_tag::Column::RelationId)
            .from(relation_tag::Entity)
            .and_where(relation_tag::Column::CorpId.eq(corp))
            .and_where(relation_tag::Column::TagId.eq(tag.as_str()))
            .and_where(relation_tag::Column::IsOn.eq(true))
            .to_owned();
        conditions = conditions.add(relation::Column::Id.in_subquery(tagged));
    }
    if conditions.is_empty() {
        return None;
    }
    if filter.presence == Presence::Present {
        conditions = conditions.add(relation::Column::IsPresent.eq(true));
    }
    Some(customers_with(corp, conditions))
}

fn customers_with(corp: CorpId, conditions: Condition) -> SelectStatement {
    Query::select()
        .column(relation::Column::CustomerId)
        .from(relation::Entity)
        .and_where(relation::Column::CorpId.eq(corp))
        .cond_where(conditions)
        .to_owned()
}

/// Customers whose name holds `words`, or a remark of a member who is seen.
fn called(corp: CorpId, words: &str, seen: Option<&[String]>) -> Condition {
    let words = words.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern = || LikeExpr::new(format!("%{words}%")).escape('\\');
    let remarked = Condition::all()
        .add(Expr::col(relation::Column::RemarkKey).like(pattern()))
        .add_option(seen.map(|seen| relation::Column::UserKey.is_in(seen)));
    Condition::any()
        .add(Expr::col((customer::Entity, customer::Column::NameKey)).like(pattern()))
        .add(customer::Column::Id.in_subquery(customers_with(corp, remarked)))
}

/// Lists customers, newest first; `seen` are the members whose customers may be shown, and `before` is the last one of
/// the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    seen: Option<&[String]>,
    filter: &CustomerFilter,
    page: &PageRequest,
    before: Option<CustomerId>,
) -> Result<Page<Customer>, DbErr> {
    let related = related(corp, filter, seen).map(|related| customer::Column::Id.in_subquery(related));
    let person = filter.person.as_ref().map(|person| customer::Column::ExternalUserId.eq(person.as_str()));
    let words = filter.words.as_deref().map(|words| called(corp, words, seen));
    let rows = customer::Entity::find()
        .filter(customer::Column::CorpId.eq(corp))
        .filter(customer::Column::IsGone.eq(filter.presence == Presence::Gone))
        .filter(Condition::all().add_option(related).add_option(person).add_option(words))
        .filter(Condition::all().add_option(before.map(|before| customer::Column::Id.lt(before))))
        .order_by_desc(customer::Column::Id)
        .limit(page.limit + 1)
        .all(connection)
        .await?;
    let customers = rows.into_iter().map(Customer::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(customers, page.limit, |customer| customer.id))
}

/// Returns a customer, if one of the members who may be seen has, or had, them as contact.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    seen: Option<&[String]>,
    id: CustomerId,
) -> Result<Option<Customer>, DbErr> {
    let of_seen = seen.map(|seen| {
        let seen = Condition::all().add(relation::Column::UserKey.is_in(seen));
        customer::Column::Id.in_subquery(customers_with(corp, seen))
    });
    let row = customer::Entity::find_by_id(id)
        .filter(customer::Column::CorpId.eq(corp))
        .filter(Condition::all().add_option(of_seen))
        .one(connection)
        .await?;
    row.map(Customer::try_from).transpose()
}
