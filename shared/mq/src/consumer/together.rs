//! Several messages in one transaction: one flush to the disk, and still each succeeds or fails for itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scrm_db::{Db, Txn, inbox};
use scrm_kernel::{MessageId, crash};
use sea_orm::DbErr;

use super::{Failure, caught, ended};

/// Messages that may share a transaction.
pub(super) const GROUP: usize = 64;
/// How long a transaction may take up further messages: others wait for its locks. Long enough that a machine with too
/// much to do still makes groups; one message and one flush at a time it would fall behind ever more.
const GROUP_TIME: Duration = Duration::from_millis(100);
/// The same while somebody waits for the writer of SQLite who must not wait long.
const GROUP_TIME_AWAITED: Duration = Duration::from_millis(10);

/// What is kept of a part; nothing of one that failed.
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

    /// Returns what it is about, if parts about one thing are to be done in their order.
    fn key(&self) -> Option<&str> {
        None
    }

    /// Reports whether it may be done at once with others.
    fn may_be_at_once(&self) -> bool {
        false
    }

    /// Does those of several parts that can be done at once, and returns what came of them and what of it is to be kept;
    /// nothing for the others, which are done alone. Something of each that is done is kept.
    async fn act_at_once(_parts: &[&Self], _txn: &Txn) -> Result<Vec<Option<(Self::Out, Keep)>>, Failure> {
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

/// The fate of a part, and how long it took.
type Timed<T> = (Fate<T>, Duration);

/// Does parts in one transaction, first what can be done at once, then one after the other, until its time is over or
/// `is_enough` says so.
///
/// Nearly always all of them are kept, so there is no savepoint around each. When one is not, the transaction is taken
/// back, and those before it are done again without it: whatever part is done may be done once more, but what comes of
/// one that is not kept stands.
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
) -> Result<Vec<Timed<P::Out>>, DbErr> {
    let mut parts: Vec<&P> = parts.collect();
    let (mut may_be_at_once, mut not_kept) = (parts.len() > 1, None);
    while !parts.is_empty() {
        let txn = if is_ahead { db.begin_ahead().await? } else { db.begin().await? };
        let group = Group { db, queue, txn, may_be_at_once };
        // There was time once for those that are done again.
        let is_again = not_kept.is_some();
        match group.act(&parts, |time| !is_again && (is_enough() || time > longest(db))).await? {
            Outcome::Kept(mut fates) => {
                fates.extend(not_kept);
                return checked(db, fates).await;
            }
            Outcome::NotAtOnce => may_be_at_once = false,
            Outcome::NotKept { place, fate } => {
                parts.truncate(place);
                not_kept = Some(fate);
            }
        }
    }
    checked(db, not_kept.into_iter().collect()).await
}

/// Returns how long a transaction may take up further messages.
fn longest(db: &Db) -> Duration {
    if db.is_awaited() { GROUP_TIME_AWAITED } else { GROUP_TIME }
}

/// Returns the fates, unless the database went away under a part that failed: that uses up no attempt.
async fn checked<T>(db: &Db, fates: Vec<Timed<T>>) -> Result<Vec<Timed<T>>, DbErr> {
    if fates.iter().any(|(fate, _)| matches!(fate, Fate::Ended(Err(Failure::Retry(_))))) {
        db.reader().ping().await?;
    }
    Ok(fates)
}

/// What a transaction came to.
enum Outcome<T> {
    /// It is committed, with what these parts did: the first ones.
    Kept(Vec<Timed<T>>),
    /// It is taken back: one part is not to be kept.
    NotKept { place: usize, fate: Timed<T> },
    /// It is taken back: what was done at once failed, and each part is to be done alone.
    NotAtOnce,
}

/// A transaction for several parts.
struct Group<'a> {
    db: &'a Db,
    queue: &'a str,
    txn: Txn,
    may_be_at_once: bool,
}

