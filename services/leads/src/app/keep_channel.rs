//! Making WeCom's contact way what is wanted of a channel.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use scrm_db::{Cause, Txn};
use scrm_kernel::{ChannelId, CorpId, Timestamp};
use scrm_mq::{Claim, Next};
use scrm_wecom::client::{CallError, Class, ContactWayChange, NewContactWay, Speaker, WayKind};
use sea_orm::DbErr;

use super::App;
use super::tune_channel::tell;
use crate::domain::channel_sync::{After, Channel, Trouble, Turn, Way, WaySync, Work};
use crate::store;

/// How long a call may take, with its looking first.
const LEASE: Duration = Duration::from_mins(2);
const PATIENCE: Duration = Duration::from_secs(110);
/// How far before an unclear call to look for what it made: WeCom's clock is not ours.
const SKEW: Duration = Duration::from_hours(1);
/// Ways that are read at once.
const READERS: usize = 4;
/// There is no such way (any more).
const NO_SUCH_WAY: i64 = 41044;

/// A call that is this process's to make.
pub(crate) struct ToKeep {
    corp: CorpId,
    id: ChannelId,
    attempt: i32,
    tag: String,
    way: Way,
    work: Work,
    /// Ways that belong to known channels.
    known: Vec<String>,
}

/// What became of it.
pub(crate) struct WayAnswer {
    /// The way that was made or found, with the address of its code.
    made: Option<(String, Option<String>)>,
    result: Result<(), Trouble>,
}

impl App {
    /// Claims the call that makes WeCom's way what is wanted, if there is one to make.
    pub(crate) async fn claim_channel_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        id: ChannelId,
    ) -> Result<Claim<ToKeep>, DbErr> {
        let Some(channel) = store::channel::lock(txn, corp, id).await? else { return Ok(Claim::Nothing) };
        let (now, before) = (txn.now(), channel.sync.clone());
        match before.clone().turn(now, now + LEASE) {
            Turn::Busy(until) => Ok(Claim::Busy { until }),
            Turn::Gone => {
                store::channel::bury(txn, id, now).await?;
                Ok(Claim::Nothing)
            }
            Turn::Nothing(after) => {
                if after != before {
                    store::channel::save(txn, &Channel { sync: after, ..channel }).await?;
                }
                Ok(Claim::Nothing)
            }
            Turn::Call(sync, work) => {
                let known = match looks_since(&work) {
                    Some(since) => store::channel::known_ways(txn, corp, since - SKEW).await?,
                    None => Vec::new(),
                };
                let WaySync { attempt, wanted: way, .. } = sync.clone();
                let channel = Channel { sync, ..channel };
                store::channel::save(txn, &channel).await?;
                Ok(Claim::Call(ToKeep { corp, id, attempt, tag: channel.tag, way, work, known }))
            }
        }
    }

    /// Makes the call.
    pub(crate) async fn keep_way(&self, to_keep: &ToKeep) -> WayAnswer {
        let mut made = None;
        let speaker = self.wecom.of(to_keep.corp, None);
        let work = carry_out(&speaker, to_keep, self.db.clock().now(), &mut made);
        let result = match tokio::time::timeout(PATIENCE, work).await {
            Ok(result) => result.map_err(|error| trouble_of(&error)),
            Err(_) => Err(Trouble::Unclear(format!("WeCom took longer than {PATIENCE:?}"))),
        };
        WayAnswer { made, result }
    }

    /// Records what WeCom answered.
    pub(crate) async fn record_way_in(
        &self,
        txn: &Txn,
        to_keep: &ToKeep,
        answer: &WayAnswer,
    ) -> Result<Next, DbErr> {
        let ToKeep { corp, id, attempt, way, work, .. } = to_keep;
        let Some(mut channel) = store::channel::lock(txn, *corp, *id).await? else { return Ok(Next::Done) };
        if channel.sync.attempt != *attempt {
            // The lease was over and somebody else is at it, who looks first and finds what this call made.
            return Ok(Next::Done);
        }
        if let Some((config_id, qr_code)) = &answer.made {
            channel.sync.config_id = Some(config_id.clone());
            channel.qr_code.clone_from(qr_code);
        }
        let (sync, after) = channel.sync.answered(way, work, answer.result.clone());
        let (now, state) = (txn.now(), sync.state.as_str());
        let channel = Channel { sync, ..channel };
        store::channel::save(txn, &channel).await?;
        tracing::info!(channel.id = %id, sync.state = state, "The contact way of channel {id} is {state}");
        match after {
            After::Rest => Ok(Next::Done),
            After::Gone => {
                store::channel::bury(txn, *id, now).await?;
                Ok(Next::Done)
            }
            After::GoOn => {
                tell(txn, &channel, &Cause::here(now)).await?;
                Ok(Next::Done)
            }
            After::Retry(problem) => Ok(Next::Retry(problem)),
        }
    }
}

