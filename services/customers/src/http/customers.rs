//! Customers.

use actix_web::get;
use actix_web::web::{Data, Json, Path, Query};
use scrm_http::{Caller, Problem, Versioned};
use scrm_kernel::{CustomerId, ExternalUserId, FieldError, WecomUserId};

use super::dto::{CustomerOut, CustomersIn, CustomersOut, PageIn, TimelineOut};
use crate::app::{App, CustomerFilter, Error, Presence};

/// List customers, newest first.
///
/// `tag` and `user_id` together find those to whom this member gave this tag.
#[utoipa::path(
    tag = "customers", operation_id = "customers_list_customers", security(("bearer" = ["customers.read"])),
    params(CustomersIn),
    responses((status = 200, body = CustomersOut), (status = 422, body = Problem))
)]
#[get("/customers")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    query: Query<CustomersIn>,
) -> Result<Json<CustomersOut>, Error> {
    let CustomersIn { q, tag, user_id, state, external_user_id, limit, cursor } = query.into_inner();
    let page = scrm_http::page_of(limit, cursor).map_err(Error::Invalid)?;
    let filter = CustomerFilter {
        words: q.map(|words| comparable(&words)).filter(|words| !words.is_empty()),
        tag: tag.map(|tag| comparable(&tag)),
        user: user_id.as_deref().map(member_of).transpose()?,
        presence: presence_of(state.as_deref())?,
        person: external_user_id.as_deref().map(person_of).transpose()?,
    };
    Ok(Json(app.customers(&caller, &filter, &page).await?.into()))
}

/// Read one customer.
#[utoipa::path(
    tag = "customers", operation_id = "customers_read_customer", security(("bearer" = ["customers.read"])),
    params(("id" = CustomerId, Path)),
    responses((status = 200, body = CustomerOut), (status = 404, body = Problem))
)]
#[get("/customers/{id}")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    id: Path<CustomerId>,
) -> Result<Versioned<CustomerOut>, Error> {
    let view = app.customer(&caller, *id).await?;
    Ok(Versioned::ok(view.customer.version, view.into()))
}

/// List what happened with a customer, newest first.
#[utoipa::path(
    tag = "customers", operation_id = "customers_read_timeline", security(("bearer" = ["customers.read"])),
    params(("id" = CustomerId, Path), PageIn),
    responses((status = 200, body = TimelineOut), (status = 404, body = Problem), (status = 422, body = Problem))
)]
#[get("/customers/{id}/timeline")]
pub(super) async fn timeline(
    app: Data<App>,
    caller: Caller,
    id: Path<CustomerId>,
    query: Query<PageIn>,
) -> Result<Json<TimelineOut>, Error> {
    let PageIn { limit, cursor } = query.into_inner();
    let page = scrm_http::page_of(limit, cursor).map_err(Error::Invalid)?;
    Ok(Json(app.timeline(&caller, *id, &page).await?.into()))
}

/// Returns a member's id from a request.
pub(super) fn member_of(text: &str) -> Result<WecomUserId, Error> {
    WecomUserId::parse(text).map_err(|error| Error::Invalid(FieldError::new("user_id", error.to_string())))
}

fn person_of(text: &str) -> Result<ExternalUserId, Error> {
    ExternalUserId::parse(text)
        .map_err(|error| Error::Invalid(FieldError::new("external_user_id", error.to_string())))
}

fn presence_of(state: Option<&str>) -> Result<Presence, Error> {
    match state {
        None | Some("present") => Ok(Presence::Present),
        Some("gone") => Ok(Presence::Gone),
        Some(_) => Err(Error::Invalid(FieldError::new("state", "must be present or gone"))),
    }
}

/// A zero character is in no name, and PostgreSQL does not even compare it.
fn comparable(text: &str) -> String {
    text.trim().replace('\0', "?")
}
