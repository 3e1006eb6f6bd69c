//! Can `scrm.toml` and the environment be used, and does every table of it mean something?

use scrm_process::keys;

use super::check::{Check, Fault};
use super::patient::{Patient, Shape};
use crate::folder::Folder;
use crate::installation::SERVICES;

const NAME: &str = "configuration";

pub(super) fn check(patient: &Patient) -> Check {
    let file = Folder::at(&patient.data).configuration();
    let mut faults = Vec::new();
    let mend = |what: &str| {
        let file = file.as_ref().map_or_else(|| "scrm.toml".to_owned(), |file| file.display().to_string());
        format!("Mend {what} in {file}, or in the environment (SCRM_…).")
    };
    match file.as_deref().map(scrm_config::tables).transpose() {
        Ok(tables) => faults.extend(unknown(&tables.unwrap_or_default()).map(|table| {
            let known = SERVICES.join(", ");
            let remedy = format!("Name it {}, or one of {known}, or take it out.", scrm_config::DISTRIBUTED);
            Fault::new(format!("the table `{table}` belongs to nothing"), remedy)
        })),
        Err(error) => return Check::failed(NAME, &Fault::new(error.to_string(), mend("what is no TOML"))),
    }
    if let Err(problem) = &patient.ingest {
        faults.push(Fault::new(problem, mend("the key that is named here")));
    }
    match &patient.shape {
        Shape::Embedded(_) => {
            let file = file.map_or_else(
                || "no scrm.toml: the defaults hold".to_owned(),
                |file| file.display().to_string(),
            );
            Check::of_all(NAME, &[format!("all services in one process; {file}")], faults)
        }
        Shape::Distributed { settings, file } => {
            if let Err(problem) = settings {
                faults.push(Fault::new(problem, mend("the key that is named here")));
            }
            faults.extend(without_keys(patient));
            let well = format!("services as processes of their own; {}", file.display());
            Check::of_all(NAME, &[well], faults)
        }
    }
}

fn unknown(tables: &[String]) -> impl Iterator<Item = &String> {
    let is_known = |table: &str| table == scrm_config::DISTRIBUTED || SERVICES.contains(&table);
    tables.iter().filter(move |table| !is_known(table))
}

/// Services on several machines need the same key files; nobody makes them there.
fn without_keys(patient: &Patient) -> Vec<Fault> {
    let Some([installation, tokens]) = patient.key_files() else { return Vec::new() };
    let remedy = format!(
        "Run `scrm migrate --data {}`, which makes missing keys, or copy the key files of this installation.",
        patient.folder()
    );
    let unusable = [keys::read_installation(&installation).err(), keys::read_tokens(&tokens).err()];
    unusable.into_iter().flatten().map(|error| Fault::new(format!("{error:#}"), remedy.clone())).collect()
}
