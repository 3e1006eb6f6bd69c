//! A customer was read from WeCom, or is nobody's contact any more.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Failure, StateHandler};
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
        let person = person_of(&event.external_user_id)?;
        let mut listings: Vec<Listing> = Vec::new();
        for follower in &event.followers {
            let listing = listing_of(follower)?;
            // Pages that moved while they were read name a member twice.
            if !listings.iter().any(|other| other.user == listing.user) {
                listings.push(listing);
            }
        }
        let reading = Reading { fact: fact_of(envelope), profile: profile_of(&event), listings };
        self.app.hear_reading_in(txn, envelope.corp, &person, &reading).await?;
        Ok(())
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
