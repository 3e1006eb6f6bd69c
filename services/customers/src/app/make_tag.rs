//! Making a wanted tag in WeCom. It refuses a name that a group has, so nothing doubles; what may have been made is
//! looked for by name, and adopted.

use std::time::Duration;

use scrm_db::Txn;
use scrm_kernel::{CorpId, TagWishId};
use scrm_mq::{Claim, Next};
use scrm_wecom::client::{
    self, CallError, Class, NewTag, NewTags, Speaker, TagFilter, TagGroup, TagGroupRef,
};
use sea_orm::DbErr;

use super::{App, Group, Tag};
use crate::domain::tag_wish::{State, Turn, WantedTag};
use crate::store;

/// How long the calls of one attempt may take; shorter than its lease.
const PATIENCE: Duration = Duration::from_secs(110);
/// The group has a tag of that name.
const NAME_TAKEN: i64 = 40071;

/// An attempt that is this process's to make.
pub(crate) struct ToMake {
    corp: CorpId,
    wish: TagWishId,
    tag: WantedTag,
    attempt: i32,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum MakeAnswer {
    /// WeCom has it: its group, with this one tag.
    Made(Group, Tag),
    /// It has to be tried again.
    Later(String),
    /// WeCom will not have it.
    Refused(String),
}

impl App {
    /// Claims the next attempt for a wanted tag, if one is to be made.
    pub(crate) async fn claim_tag_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        wish: TagWishId,
    ) -> Result<Claim<ToMake>, DbErr> {
        let Some(mut wish) = store::tag_wish::lock(txn, corp, wish).await? else { return Ok(Claim::Nothing) };
        match wish.turn(txn.now()) {
            Turn::Nothing => Ok(Claim::Nothing),
            Turn::Busy(until) => Ok(Claim::Busy { until }),
            Turn::Call => {
                store::tag_wish::save(txn, &wish).await?;
                Ok(Claim::Call(ToMake { corp, wish: wish.id, tag: wish.tag, attempt: wish.attempt }))
            }
        }
    }

    /// Makes the calls.
    pub(crate) async fn make_tag(&self, to_make: &ToMake) -> MakeAnswer {
        let speaker = self.wecom.of(to_make.corp, None);
        let making = tokio::time::timeout(PATIENCE, make(&speaker, to_make)).await;
        making.unwrap_or_else(|_| MakeAnswer::Later(format!("WeCom took longer than {PATIENCE:?}")))
    }

    /// Records what WeCom answered; a tag that it has is in the library at once.
    pub(crate) async fn record_tag_in(
        &self,
        txn: &Txn,
        to_make: &ToMake,
        answer: &MakeAnswer,
    ) -> Result<Next, DbErr> {
        let corp = to_make.corp;
        let found = store::tag_wish::lock(txn, corp, to_make.wish).await?;
        // Of another attempt: the lease was over and somebody else is at it, who looks for the tag first.
        let Some(mut wish) = found.filter(|wish| wish.is_at(to_make.attempt)) else { return Ok(Next::Done) };
        let next = match answer {
            MakeAnswer::Made(group, tag) => {
                let groups = [Group { tags: vec![tag.clone()], ..group.clone() }];
                store::tag::note(txn, corp, &groups, txn.now()).await?;
                wish.state = State::Made { tag: tag.id.clone() };
                Next::Done
            }
            MakeAnswer::Later(problem) => {
                wish.state = State::Waiting { problem: Some(problem.clone()) };
                Next::Retry(problem.clone())
            }
            MakeAnswer::Refused(problem) => {
                wish.state = State::Refused { problem: problem.clone() };
                Next::Done
            }
        };
        store::tag_wish::save(txn, &wish).await?;
        tracing::info!(tag_wish.id = %wish.id, tag_wish.attempt = wish.attempt, "WeCom was asked for the tag of {}", wish.id);
        Ok(next)
    }
}

async fn make(speaker: &Speaker, to_make: &ToMake) -> MakeAnswer {
    let tag = &to_make.tag;
    // An attempt before this one may have made it.
    if to_make.attempt > 1 {
        match look(speaker, tag).await {
            Ok(None) => {}
            Ok(Some(found)) => return found,
            Err(error) => return answer_of(&error),
        }
    }
    let wanted = NewTags {
        group: TagGroupRef::Name(tag.group.clone()),
        tags: vec![NewTag { name: tag.name.clone(), order: tag.order }],
    };
    let error = match speaker.add_tags(&wanted).await {
        Ok(group) => match made(&group, tag) {
            Some(made) => return made,
            None => CallError::Unclear("the answer does not have the tag".to_owned()),
        },
        Err(error) => error,
    };
    // It may be there: made by this call, or by somebody in WeCom just now.
    if error.class() == Class::Unclear || error.errcode() == Some(NAME_TAKEN) {
        if let Ok(Some(found)) = look(speaker, tag).await {
            return found;
        }
        if error.errcode() == Some(NAME_TAKEN) {
            // WeCom's lists lag behind.
            return MakeAnswer::Later(error.to_string());
        }
    }
    answer_of(&error)
}

/// Looks for a tag by its names.
async fn look(speaker: &Speaker, tag: &WantedTag) -> Result<Option<MakeAnswer>, CallError> {
    let groups = speaker.tags(&TagFilter::All).await?;
    let mut of_name = groups.iter().filter(|group| group.name == tag.group && !group.is_deleted);
    Ok(of_name.find_map(|group| made(group, tag)))
}

fn made(group: &TagGroup, wanted: &WantedTag) -> Option<MakeAnswer> {
    let is_it = |tag: &&client::Tag| tag.name == wanted.name && !tag.is_deleted;
    let found = group.tags.iter().find(is_it)?;
    let tag = Tag { id: found.id.clone(), name: found.name.clone(), order: found.order };
    let group =
        Group { id: group.id.clone(), name: wanted.group.clone(), order: group.order, tags: Vec::new() };
    Some(MakeAnswer::Made(group, tag))
}

fn answer_of(error: &CallError) -> MakeAnswer {
    match error.class() {
        Class::Retry | Class::RefreshToken | Class::Wait | Class::Unclear => {
            MakeAnswer::Later(error.to_string())
        }
        Class::Operator | Class::Stop => MakeAnswer::Refused(error.to_string()),
    }
}
