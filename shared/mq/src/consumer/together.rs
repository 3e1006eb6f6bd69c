//! Several messages in one transaction: one flush to the disk, and each in a part that can be taken back alone.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scrm_db::{Db, Txn, inbox};
use scrm_kernel::{MessageId, crash};
use sea_orm::DbErr;

use super::{Failure, caught, ended};

/// Messages that may share a transaction. PostgreSQL remembers 64 savepoints of a transaction cheaply.
pub(super) const GROUP: usize = 64;
/// How long a transaction may take up further messages: others wait for its locks. Long enough that a machine with too
/// much to do still makes groups; one message and one flush at a time it would fall behind ever more.
const GROUP_TIME: Duration = Duration::from_millis(100);
/// The same while somebody waits for the writer of SQLite who must not wait long.
const GROUP_TIME_AWAITED: Duration = Duration::from_millis(10);

/// What is kept of a part that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// What it did, and that its message is handled.
    Handled,
    /// What it did; its message is not handled yet.
    Open,
    /// Nothing.
    Nothing,
}

/// What is done with one message within a transaction.
#[async_trait]
pub(super) trait Part: Send + Sync {
    /// What comes of it.
    type Out: Send;

    /// Returns the message.
    fn message(&self) -> MessageId;

    /// Reports whether the inbox is to be asked if the message is handled.
    fn may_be_handled(&self) -> bool {
        true
    }

    /// Does it.
    async fn act(&self, txn: &Txn) -> Result<(Self::Out, Keep), Failure>;

    /// Reports whether it may be done at once with others.
    fn may_be_at_once(&self) -> bool {
        false
    }

    /// Does those of several parts that can be done at once, and returns what came of them; nothing for the others,
    /// which are done alone. A message whose part is done is handled.
    async fn act_at_once(_parts: &[&Self], _txn: &Txn) -> Result<Vec<Option<Self::Out>>, Failure> {
        Ok(Vec::new())
    }
}

/// What became of a part.
pub(super) enum Fate<T> {
    /// Its message was handled before.
    Before,
    /// It was done, or taken back.
    Ended(Result<T, Failure>),
}

/// Does parts in one transaction, first what can be done at once, then one after the other, until its time is over or
/// `is_enough` says so.
///
/// It begins ahead of others if `is_ahead`; see [`Db::begin_ahead`].
///
/// Returns the fates of those it came to, and how long each took: the first ones, and at least one. An error says
/// nothing about any part, and none is done, as far as is known.
pub(super) async fn act_together<'a, P: Part + 'a>(
    db: &Db,
    queue: &str,
    parts: impl Iterator<Item = &'a P>,
    is_ahead: bool,
    is_enough: impl Fn() -> bool,
) -> Result<Vec<(Fate<P::Out>, Duration)>, DbErr> {
    let parts: Vec<&P> = parts.collect();
    let longest = || if db.is_awaited() { GROUP_TIME_AWAITED } else { GROUP_TIME };
    let txn = if is_ahead { db.begin_ahead().await? } else { db.begin().await? };
    let begun = Instant::now();
    let asked = parts.iter().filter(|part| part.may_be_handled());
    let asked: Vec<MessageId> = asked.map(|part| part.message()).collect();
    let before = inbox::entered(&txn, queue, &asked).await?;

    let mut done = if parts.len() > 1 { act_at_once(&txn, &parts, &before).await? } else { HashMap::new() };
    let (mut fates, mut handled, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for part in parts {
        // A second copy of a message has to wait until the inbox knows what became of the first.
        let is_copy = !seen.insert(part.message());
        // What is done must not be done again: the transaction goes on at least until the last of it.
        let is_over = done.is_empty() && (is_enough() || begun.elapsed() > longest());
        if (is_copy || is_over) && !fates.is_empty() {
            break;
        }
        let begun = Instant::now();
        let fate = if before.contains(&part.message()) {
            Fate::Before
        } else if let Some(out) = done.remove(&part.message()) {
            handled.push(part.message());
            Fate::Ended(Ok(out))
        } else {
            let (outcome, is_handled) = act_apart(&txn, part).await?;
            handled.extend(is_handled.then(|| part.message()));
            Fate::Ended(outcome)
        };
        fates.push((fate, begun.elapsed()));
    }
    let count = handled.len() as u64;
    if inbox::enter_all(&txn, queue, handled).await? < count {
        return Err(DbErr::Custom("another process has just handled one of the messages".to_owned()));
    }
    crash::point("together.acted");
    if let Err(error) = txn.commit().await {
        // A constraint that is checked at the commit is the author's doing; among several it is not known whose.
        let is_own = fates.len() == 1 && db.violation(&error).is_some();
        let Some((fate, _)) = fates.first_mut().filter(|_| is_own) else { return Err(error) };
        *fate = Fate::Ended(Err(error.into()));
    }
    if fates.iter().any(|(fate, _)| matches!(fate, Fate::Ended(Err(Failure::Retry(_))))) {
        // It may have failed because the database went away under it: that uses up no attempt.
        db.reader().ping().await?;
    }
    Ok(fates)
}

/// Does what can be done at once of the parts that no copy precedes; if that fails, all of it is taken back, and each
/// part is done alone. An error means that `txn` is of no use any more.
async fn act_at_once<P: Part>(
    txn: &Txn,
    parts: &[&P],
    before: &HashSet<MessageId>,
) -> Result<HashMap<MessageId, P::Out>, DbErr> {
    let mut seen = HashSet::new();
    let firsts = parts.iter().copied().take_while(|part| seen.insert(part.message()));
    let able: Vec<&P> =
        firsts.filter(|part| part.may_be_at_once() && !before.contains(&part.message())).collect();
    if able.len() < 2 {
        return Ok(HashMap::new());
    }
    let savepoint = txn.savepoint().await?;
    let outcome = caught(P::act_at_once(&able, &savepoint)).await;
    let outs = match ended(savepoint, outcome).await? {
        Ok(outs) => outs,
        Err(failure) => {
            tracing::info!(?failure, "Messages cannot be handled at once, handling them alone");
            Vec::new()
        }
    };
    let done = able.iter().zip(outs).filter_map(|(part, out)| Some((part.message(), out?)));
    Ok(done.collect())
}

/// Does one part, and says whether its message is handled by it. An error means that `txn` is of no use any more.
async fn act_apart<P: Part>(txn: &Txn, part: &P) -> Result<(Result<P::Out, Failure>, bool), DbErr> {
    let savepoint = txn.savepoint().await?;
    let outcome = caught(part.act(&savepoint)).await;
    if matches!(outcome, Ok((_, Keep::Nothing))) && !savepoint.is_interrupted() {
        savepoint.undo().await?;
        return Ok((outcome.map(|(out, _)| out), false));
    }
    let outcome = ended(savepoint, outcome).await?;
    let is_handled = matches!(outcome, Ok((_, Keep::Handled)));
    Ok((outcome.map(|(out, _)| out), is_handled))
}
