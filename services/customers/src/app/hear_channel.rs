//! A customer came through a channel, whose tags they are to have.

use scrm_db::{Cause, Txn};
use scrm_kernel::{CorpId, ExternalUserId, Timestamp, WecomUserId};
use sea_orm::DbErr;

use super::App;
use super::open_record::{close, open, present_id};
use super::set_tags::change_in;
use crate::domain::happening::{Event, Happening};
use crate::domain::standing::Fact;
use crate::domain::tagging::Tagging;
use crate::store;

/// A customer who came through a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The customer.
    pub(crate) person: ExternalUserId,
    /// Whose contact they became.
    pub(crate) member: WecomUserId,
    /// When.
    pub(crate) fact: Fact,
    /// The channel.
    pub(crate) channel: String,
    /// What it was called.
    pub(crate) channel_name: String,
    /// Its tags.
    pub(crate) tags: Vec<String>,
}

impl App {
    /// Notes the channel, and wants its tags, once however often it is told.
    pub(crate) async fn hear_arrival_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        arrival: &Arrival,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        let before = open(txn, corp, &arrival.person).await?;
        let arrival =
            &Arrival { member: present_id(txn, &before, &arrival.member).await?, ..arrival.clone() };
        let mut record = before.clone();
        record.relation(&arrival.member, txn.now()).standing.note_added(arrival.fact);
        let customer = record.customer.id;
        let at = arrival.fact.occurred_at;
        let added = Happening::with(arrival.member.clone(), at, Event::Added);
        store::timeline::note(txn, corp, customer, &added).await?;
        let event = Event::CameByChannel { id: arrival.channel.clone(), name: arrival.channel_name.clone() };
        let came = Happening::with(arrival.member.clone(), at, event);
        let is_new = store::timeline::note(txn, corp, customer, &came).await?;

        let mut record = close(txn, &before, record).await?;
        let place = record.relations.iter_mut().find(|relation| relation.user == arrival.member);
        let Some(relation) = place.filter(|relation| is_new && relation.is_present()) else { return Ok(()) };
        let before = store::mark::of(txn, corp, relation.id).await?;
        let after = tagged(before.clone(), arrival, txn.now());
        change_in(txn, &record.customer, relation, &before, &after, cause).await
    }
}

/// Wants the tags of a channel, but not those that somebody has decided on since the customer came.
fn tagged(mut tagging: Tagging, arrival: &Arrival, now: Timestamp) -> Tagging {
    for tag in &arrival.tags {
        if tagging.decided_at(tag).is_none_or(|decided_at| decided_at < arrival.fact.occurred_at) {
            tagging.want(tag, true, now);
        }
    }
    tagging
}
