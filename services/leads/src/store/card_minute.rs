//! How many messages a member got in a minute, and the one that tells the rest of its leads together.

use std::collections::{BTreeMap, HashMap};

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{CorpId, KeyRing, Sealed, Timestamp, WecomUserId};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::card_minute::{ActiveModel, Column, Entity, Model};
use crate::domain::sending::{Progress, State};

const WORDS: &str = "card_minute.words";
const MINUTE: std::time::Duration = std::time::Duration::from_mins(1);

/// Whose minute it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) corp: CorpId,
    pub(crate) user: WecomUserId,
    /// When it begins.
    pub(crate) minute: Timestamp,
}

impl Key {
    /// Returns when it is over.
    pub(crate) fn end(&self) -> Timestamp {
        self.minute + MINUTE
    }

    fn primary(&self) -> (CorpId, String, Timestamp) {
        (self.corp, self.user.folded(), self.minute)
    }
}

/// A minute of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Minute {
    /// Messages that were claimed in it.
    pub(crate) sent: i32,
    /// Leads of it that are told together.
    pub(crate) gathered: i32,
    /// How far the message has come that tells them.
    pub(crate) progress: Progress,
    pub(crate) settled_at: Option<Timestamp>,
    pub(crate) problem: Option<String>,
    /// What it says, once that is settled.
    pub(crate) words: Option<String>,
    pub(crate) message_id: Option<String>,
}

impl Minute {
    /// Returns one in which nothing has happened yet.
    const fn begun() -> Self {
        Self {
            sent: 0,
            gathered: 0,
            progress: Progress::wanted(),
            settled_at: None,
            problem: None,
            words: None,
            message_id: None,
        }
    }
}

/// Returns a minute, locked until the transaction ends, and how many messages were claimed in the one before.
///
/// Whoever locks several begins with the earliest.
pub(crate) async fn lock_or_add(txn: &Txn, keys: &KeyRing, key: &Key) -> Result<(Minute, i32), DbErr> {
    let (mut present, mut before) = (None, 0);
    let rows = Entity::find()
        .filter(Column::CorpId.eq(key.corp))
        .filter(Column::UserKey.eq(key.user.folded()))
        .filter(Column::Minute.is_in([key.minute - MINUTE, key.minute]))
        .order_by_asc(Column::Minute)
        .lock_exclusive()
        .all(txn)
        .await?;
    for row in rows {
        if row.minute == key.minute {
            present = Some(minute_of(keys, row)?);
        } else {
            before = row.sent;
        }
    }
    if let Some(present) = present {
        return Ok((present, before));
    }
    let inserted = Entity::insert(begun_row(key))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    if inserted > 0 {
        return Ok((Minute::begun(), before));
    }
    // Another process has just begun it.
    let present = lock(txn, keys, key).await?;
    let present =
        present.ok_or_else(|| DbErr::RecordNotFound("a minute of cards that was just made".to_owned()))?;
    Ok((present, before))
}

/// Counts messages to members in a minute, each if there is room for it, and says of each whether there is.
pub(crate) async fn count_each(
    txn: &Txn,
    corp: CorpId,
    minute: Timestamp,
    members: &[&WecomUserId],
    fits: impl Fn(i32, i32) -> bool,
) -> Result<Vec<bool>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::UserKey.is_in(sql::padded(members.iter().map(|member| member.folded()))))
        .filter(Column::Minute.is_in([minute - MINUTE, minute]))
        .order_by_asc(Column::UserKey)
        .order_by_asc(Column::Minute)
        .lock_exclusive()
        .all(txn)
        .await?;
    let (mut before, mut known) = (HashMap::new(), HashMap::new());
    for row in rows {
        let of = if row.minute == minute { &mut known } else { &mut before };
        of.insert(row.user_key.clone(), row);
    }
    let mut sent: BTreeMap<String, (i32, &WecomUserId)> = BTreeMap::new();
    let mut have_room = Vec::with_capacity(members.len());
    for member in members {
        let user_key = member.folded();
        let of = |rows: &HashMap<String, Model>| rows.get(&user_key).map_or(0, |row| row.sent);
        let so_far = sent.get(&user_key).map_or_else(|| of(&known), |(sent, _)| *sent);
        let has_room = fits(so_far, of(&before));
        if has_room {
            sent.insert(user_key, (so_far + 1, *member));
        }
        have_room.push(has_room);
    }
    let (mut begun, mut counted) = (Vec::new(), Vec::new());
    for (user_key, (sent, member)) in sent {
        if let Some(row) = known.remove(&user_key) {
            counted.push(ActiveModel { sent: Set(sent), ..row.into_active_model().reset_all() });
        } else {
            let key = Key { corp, user: member.clone(), minute };
            begun.push(ActiveModel { sent: Set(sent), ..begun_row(&key) });
        }
    }
    sql::insert_all(txn, counted, Known::Replace).await?;
    // Fails if another process has just begun one.
    sql::insert_all(txn, begun, Known::Refuse).await?;
    Ok(have_room)
}

