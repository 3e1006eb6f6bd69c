//! What a consumer has already handled, so that a message that comes again changes nothing.

use std::collections::HashSet;

use scrm_kernel::{MessageId, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
};

use crate::Txn;
use crate::sql::{self, Known};

mod entity {
    //! The table `inbox`.

    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "inbox")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        consumer: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) message_id: Uuid,
        handled_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Notes in the handler's transaction that `consumer` handles a message; `false` when it did so before.
pub async fn enter(txn: &Txn, consumer: &str, message: MessageId) -> Result<bool, DbErr> {
    let row = entity::ActiveModel {
        consumer: Set(consumer.to_owned()),
        message_id: Set(message.as_uuid()),
        handled_at: Set(txn.now()),
    };
    let inserted = entity::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}

/// Notes that `consumer` handles several messages; returns how many of them it had not handled before.
pub async fn enter_all(
    txn: &Txn,
    consumer: &str,
    messages: impl IntoIterator<Item = MessageId>,
) -> Result<u64, DbErr> {
    let row = |message: MessageId| entity::ActiveModel {
        consumer: Set(consumer.to_owned()),
        message_id: Set(message.as_uuid()),
        handled_at: Set(txn.now()),
    };
    let rows: Vec<_> = messages.into_iter().map(row).collect();
    sql::insert_all(txn, rows, Known::Skip).await
}

/// Returns those of `messages` that `consumer` has handled.
pub async fn entered(
    connection: &impl ConnectionTrait,
    consumer: &str,
    messages: &[MessageId],
) -> Result<HashSet<MessageId>, DbErr> {
    if messages.is_empty() {
        return Ok(HashSet::new());
    }
    let asked = sql::padded(messages.iter().map(|message| message.as_uuid()));
    let rows = entity::Entity::find()
        .filter(entity::Column::Consumer.eq(consumer))
        .filter(entity::Column::MessageId.is_in(asked))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| MessageId::from_uuid(row.message_id)).collect())
}

/// Reports whether `consumer` has handled a message.
pub async fn has_entered(
    connection: &impl ConnectionTrait,
    consumer: &str,
    message: MessageId,
) -> Result<bool, DbErr> {
    let row = entity::Entity::find_by_id((consumer.to_owned(), message.as_uuid())).one(connection).await?;
    Ok(row.is_some())
}

/// Forgets what was handled before `moment`.
pub async fn forget_before(connection: &impl ConnectionTrait, moment: Timestamp) -> Result<u64, DbErr> {
    let deleted =
        entity::Entity::delete_many().filter(entity::Column::HandledAt.lt(moment)).exec(connection).await?;
    Ok(deleted.rows_affected)
}
