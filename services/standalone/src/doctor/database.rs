//! Is the database of every service there, sound, and as new as this program?

use std::time::Duration;

use scrm_db::Db;
use sea_orm::{DbErr, FromQueryResult, Statement};

use super::check::{Check, Fault};
use super::patient::{Opened, Patient, Shape};

const NAME: &str = "database";
/// Where sea-orm notes which steps were taken.
const STEPS: &str = "seaql_migrations";
/// How long a file may be read: a large one is not checked to its end.
const READING: Duration = Duration::from_secs(20);

pub(super) async fn check(patient: &Patient) -> Check {
    if patient.databases.is_empty() {
        return Check::skipped(NAME, "the configuration does not say where the databases are");
    }
    if patient.databases.iter().all(|opened| matches!(opened.db, Ok(None))) {
        return Check::skipped(NAME, format!("there is none yet; {} makes them", patient.start_command()));
    }
    let (mut well, mut faults) = (Vec::<(String, Vec<&str>)>::new(), Vec::new());
    for opened in &patient.databases {
        match examine(opened, patient).await {
            // Services that are equally well are told together.
            Ok(found) => match well.iter_mut().find(|(known, _)| *known == found) {
                Some((_, services)) => services.push(opened.service),
                None => well.push((found, vec![opened.service])),
            },
            Err(fault) => {
                let found = format!("{}: {}", opened.service, fault.found);
                faults.push(Fault::new(found, fault.remedy));
            }
        }
    }
    let well = well.into_iter().map(|(found, services)| format!("{}: {found}", services.join(", ")));
    Check::of_all(NAME, &well.collect::<Vec<_>>(), faults)
}

async fn examine(opened: &Opened, patient: &Patient) -> Result<String, Fault> {
    let db = match &opened.db {
        Ok(Some(db)) => db,
        Ok(None) => return Err(Fault::new("its file is missing", restore(patient))),
        Err(problem) => return Err(Fault::new(problem, unreachable(patient))),
    };
    let soundness = if db.is_sqlite() {
        soundness(db).await.map_err(|problem| Fault::new(problem, restore(patient)))?
    } else {
        "it answers"
    };
    let taken = steps(db).await.map_err(|error| Fault::new(error.to_string(), unreachable(patient)))?;
    let pending = opened.migrations.iter().filter(|step| !taken.contains(step)).count();
    let unknown = taken.iter().filter(|step| !opened.migrations.contains(step)).count();
    if unknown > 0 {
        let remedy = "Run the version of scrm that was run last, or a newer one.";
        return Err(Fault::new(format!("a newer version made {unknown} changes to its tables"), remedy));
    }
    if pending > 0 {
        let remedy =
            format!("Run `scrm migrate --data {}`; in one process, a start does the same.", patient.folder());
        return Err(Fault::new(format!("{pending} changes to its tables are still to be made"), remedy));
    }
    Ok(format!("{soundness}, its tables are up to date"))
}

fn unreachable(patient: &Patient) -> String {
    match patient.shape {
        Shape::Embedded(_) => restore(patient),
        Shape::Distributed { .. } => format!(
            "See that PostgreSQL runs, and that `database.url` names it with the right user and password; \
             `scrm migrate --data {}` makes databases that are missing.",
            patient.folder()
        ),
    }
}

fn restore(patient: &Patient) -> String {
    format!("Stop what uses {0} and put the whole folder `db` back from your back-up.", patient.folder())
}

/// Reads a whole SQLite file for damage.
pub(super) async fn soundness(db: &Db) -> Result<&'static str, String> {
    #[derive(FromQueryResult)]
    struct Row {
        quick_check: String,
    }
    let statement = Statement::from_string(db.reader().get_database_backend(), "PRAGMA quick_check(1)");
    let reading = Row::find_by_statement(statement).all(db.reader());
    let Ok(rows) = tokio::time::timeout(READING, reading).await else {
        return Ok("too large to be read to the end here");
    };
    match rows.map_err(|error| error.to_string())?.as_slice() {
        [row] if row.quick_check == "ok" => Ok("sound"),
        rows => {
            let first = rows.first().map_or("nothing was said", |row| row.quick_check.as_str());
            Err(format!("damaged: {first}"))
        }
    }
}

/// Returns the steps that were taken.
pub(super) async fn steps(db: &Db) -> Result<Vec<String>, DbErr> {
    #[derive(FromQueryResult)]
    struct Row {
        version: String,
    }
    let sql = format!("SELECT version FROM {STEPS}");
    let statement = Statement::from_string(db.reader().get_database_backend(), sql);
    match Row::find_by_statement(statement).all(db.reader()).await {
        Ok(rows) => Ok(rows.into_iter().map(|row| row.version).collect()),
        // The table is made by the first step.
        Err(error) if error.to_string().contains(STEPS) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