/// Returns the row of a minute in which nothing has happened yet.
fn begun_row(key: &Key) -> ActiveModel {
    let new = Progress::wanted();
    ActiveModel {
        corp_id: Set(key.corp),
        user_key: Set(key.user.folded()),
        minute: Set(key.minute),
        user_id: Set(key.user.as_str().to_owned()),
        sent: Set(0),
        gathered: Set(0),
        state: Set(new.state.as_str().to_owned()),
        attempts: Set(new.attempts),
        is_unclear: Set(new.is_unclear),
        lease_until: Set(None),
        settled_at: Set(None),
        problem: Set(None),
        words: Set(None),
        message_id: Set(None),
    }
}

/// Returns a minute, locked until the transaction ends.
pub(crate) async fn lock(txn: &Txn, keys: &KeyRing, key: &Key) -> Result<Option<Minute>, DbErr> {
    let row = Entity::find_by_id(key.primary()).lock_exclusive().one(txn).await?;
    row.map(|row| minute_of(keys, row)).transpose()
}

/// Returns a minute as it is.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    key: &Key,
) -> Result<Option<Minute>, DbErr> {
    let row = Entity::find_by_id(key.primary()).one(connection).await?;
    row.map(|row| minute_of(keys, row)).transpose()
}

/// Writes a locked minute.
pub(crate) async fn save(txn: &Txn, keys: &KeyRing, key: &Key, minute: &Minute) -> Result<(), DbErr> {
    let words = minute.words.as_ref().map(|words| keys.seal(key.corp, WORDS, words.as_bytes()).into_bytes());
    let row = ActiveModel {
        corp_id: Unchanged(key.corp),
        user_key: Unchanged(key.user.folded()),
        minute: Unchanged(key.minute),
        sent: Set(minute.sent),
        gathered: Set(minute.gathered),
        state: Set(minute.progress.state.as_str().to_owned()),
        attempts: Set(minute.progress.attempts),
        is_unclear: Set(minute.progress.is_unclear),
        lease_until: Set(minute.progress.lease_until),
        settled_at: Set(minute.settled_at),
        problem: Set(minute.problem.clone()),
        words: Set(words),
        message_id: Set(minute.message_id.clone()),
        ..<ActiveModel as Default>::default()
    };
    Entity::update(row).exec_without_returning(txn).await?;
    Ok(())
}

/// Counts one more message to a member, whether there is room for it or not.
pub(crate) async fn count(txn: &Txn, keys: &KeyRing, key: &Key) -> Result<(), DbErr> {
    let (minute, _) = lock_or_add(txn, keys, key).await?;
    save(txn, keys, key, &Minute { sent: minute.sent + 1, ..minute }).await
}

/// Deletes the minutes before `moment` in which nothing was gathered.
pub(crate) async fn forget_before(
    connection: &impl ConnectionTrait,
    moment: Timestamp,
) -> Result<u64, DbErr> {
    let deleted = Entity::delete_many()
        .filter(Column::Minute.lt(moment))
        .filter(Column::Gathered.eq(0))
        .exec(connection)
        .await?;
    Ok(deleted.rows_affected)
}

fn minute_of(keys: &KeyRing, row: Model) -> Result<Minute, DbErr> {
    let bad = |column: &str| DbErr::Custom(format!("card_minute: column {column} holds no valid value"));
    let words = row.words.map(|sealed| {
        let plain = keys.open(row.corp_id, WORDS, &Sealed::from_bytes(sealed)).map_err(|_| bad("words"))?;
        String::from_utf8(plain).map_err(|_| bad("words"))
    });
    Ok(Minute {
        sent: row.sent,
        gathered: row.gathered,
        progress: Progress {
            state: State::parse(&row.state).ok_or_else(|| bad("state"))?,
            attempts: row.attempts,
            is_unclear: row.is_unclear,
            lease_until: row.lease_until,
        },
        settled_at: row.settled_at,
        problem: row.problem,
        words: words.transpose()?,
        message_id: row.message_id,
    })
}
