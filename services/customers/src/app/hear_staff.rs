//! The directory knows somebody, by which id in WeCom, and which ids they had before.
//!
//! What belongs to a member stands under the id by which they are known now, so that one member is one, however often
//! WeCom's id changes.

use scrm_db::{Cause, Txn};
use scrm_kernel::{CorpId, CustomerId, WecomUserId};
use sea_orm::DbErr;

use super::App;
use super::open_record::close;
use super::set_tags::change_in;
use crate::domain::record::Record;
use crate::domain::staff::Told;
use crate::store;

impl App {
    /// Takes in who somebody is in WeCom, and gives them what stands under ids that they had before.
    pub(crate) async fn hear_staff_in(&self, txn: &Txn, corp: CorpId, told: &Told) -> Result<(), DbErr> {
        if !store::staff::note(txn, corp, told).await? {
            return Ok(());
        }
        let former = told.former.iter().map(WecomUserId::folded);
        for (former, present) in store::staff::present_ids(txn, corp, former).await? {
            rename(txn, corp, &former, &present).await?;
        }
        Ok(())
    }
}

/// Gives everything that stands under a former id to the present one.
async fn rename(txn: &Txn, corp: CorpId, former: &str, present: &WecomUserId) -> Result<(), DbErr> {
    // Locks the customers, as everybody does who writes what belongs to them.
    store::customer::touch_those_of(txn, corp, former).await?;
    for customer in store::relation::customers_of_both(txn, corp, former, present).await? {
        join(txn, corp, customer, former, present).await?;
    }
    store::timeline::rename(txn, corp, former, present).await?;
    store::relation::rename(txn, corp, former, present).await
}

/// Makes one relation of two: one of them began under the present id before the directory told of it.
async fn join(
    txn: &Txn,
    corp: CorpId,
    customer: CustomerId,
    former: &str,
    present: &WecomUserId,
) -> Result<(), DbErr> {
    let Some(customer) = store::customer::lock(txn, corp, customer).await? else { return Ok(()) };
    let relations = store::relation::of_customers(txn, corp, [customer.id]).await?;
    let before = Record { customer, relations };
    let of = |key: &str| before.relations.iter().find(|relation| relation.user.folded() == key);
    let (Some(kept), Some(joined)) = (of(former), of(&present.folded())) else { return Ok(()) };
    let (kept, joined) = (kept.clone(), joined.clone());
    let tags = store::mark::of(txn, corp, kept.id).await?;
    let joined_tags = store::mark::of(txn, corp, joined.id).await?;
    store::mark::remove(txn, corp, joined.id).await?;
    store::relation::remove(txn, corp, joined.id).await?;
    store::timeline::forget_doubles(txn, corp, before.customer.id, [former, &present.folded()]).await?;

    let mut record = before.clone();
    record.join(kept.id, joined.id);
    let mut record = close(txn, &before, record).await?;
    let Some(relation) = record.relations.iter_mut().find(|relation| relation.id == kept.id) else {
        return Ok(());
    };
    let (listed, listed_before) = (joined.standing.listed, kept.standing.listed);
    let read_at = listed.max(listed_before).map(|fact| fact.occurred_at);
    let after = if listed >= listed_before {
        joined_tags.joined(tags.clone(), read_at)
    } else {
        tags.clone().joined(joined_tags, read_at)
    };
    change_in(txn, &record.customer, relation, &tags, &after, &Cause::here(txn.now())).await
}