/// Returns since when a way may have been made that has to be looked for.
fn looks_since(work: &Work) -> Option<Timestamp> {
    match work {
        Work::Make { unclear_since } => *unclear_since,
        Work::FindAndDelete(since) => Some(*since),
        Work::Change(_) | Work::Delete(_) => None,
    }
}

async fn carry_out(
    speaker: &Speaker,
    to_keep: &ToKeep,
    now: Timestamp,
    made: &mut Option<(String, Option<String>)>,
) -> Result<(), CallError> {
    let found = match looks_since(&to_keep.work) {
        Some(since) => find(speaker, to_keep, since, now).await?,
        None => None,
    };
    made.clone_from(&found);
    match (&to_keep.work, found.as_ref()) {
        (Work::Make { .. }, None) => {
            let Way { users, remark, skip_verify } = to_keep.way.clone();
            let way = NewContactWay {
                // WeCom does not let the kind change later, and lets one member stand for several.
                kind: WayKind::Several,
                remark,
                skip_verify,
                state: to_keep.tag.clone(),
                users,
                departments: Vec::new(),
                is_exclusive: false,
            };
            let created = speaker.add_contact_way(&way).await?;
            let qr_code = match created.qr_code {
                Some(qr_code) => Some(qr_code),
                // Without it the channel still works; the next change does not ask again.
                None => speaker.contact_way(&created.config_id).await.ok().and_then(|way| way.qr_code),
            };
            *made = Some((created.config_id, qr_code));
            Ok(())
        }
        (Work::Make { .. }, Some((config_id, _))) | (Work::Change(config_id), _) => {
            change(speaker, config_id, &to_keep.way).await
        }
        (Work::FindAndDelete(_), None) => Ok(()),
        (Work::Delete(config_id), _) | (Work::FindAndDelete(_), Some((config_id, _))) => {
            match speaker.delete_contact_way(config_id).await {
                Err(error) if error.errcode() == Some(NO_SUCH_WAY) => Ok(()),
                result => result,
            }
        }
    }
}

async fn change(speaker: &Speaker, config_id: &str, way: &Way) -> Result<(), CallError> {
    let Way { users, remark, skip_verify } = way.clone();
    let change = ContactWayChange {
        users: Some(users),
        remark: Some(remark),
        skip_verify: Some(skip_verify),
        ..ContactWayChange::of(config_id)
    };
    speaker.update_contact_way(&change).await
}

/// Looks for a way with the channel's `state` among those made since an unclear call.
async fn find(
    speaker: &Speaker,
    to_keep: &ToKeep,
    since: Timestamp,
    now: Timestamp,
) -> Result<Option<(String, Option<String>)>, CallError> {
    let ids = speaker.contact_ways(since - SKEW, now);
    let strangers = ids.try_filter(|id| std::future::ready(!to_keep.known.contains(id)));
    let ways = strangers.map_ok(|id| async move { speaker.contact_way(&id).await });
    let mut ways = ways.try_buffer_unordered(READERS).boxed();
    while let Some(way) = ways.next().await {
        match way {
            Ok(way) if way.state == to_keep.tag => return Ok(Some((way.config_id, way.qr_code))),
            Ok(_) => {}
            // Deleted between the list and the reading.
            Err(error) if error.errcode() == Some(NO_SUCH_WAY) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn trouble_of(error: &CallError) -> Trouble {
    let problem = error.to_string();
    match error.class() {
        Class::Retry | Class::RefreshToken | Class::Wait => Trouble::Later(problem),
        Class::Unclear => Trouble::Unclear(problem),
        Class::Operator | Class::Stop => Trouble::Refused(problem),
    }
}
