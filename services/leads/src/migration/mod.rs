//! The service's tables, step by step.

use scrm_db::migration::EventTables;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m001_lead;
mod m002_welcome;
mod m020_card;

/// All steps, in order.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(EventTables),
            Box::new(m001_lead::Leads),
            Box::new(m002_welcome::Welcomes),
            Box::new(m020_card::Cards),
        ]
    }
}
