//! The service's tables, step by step.

use scrm_db::migration::EventTables;
use scrm_mq::keeper::DeadLetterTable;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m001_connections;
mod m002_callback;
mod m003_tokens;
mod m004_submission;
mod m005_look;
mod m006_known;
mod m007_reconciliation;
mod m030_callback_replay;
mod m031_traceparent;
mod m032_half_contact;
mod m033_suites;
mod m034_versions;
mod m035_door_key;

/// All steps, in order.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m001_connections::Connections),
            Box::new(m002_callback::Callbacks),
            Box::new(m003_tokens::Tokens),
            Box::new(EventTables),
            Box::new(m004_submission::Submissions),
            Box::new(m005_look::Looks),
            Box::new(m006_known::Known),
            Box::new(m007_reconciliation::Reconciliations),
            Box::new(DeadLetterTable),
            Box::new(m030_callback_replay::CallbackReplay),
            Box::new(m031_traceparent::Traceparent),
            Box::new(m032_half_contact::HalfContact),
            Box::new(m033_suites::Suites),
            Box::new(m034_versions::Versions),
            Box::new(m035_door_key::DoorKey),
        ]
    }
}
