//! Can `scrm.toml` and the environment be used, and does every table of it mean something?

use std::path::Path;

use scrm_process::keys;
use scrm_wecom::client::Limits;

use super::check::{Check, Fault};
use super::patient::{Patient, Shape};
use crate::folder::Folder;
use crate::installation::{SERVICES, wrong_sections};

const NAME: &str = "configuration";

pub(super) fn check(patient: &Patient) -> Check {
    let file = Folder::at(&patient.data).configuration();
    let mut faults = Vec::new();
    let mend = |what: &str| {
        let file = file.as_ref().map_or_else(|| "scrm.toml".to_owned(), |file| file.display().to_string());
        format!("Mend {what} in {file}, or in the environment (SCRM_…).")
    };
    match file.as_deref().map(scrm_config::tables).transpose() {
        Ok(tables) => {
            let known = known(&patient.shape);
            let tables = tables.unwrap_or_default().into_iter();
            faults.extend(tables.filter(|table| !known.contains(&table.as_str())).map(|table| {
                let remedy = format!("Name it one of {}, or take it out.", known.join(", "));
                Fault::new(format!("the table `{table}` belongs to nothing"), remedy)
            }));
        }
        Err(error) => return Check::failed(NAME, &Fault::new(error.to_string(), mend("what is no TOML"))),
    }
    faults.extend(
        wrong_keys(&patient.shape, file.as_deref())
            .into_iter()
            .map(|problem| Fault::new(problem, mend("the key that is named here"))),
    );
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

/// Returns the tables that mean something.
fn known(shape: &Shape) -> Vec<&'static str> {
    let of_shape = match shape {
        Shape::Embedded(_) => scrm_config::WECOM,
        Shape::Distributed { .. } => scrm_config::DISTRIBUTED,
    };
    [of_shape, scrm_media::TABLE].into_iter().chain(SERVICES).collect()
}

/// Returns what is wrong with the tables that are not those of the processes.
fn wrong_keys(shape: &Shape, file: Option<&Path>) -> Vec<String> {
    let mut wrong: Vec<String> = wrong_sections(file).iter().map(ToString::to_string).collect();
    match scrm_media::Settings::load(file) {
        Ok(media) => wrong.extend(media.check().err().map(|error| error.to_string())),
        Err(error) => wrong.push(error.to_string()),
    }
    if matches!(shape, Shape::Embedded(_)) {
        let limits = scrm_config::load::<Limits>(scrm_config::WECOM, "", file);
        wrong.extend(limits.err().map(|error| error.to_string()));
    }
    wrong
}

/// Services on several machines need the same key files; nobody makes them there.
fn without_keys(patient: &Patient) -> Vec<Fault> {
    let Some(installation) = patient.key_file() else { return Vec::new() };
    let remedy = format!(
        "Run `scrm migrate --data {}`, which makes missing keys, or copy the key file of this installation.",
        patient.folder()
    );
    let unusable = keys::read_installation(&installation).err();
    unusable.map(|error| Fault::new(format!("{error:#}"), remedy)).into_iter().collect()
}
