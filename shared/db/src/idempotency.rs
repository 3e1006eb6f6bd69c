//! Requests that are sent again because their answer was lost: done once, answered the same.
//!
//! The row of a key and the effect of its request are one transaction. So whoever comes second waits for the first one
//! and gets its answer; if the first one fails, nothing is left of it and the second one does the work.

use aws_lc_rs::digest::{SHA256, digest};
use scrm_kernel::{CorpId, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;

use crate::Txn;

mod entity {
    //! The table `idempotency`.

    use scrm_kernel::CorpId;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "idempotency")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) corp_id: CorpId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) scope: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) key: String,
        pub(super) request_hash: Vec<u8>,
        /// Null only within the transaction that does the work.
        pub(super) status: Option<i32>,
        pub(super) body: Option<Vec<u8>>,
        pub(super) created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What a request asks for, as a hash: tells a repetition from another request with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHash([u8; 32]);

impl RequestHash {
    /// Hashes what was read from a request: `…In`, together with the ids of its path.
    ///
    /// Spaces and the order of fields, which a client may change without meaning it, do not count.
    pub fn of(request: &impl Serialize) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_vec(request)?;
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &json).as_ref());
        Ok(Self(hash))
    }
}

/// How a request with a key is to go on.
#[derive(Debug)]
pub enum Begun {
    /// For the first time: do it, and record the answer with the claim.
    Fresh(Claim),
    /// It was done: this is what was answered.
    Replay(Answer),
    /// The key was used for another request.
    Conflict,
}

/// What was answered to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, as the service recorded it; sealed by it, if it holds personal data.
    pub body: Vec<u8>,
}

/// A key that the transaction at hand has taken.
#[derive(Debug)]
#[must_use = "a key whose answer is not recorded cannot be answered again"]
pub struct Claim {
    corp: CorpId,
    scope: String,
    key: String,
}

impl Claim {
    /// Records what is answered, in the transaction of the effect. An answer that refuses is not recorded but rolled
    /// back, so that the request may be tried again.
    pub async fn record(self, txn: &Txn, answer: Answer) -> Result<(), DbErr> {
        let row = entity::ActiveModel {
            corp_id: Set(self.corp),
            scope: Set(self.scope),
            key: Set(self.key),
            status: Set(Some(answer.status.into())),
            body: Set(Some(answer.body)),
            ..entity::ActiveModel::default()
        };
        entity::Entity::update(row).exec(txn).await.map(drop)
    }
}

/// Takes `key` for a request of a corp, or tells what became of it before.
///
/// `scope` is the route and who asks, so that nobody gets another's answer. On PostgreSQL this waits while another
/// transaction holds the key.
pub async fn begin_or_replay(
    txn: &Txn,
    corp: CorpId,
    scope: &str,
    key: &str,
    hash: RequestHash,
) -> Result<Begun, DbErr> {
    let row = loop {
        if take(txn, corp, scope, key, hash).await? {
            return Ok(Begun::Fresh(Claim { corp, scope: scope.to_owned(), key: key.to_owned() }));
        }
        let found = entity::Entity::find_by_id((corp, scope.to_owned(), key.to_owned())).one(txn).await?;
        // None if it was forgotten between the two statements; then the key is free.
        if let Some(row) = found {
            break row;
        }
    };
    if row.request_hash != hash.0 {
        return Ok(Begun::Conflict);
    }
    let status = row.status.and_then(|status| u16::try_from(status).ok());
    let (Some(status), Some(body)) = (status, row.body) else {
        let problem = format!("the use case behind {scope} committed without recording its answer");
        return Err(DbErr::Custom(problem));
    };
    Ok(Begun::Replay(Answer { status, body }))
}

/// Inserts the row of a key; `false` if there is one.
async fn take(txn: &Txn, corp: CorpId, scope: &str, key: &str, hash: RequestHash) -> Result<bool, DbErr> {
    let row = entity::ActiveModel {
        corp_id: Set(corp),
        scope: Set(scope.to_owned()),
        key: Set(key.to_owned()),
        request_hash: Set(hash.0.to_vec()),
        status: Set(None),
        body: Set(None),
        created_at: Set(txn.now()),
    };
    let inserted = entity::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}

/// Forgets the keys taken before `moment`.
pub async fn forget_before(connection: &impl ConnectionTrait, moment: Timestamp) -> Result<u64, DbErr> {
    let deleted =
        entity::Entity::delete_many().filter(entity::Column::CreatedAt.lt(moment)).exec(connection).await?;
    Ok(deleted.rows_affected)
}
