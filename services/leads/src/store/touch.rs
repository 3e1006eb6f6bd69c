//! Touches: one row for each contact of a person with a member through a channel.

use std::collections::HashSet;
use std::iter::repeat_n;

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{CorpId, ExternalUserId, Timestamp, TouchId, WecomUserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, Condition, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::touch::{ActiveModel, Column, Entity};
use crate::domain::lead::Contact;

/// Notes a contact, unless it is known; `true` when it was not.
///
/// A contact that the member confirmed is the same one as the unconfirmed contact before it, whichever is told first and
/// however often. The caller holds the person's lead locked.
pub(crate) async fn note(txn: &Txn, corp: CorpId, contact: &Contact) -> Result<bool, DbErr> {
    let channel = contact.channel.as_deref().unwrap_or_default();
    let moment = contact.claim.occurred_at;
    // What it may be the same as: itself, told before, or its other half.
    let (itself, other_half) = if contact.confirmed {
        (
            Column::ConfirmedAt.eq(moment),
            Condition::all().add(Column::ConfirmedAt.is_null()).add(Column::OccurredAt.lte(moment)),
        )
    } else {
        (Column::OccurredAt.eq(moment), Condition::all().add(Column::ConfirmedAt.gte(moment)))
    };
    let found = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.eq(contact.person.as_str()))
        .filter(Column::UserKey.eq(contact.member.folded()))
        .filter(Column::Channel.eq(channel))
        .filter(Condition::any().add(itself).add(other_half))
        .all(txn)
        .await?;
    let known = if contact.confirmed {
        found.into_iter().max_by_key(|row| (row.confirmed_at == Some(moment), row.occurred_at))
    } else {
        found.into_iter().min_by_key(|row| (row.occurred_at != moment, row.confirmed_at))
    };
    if let Some(known) = known {
        let occurred_at = known.occurred_at.min(moment);
        let confirmed_at = known.confirmed_at.or(contact.confirmed.then_some(moment));
        if (occurred_at, confirmed_at) != (known.occurred_at, known.confirmed_at) {
            let mut row: ActiveModel = known.into();
            row.occurred_at = Set(occurred_at);
            row.confirmed_at = Set(confirmed_at);
            Entity::update(row).exec_without_returning(txn).await?;
        }
        return Ok(false);
    }

    let inserted = Entity::insert(row_of(txn, corp, contact))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}

fn row_of(txn: &Txn, corp: CorpId, contact: &Contact) -> ActiveModel {
    let moment = contact.claim.occurred_at;
    ActiveModel {
        id: Set(TouchId::mint(txn.now())),
        corp_id: Set(corp),
        external_user_id: Set(contact.person.as_str().to_owned()),
        user_key: Set(contact.member.folded()),
        channel: Set(contact.channel.clone().unwrap_or_default()),
        occurred_at: Set(moment),
        confirmed_at: Set(contact.confirmed.then_some(moment)),
    }
}

/// Notes contacts of people who have had none, and says of each whether it was that of one; the others are left to
/// [`note`]. Each is that of another person, whose lead the caller holds locked.
pub(crate) async fn note_of_untouched(
    txn: &Txn,
    corp: CorpId,
    contacts: &[&Contact],
) -> Result<Vec<bool>, DbErr> {
    let Some(last) = contacts.last() else { return Ok(Vec::new()) };
    // Asked for as many as a power of two: few texts, which the statement cache can hold.
    let many = contacts.len().next_power_of_two();
    let asked = contacts.iter().chain(repeat_n(last, many - contacts.len()));
    let touched: HashSet<String> = Entity::find()
        .select_only()
        .column(Column::ExternalUserId)
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.is_in(asked.map(|contact| contact.person.as_str())))
        .into_tuple()
        .all(txn)
        .await?
        .into_iter()
        .collect();
    let is_untouched = |contact: &&Contact| !touched.contains(contact.person.as_str());
    let untouched = contacts.iter().filter(|contact| is_untouched(contact));
    let rows = untouched.map(|contact| row_of(txn, corp, contact)).collect();
    sql::insert_all(txn, rows, Known::Refuse).await?;
    Ok(contacts.iter().map(is_untouched).collect())
}

/// Returns when a member last became the contact of a customer.
pub(crate) async fn newest(
    txn: &Txn,
    corp: CorpId,
    person: &ExternalUserId,
    member: &WecomUserId,
) -> Result<Option<Timestamp>, DbErr> {
    let row = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.eq(person.as_str()))
        .filter(Column::UserKey.eq(member.folded()))
        .order_by_desc(Column::OccurredAt)
        .one(txn)
        .await?;
    Ok(row.map(|row| row.confirmed_at.unwrap_or(row.occurred_at)))
}
