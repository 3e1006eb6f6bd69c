//! The service's tables, step by step.

use scrm_db::migration::{EventTables, IdempotencyTable};
use scrm_mq::keeper::DeadLetterTable;
use scrm_people::PeopleTables;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m001_lead;
mod m002_welcome;
mod m003_routing;
mod m004_lead_without_contact;
mod m010_channel;
mod m020_card;
mod m030_lead_version;
mod m031_transfer;
mod m040_staff;
mod m050_channel_tags;
mod m060_media;
mod m070_lead_lists;
mod m071_greeting_version;
mod m072_lead_owner;

/// All steps, in order.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(EventTables),
            Box::new(m001_lead::Leads),
            Box::new(m002_welcome::Welcomes),
            Box::new(m003_routing::Routing),
            Box::new(m004_lead_without_contact::LeadWithoutContact),
            Box::new(IdempotencyTable),
            Box::new(m010_channel::Channels),
            Box::new(m020_card::Cards),
            Box::new(m030_lead_version::LeadVersion),
            Box::new(m031_transfer::Transfers),
            Box::new(DeadLetterTable),
            Box::new(m040_staff::StaffKnown),
            Box::new(m050_channel_tags::ChannelTags),
            Box::new(m060_media::MediaKept),
            Box::new(m070_lead_lists::LeadLists),
            Box::new(m071_greeting_version::GreetingVersion),
            Box::new(m072_lead_owner::LeadOwner),
            Box::new(PeopleTables),
        ]
    }
}

#[cfg(test)]
mod tests;
