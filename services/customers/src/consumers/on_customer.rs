//! A customer was read from WeCom, or is nobody's contact any more.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::ExternalUserId;
use scrm_mq::{Failure, Readable, StateHandler};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::{CustomerGone, CustomerRead, Follower};

use super::parse::{fact_of, member_of, moment, person_of, text};
use crate::app::App;
use crate::domain::customer::{Gender, Kind, Profile};
use crate::domain::record::{Listing, Notes, Reading};

pub(super) struct OnCustomerRead {
    pub(super) app: Arc<App>,
}

pub(super) struct OnCustomerGone {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<CustomerRead> for OnCustomerRead {
    async fn handle(&self, txn: &Txn, event: CustomerRead, envelope: &Envelope) -> Result<(), Failure> {
        let (person, reading) = reading_of(&event, envelope)?;
        self.app.hear_reading_in(txn, envelope.corp, &person, &reading).await?;
        Ok(())
    }

    const HANDLES_AT_ONCE: bool = true;

    async fn handle_at_once(
        &self,
        txn: &Txn,
        events: &[(CustomerRead, &Envelope)],
    ) -> Result<Vec<bool>, Failure> {
        let Some(read) = Readable::of(events, reading_of) else { return Ok(Vec::new()) };
        let are_known = self.app.hear_readings_in(txn, read.corp, &read.said).await?;
        Ok(read.spread(are_known))
    }
}

#[async_trait]
impl StateHandler<CustomerGone> for OnCustomerGone {
    async fn handle(&self, txn: &Txn, event: CustomerGone, envelope: &Envelope) -> Result<(), Failure> {
        let person = person_of(&event.external_user_id)?;
        self.app.hear_gone_in(txn, envelope.corp, &person, fact_of(envelope)).await?;
        Ok(())
    }
}

fn reading_of(event: &CustomerRead, envelope: &Envelope) -> Result<(ExternalUserId, Reading), Failure> {
    let person = person_of(&event.external_user_id)?;
    let mut listings: Vec<Listing> = Vec::new();
    for follower in &event.followers {
        let listing = listing_of(follower)?;
        // Pages that moved while they were read name a member twice.
        if !listings.iter().any(|other| other.user == listing.user) {
            listings.push(listing);
        }
    }
    Ok((person, Reading { fact: fact_of(envelope), profile: profile_of(event), listings }))
}

fn profile_of(event: &CustomerRead) -> Profile {
    Profile {
        name: text(&event.name),
        kind: Kind::of_number(event.r#type),
        gender: Gender::of_number(event.gender),
        avatar: text(&event.avatar),
        unionid: text(&event.unionid),
        corp_name: text(&event.corp_name),
        position: text(&event.position),
    }
}

fn listing_of(follower: &Follower) -> Result<Listing, Failure> {
    Ok(Listing {
        user: member_of(&follower.user_id)?,
        met_at: moment(follower.added_at),
        notes: Notes {
            remark: text(&follower.remark),
            add_way: follower.add_way,
            channel: text(&follower.state),
        },
        tags: follower.tag_ids.iter().map(|tag| text(tag)).collect(),
    })
}
