//! A customer came through a channel: other services tag them, and remember it.

use scrm_db::{Cause, Txn, outbox};
use scrm_proto::leads::v1::ContactChannelled;
use sea_orm::DbErr;

use crate::domain::channel_sync::Channel;
use crate::domain::lead::Contact;

/// Tells that a contact came through a channel, with the transaction that counts them.
pub(super) async fn tell_channelled(
    txn: &Txn,
    channel: &Channel,
    contact: &Contact,
    cause: &Cause,
) -> Result<(), DbErr> {
    let event = ContactChannelled {
        corp_id: channel.corp.to_string(),
        external_user_id: contact.person.as_str().to_owned(),
        user_id: contact.member.as_str().to_owned(),
        channel_id: channel.id.to_string(),
        channel_name: channel.settings.name.clone(),
        tag_ids: channel.settings.tags.clone(),
    };
    outbox::put(txn, channel.corp, cause, &event).await?;
    Ok(())
}
