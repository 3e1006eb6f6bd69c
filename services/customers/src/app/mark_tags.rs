//! Bringing a relation's tags to WeCom. States what should be, so it is repeated freely.

use std::time::Duration;

use scrm_db::{Cause, Txn};
use scrm_kernel::{CorpId, CustomerId, ExternalUserId, RelationId, WecomUserId};
use scrm_mq::{Claim, Next};
use scrm_wecom::client::{CallError, Class, MarkTags, Speaker};
use sea_orm::DbErr;

use super::App;
use super::set_tags::ask;
use crate::domain::happening::{Event, Happening};
use crate::domain::tag_sync::{After, Turn};
use crate::domain::tagging::{Due, Outcome};
use crate::store;

/// How long the calls of one turn may take.
const LEASE: Duration = Duration::from_mins(2);
const PATIENCE: Duration = Duration::from_secs(110);
/// One of the tags is none of the enterprise's (any more).
const BAD_TAGS: [i64; 2] = [40068, 40070];

/// A call that is this process's to make.
pub(crate) struct ToMark {
    corp: CorpId,
    customer: CustomerId,
    relation: RelationId,
    person: ExternalUserId,
    member: WecomUserId,
    attempt: i32,
    due: Due,
}

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct MarkAnswer {
    /// What WeCom did or refused.
    outcomes: Vec<Outcome>,
    /// Why the rest has to be tried again.
    problem: Option<String>,
}

impl App {
    /// Claims the call that brings a relation's tags to WeCom, if there is one to make.
    pub(crate) async fn claim_tags_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        customer: CustomerId,
        relation: RelationId,
    ) -> Result<Claim<ToMark>, DbErr> {
        let Some(customer) = store::customer::lock(txn, corp, customer).await? else {
            return Ok(Claim::Nothing);
        };
        let relations = store::relation::of_customers(txn, corp, [customer.id]).await?;
        let Some(before) = relations.into_iter().find(|known| known.id == relation) else {
            return Ok(Claim::Nothing);
        };
        let due = store::mark::of(txn, corp, relation).await?.due();
        let (mut after, now) = (before.clone(), txn.now());
        let turn = after.sync.turn(!due.is_empty(), now, now + LEASE);
        if after != before {
            store::relation::save_all(txn, corp, &[&after]).await?;
        }
        match turn {
            Turn::Busy(until) => Ok(Claim::Busy { until }),
            Turn::Nothing => Ok(Claim::Nothing),
            Turn::Call => Ok(Claim::Call(ToMark {
                corp,
                customer: customer.id,
                relation,
                person: customer.person,
                member: after.user,
                attempt: after.sync.attempt,
                due,
            })),
        }
    }

    /// Makes the call.
    pub(crate) async fn mark_tags(&self, to_mark: &ToMark) -> MarkAnswer {
        let mut answer = MarkAnswer::default();
        let speaker = self.wecom.of(to_mark.corp, None);
        let marking = mark(&speaker, to_mark, &mut answer);
        if tokio::time::timeout(PATIENCE, marking).await.is_err() {
            answer.problem = Some(format!("WeCom took longer than {PATIENCE:?}"));
        }
        answer
    }

    /// Records what WeCom answered.
    pub(crate) async fn record_tags_in(
        &self,
        txn: &Txn,
        to_mark: &ToMark,
        answer: &MarkAnswer,
    ) -> Result<Next, DbErr> {
        let corp = to_mark.corp;
        let Some(customer) = store::customer::lock(txn, corp, to_mark.customer).await? else {
            return Ok(Next::Done);
        };
        let relations = store::relation::of_customers(txn, corp, [customer.id]).await?;
        let relation = relations.into_iter().find(|known| known.id == to_mark.relation);
        // Of another attempt: the lease was over and somebody else is at it, who asks for the same again.
        let Some(mut relation) = relation.filter(|relation| relation.sync.attempt == to_mark.attempt) else {
            return Ok(Next::Done);
        };
        let before = store::mark::of(txn, corp, relation.id).await?;
        let (mut after, now) = (before.clone(), txn.now());
        let changes = after.answered(&answer.outcomes, now);
        store::mark::save(txn, corp, relation.id, &before, &after).await?;
        for (tag, is_on) in changes {
            let event = if is_on { Event::Tagged(tag) } else { Event::Untagged(tag) };
            let happening = Happening::with(relation.user.clone(), now, event);
            store::timeline::add(txn, corp, customer.id, happening).await?;
        }
        if after.on() != before.on() {
            relation.version += 1;
        }
        let next = relation.sync.answered(answer.problem.clone(), !after.due().is_empty());
        store::relation::save_all(txn, corp, &[&relation]).await?;
        let state = relation.sync.state.as_str();
        tracing::info!(relation.id = %relation.id, sync.state = state, "The tags of a relation are {state}");
        match next {
            After::Rest => Ok(Next::Done),
            After::GoOn => {
                ask(txn, &customer, &relation, &Cause::here(now)).await?;
                Ok(Next::Done)
            }
            After::Retry(problem) => Ok(Next::Retry(problem)),
        }
    }
}

/// Asks for everything at once. WeCom refuses all for one bad tag: then each tag is asked for alone.
async fn mark(speaker: &Speaker, to_mark: &ToMark, answer: &mut MarkAnswer) {
    let due = &to_mark.due;
    let error = match speaker.mark_tags(&marks_of(to_mark, due)).await {
        Ok(()) => {
            answer.outcomes.extend(due.each().map(|(tag, is_on)| outcome(tag, is_on, None)));
            return;
        }
        Err(error) => error,
    };
    let is_bad_tag = error.errcode().is_some_and(|errcode| BAD_TAGS.contains(&errcode));
    if !is_bad_tag || due.each().count() == 1 {
        for (tag, is_on) in due.each() {
            note(answer, tag, is_on, &error);
        }
        return;
    }
    for (tag, is_on) in due.each() {
        let (add, remove) =
            if is_on { (vec![tag.to_owned()], Vec::new()) } else { (Vec::new(), vec![tag.to_owned()]) };
        match speaker.mark_tags(&marks_of(to_mark, &Due { add, remove })).await {
            Ok(()) => answer.outcomes.push(outcome(tag, is_on, None)),
            Err(error) => note(answer, tag, is_on, &error),
        }
    }
}

fn marks_of(to_mark: &ToMark, due: &Due) -> MarkTags {
    MarkTags {
        user: to_mark.member.clone(),
        customer: to_mark.person.clone(),
        add: due.add.clone(),
        remove: due.remove.clone(),
    }
}

fn outcome(tag: &str, is_on: bool, refusal: Option<String>) -> Outcome {
    Outcome { tag: tag.to_owned(), is_on, refusal }
}

/// Notes what a failed call means for one tag.
fn note(answer: &mut MarkAnswer, tag: &str, is_on: bool, error: &CallError) {
    let is_gone = !is_on && error.errcode().is_some_and(|errcode| BAD_TAGS.contains(&errcode));
    match error.class() {
        // A tag that was deleted is on nobody.
        _ if is_gone => answer.outcomes.push(outcome(tag, is_on, None)),
        // What may have been done is asked for again: it states what should be.
        Class::Retry | Class::RefreshToken | Class::Wait | Class::Unclear => {
            answer.problem = Some(error.to_string());
        }
        Class::Operator | Class::Stop => answer.outcomes.push(outcome(tag, is_on, Some(error.to_string()))),
    }
}
