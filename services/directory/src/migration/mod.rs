//! The service's tables, step by step.

use scrm_db::migration::EventTables;
use scrm_mq::keeper::DeadLetterTable;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m001_roster;
mod m002_accounts;
mod m003_calendar;

/// All steps, in order.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(EventTables),
            Box::new(DeadLetterTable),
            Box::new(m001_roster::Rosters),
            Box::new(m002_accounts::Accounts),
            Box::new(m003_calendar::Calendars),
        ]
    }
}
