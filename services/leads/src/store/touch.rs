//! Touches: one row for each contact of a person with a member through a channel.

use scrm_db::Txn;
use scrm_kernel::{CorpId, TouchId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use super::entity::touch::{ActiveModel, Column, Entity};
use crate::domain::lead::Contact;

/// Notes a contact; `false` when it is known.
///
/// A contact that the member confirmed is the same one as the unconfirmed contact before it, whichever is told first.
pub(crate) async fn note(txn: &Txn, corp: CorpId, contact: &Contact) -> Result<bool, DbErr> {
    let channel = contact.channel.as_deref().unwrap_or_default();
    let same_relation = || {
        Entity::find()
            .filter(Column::CorpId.eq(corp))
            .filter(Column::ExternalUserId.eq(contact.person.as_str()))
            .filter(Column::UserKey.eq(contact.member.user.folded()))
            .filter(Column::Channel.eq(channel))
    };
    if contact.confirmed {
        let unconfirmed = same_relation()
            .filter(Column::Confirmed.eq(false))
            .filter(Column::OccurredAt.lte(contact.claim.occurred_at))
            .order_by_desc(Column::OccurredAt)
            .one(txn)
            .await?;
        if let Some(row) = unconfirmed {
            let mut row: ActiveModel = row.into();
            row.confirmed = Set(true);
            row.update(txn).await?;
            return Ok(false);
        }
    } else {
        let confirmed = same_relation()
            .filter(Column::Confirmed.eq(true))
            .filter(Column::OccurredAt.gte(contact.claim.occurred_at))
            .one(txn)
            .await?;
        if confirmed.is_some() {
            return Ok(false);
        }
    }

    let row = ActiveModel {
        id: Set(TouchId::mint(txn.now())),
        corp_id: Set(corp),
        external_user_id: Set(contact.person.as_str().to_owned()),
        user_key: Set(contact.member.user.folded()),
        channel: Set(channel.to_owned()),
        occurred_at: Set(contact.claim.occurred_at),
        confirmed: Set(contact.confirmed),
    };
    let inserted = Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}