impl Group<'_> {
    /// Does parts until the time that it took is over.
    async fn act<P: Part>(
        self,
        parts: &[&P],
        is_over: impl Fn(Duration) -> bool,
    ) -> Result<Outcome<P::Out>, DbErr> {
        let Self { db, queue, txn, may_be_at_once } = self;
        let begun = Instant::now();
        let asked = parts.iter().filter(|part| part.may_be_handled());
        let asked: Vec<MessageId> = asked.map(|part| part.message()).collect();
        let before = inbox::entered(&txn, queue, &asked).await?;

        let mut done = HashMap::new();
        if may_be_at_once {
            match act_at_once(&txn, parts, &before).await? {
                Some(outs) => done = outs,
                None => return txn.rollback().await.map(|()| Outcome::NotAtOnce),
            }
        }
        let (mut fates, mut handled, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (place, part) in parts.iter().enumerate() {
            // A second copy of a message has to wait until the inbox knows what became of the first.
            let is_copy = !seen.insert(part.message());
            // What is done must not be done again: the transaction goes on at least until the last of it.
            let may_end = is_copy || (done.is_empty() && is_over(begun.elapsed()));
            if may_end && !fates.is_empty() {
                break;
            }
            let begun = Instant::now();
            let fate = if before.contains(&part.message()) {
                Fate::Before
            } else if let Some((out, keep)) = done.remove(&part.message()) {
                handled.extend((keep == Keep::Handled).then(|| part.message()));
                Fate::Ended(Ok(out))
            } else {
                let (outcome, keep) = act_alone(&txn, *part).await?;
                let fate = Fate::Ended(outcome);
                match keep {
                    Keep::Handled => handled.push(part.message()),
                    Keep::Open => {}
                    Keep::Nothing => {
                        txn.rollback().await?;
                        return Ok(Outcome::NotKept { place, fate: (fate, begun.elapsed()) });
                    }
                }
                fate
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
        Ok(Outcome::Kept(fates))
    }
}

/// Does what can be done at once of the parts that neither a copy nor another one of their key precedes; `None` if that
/// fails.
async fn act_at_once<P: Part>(
    txn: &Txn,
    parts: &[&P],
    before: &HashSet<MessageId>,
) -> Result<Option<HashMap<MessageId, (P::Out, Keep)>>, DbErr> {
    let (mut seen, mut keys) = (HashSet::new(), HashSet::new());
    let firsts = parts.iter().copied().take_while(|part| seen.insert(part.message()));
    let firsts = firsts.filter(|part| part.key().is_none_or(|key| keys.insert(key)));
    let able: Vec<&P> =
        firsts.filter(|part| part.may_be_at_once() && !before.contains(&part.message())).collect();
    if able.len() < 2 {
        return Ok(Some(HashMap::new()));
    }
    match ended(txn, caught(P::act_at_once(&able, txn)).await)? {
        Ok(outs) => {
            let done = able.iter().zip(outs).filter_map(|(part, out)| Some((part.message(), out?)));
            Ok(Some(done.collect()))
        }
        Err(failure) => {
            tracing::info!(?failure, "Messages cannot be handled at once, handling them alone");
            Ok(None)
        }
    }
}

/// Returns the sorts of which there are several parts, and their places.
pub(super) fn alike<'a, P, S: Ord>(parts: &[&'a P], sort: impl Fn(&'a P) -> S) -> Vec<(S, Vec<usize>)> {
    let mut alike: BTreeMap<S, Vec<usize>> = BTreeMap::new();
    for (place, part) in parts.iter().enumerate() {
        alike.entry(sort(part)).or_default().push(place);
    }
    alike.into_iter().filter(|(_, places)| places.len() > 1).collect()
}

/// Does one part, and says what of it is to be kept.
async fn act_alone<P: Part>(txn: &Txn, part: &P) -> Result<(Result<P::Out, Failure>, Keep), DbErr> {
    let outcome = ended(txn, caught(part.act(txn)).await)?;
    let keep = outcome.as_ref().map_or(Keep::Nothing, |(_, keep)| *keep);
    Ok((outcome.map(|(out, _)| out), keep))
}
