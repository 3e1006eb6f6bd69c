//! The service's tables, step by step.

use scrm_db::migration::{EventTables, IdempotencyTable};
use scrm_mq::keeper::DeadLetterTable;
use scrm_people::PeopleTables;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m001_customer;
mod m002_tag;
mod m003_staff;
mod m004_tag_wish;
mod m005_staff_alias;

/// All steps, in order.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(EventTables),
            Box::new(DeadLetterTable),
            Box::new(m001_customer::Customers),
            Box::new(m002_tag::Tags),
            Box::new(m003_staff::People),
            Box::new(m004_tag_wish::TagWishes),
            Box::new(IdempotencyTable),
            Box::new(m005_staff_alias::FormerIds),
            Box::new(PeopleTables),
        ]
    }
}
