//! Are the queues there?

use std::time::Duration;

use scrm_db::Database;
use scrm_ingest::Ingest;
use scrm_mq::Topology;
use scrm_mq::rabbit::Rabbit;
use scrm_process::Service as _;

use super::check::{Check, Fault};
use super::database::{soundness, steps};
use super::patient::{Patient, Shape, peek};
use crate::folder::Folder;

const NAME: &str = "broker";
/// How long RabbitMQ may take for all questions.
const PATIENCE: Duration = Duration::from_secs(15);
/// Names that are told of what is missing.
const MOST_TOLD: usize = 3;

pub(super) async fn check(patient: &Patient) -> Check {
    match &patient.shape {
        Shape::Embedded(folder) => file(patient, folder).await,
        Shape::Distributed { .. } => server(patient).await,
    }
}

async fn file(patient: &Patient, folder: &Folder) -> Check {
    let path = folder.queues();
    let lost = |problem: String| {
        let remedy = format!(
            "Stop what uses {0}, move {1} away with its -wal and -shm, start again, and run `scrm republish`.",
            patient.folder(),
            path.display()
        );
        Check::failed(NAME, &Fault::new(format!("{}: {problem}", path.display()), remedy))
    };
    let db = match peek(&Database::File(path.clone()), &patient.clock).await {
        Ok(Some(db)) => db,
        Ok(None) => {
            return Check::skipped(NAME, format!("no queues yet; {} makes them", patient.start_command()));
        }
        Err(error) => return lost(format!("{error:#}")),
    };
    let soundness = match soundness(&db).await {
        Ok(found) => found,
        Err(problem) => return lost(problem),
    };
    match steps(&db).await {
        Ok(steps) if steps.is_empty() => lost("it has no queues".to_owned()),
        Ok(_) => Check::ok(NAME, format!("the queues are in {}: {soundness}", path.display())),
        Err(error) => lost(error.to_string()),
    }
}

async fn server(patient: &Patient) -> Check {
    let Some(settings) = patient.settings(Ingest::NAME) else {
        return Check::skipped(NAME, "the configuration does not say where it is");
    };
    match Rabbit::missing(settings.broker(), Topology::of_all_services(), PATIENCE).await {
        Ok(missing) if missing.is_empty() => {
            Check::ok(NAME, "RabbitMQ answers, and every exchange and queue is declared")
        }
        Ok(missing) => {
            let told = missing.iter().take(MOST_TOLD).cloned().collect::<Vec<_>>().join(", ");
            let more = if missing.len() > MOST_TOLD { ", …" } else { "" };
            let found = format!("{} exchanges or queues are missing: {told}{more}", missing.len());
            let remedy = format!(
                "Run `scrm migrate --data {}`; if they were there before, `scrm republish` afterwards.",
                patient.folder()
            );
            Check::failed(NAME, &Fault::new(found, remedy))
        }
        Err(error) => {
            let remedy = "See that RabbitMQ runs, and that `broker.url` names it with the right user, password and host.";
            Check::failed(NAME, &Fault::new(error.to_string(), remedy))
        }
    }
}
