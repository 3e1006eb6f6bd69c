//! Is the data folder there, writable, roomy and private, and who uses it?

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::check::{Check, Fault};
use super::patient::{Patient, Shape};
use crate::folder::{Folder, Use};

const NAME: &str = "data folder";
/// Below that, a busy day may fill the disk.
const LEAST_FREE: u64 = 512 * MIB;
const MIB: u64 = 1024 * 1024;
/// How long a process may take to say that it is alive.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn check(patient: &Patient) -> Check {
    let data = &patient.data;
    if !data.exists() {
        let found = format!("{} is not there yet; {} makes it", data.display(), patient.start_command());
        return Check::skipped(NAME, found);
    }
    if !data.is_dir() {
        let remedy = "Name another folder, or move that file away.";
        return Check::failed(NAME, &Fault::new(format!("{} is no folder", data.display()), remedy));
    }
    let (mut well, mut faults) = (Vec::new(), Vec::new());
    for part in [Path::new(""), Path::new("keys"), Path::new("db")] {
        faults.extend(unwritable(&data.join(part)));
    }
    faults.extend(patient.key_file().and_then(|file| readable_by_others(&file)));
    match free(data) {
        Ok(free) => match scarce(free) {
            None => well.push(format!("{} MiB are free", free / MIB)),
            Some(fault) => faults.push(fault),
        },
        Err(error) => well.push(format!("nobody knows how much is free: {error}")),
    }
    if let Shape::Embedded(folder) = &patient.shape {
        match user(folder).await {
            Ok(user) => well.push(user),
            Err(fault) => faults.push(fault),
        }
    }
    Check::of_all(NAME, &well, faults)
}

/// Tries to write where the services do; a part that is not there yet is no fault.
fn unwritable(folder: &Path) -> Option<Fault> {
    if !folder.exists() {
        return None;
    }
    let trial = folder.join(format!(".doctor-{}", std::process::id()));
    let written = OpenOptions::new().create_new(true).write(true).open(&trial).and_then(|file| {
        file.sync_all()?;
        fs::remove_file(&trial)
    });
    let found = format!("cannot write into {}: {}", folder.display(), written.err()?);
    Some(Fault::new(
        found,
        "Make it a folder that belongs to the user who runs the services, on a disk that takes writes.",
    ))
}

/// Keys are for their owner alone.
fn readable_by_others(file: &Path) -> Option<Fault> {
    let mode = fs::metadata(file).ok()?.permissions().mode() & 0o777;
    let found = format!("{} can be read by others (mode {mode:o})", file.display());
    (mode & 0o077 != 0).then(|| Fault::new(found, format!("Run `chmod 600 {}`.", file.display())))
}

fn free(folder: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn scarce(free: u64) -> Option<Fault> {
    let found = format!("only {} MiB are free", free / MIB);
    let remedy = format!("Make room: at least {} MiB on the disk of the data folder.", LEAST_FREE / MIB);
    (free < LEAST_FREE).then(|| Fault::new(found, remedy))
}

/// Says who uses the folder.
async fn user(folder: &Folder) -> Result<String, Fault> {
    let (pid, address) = match folder.used_by() {
        Use::Nobody => return Ok("no process uses it".to_owned()),
        Use::Unknown => return Ok("nobody knows whether a process uses it".to_owned()),
        Use::Starting { pid } => return Ok(format!("process {pid} uses it and is still starting")),
        Use::Serving { pid, address } => (pid, address),
    };
    if is_alive(&format!("http://{address}")).await {
        return Ok(format!("process {pid} uses it and answers on http://{address}"));
    }
    let found = format!("process {pid} uses it and does not answer on http://{address}");
    Err(Fault::new(found, format!("Look into its log, then end process {pid} and start it again.")))
}

/// Asks a process for a sign of life.
async fn is_alive(url: &str) -> bool {
    let Ok(client) = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build() else { return false };
    client.get(format!("{url}/healthz")).send().await.is_ok_and(|answer| answer.status().is_success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_nearly_full_is_a_fault() {
        assert_eq!(scarce(LEAST_FREE), None);
        assert_eq!(scarce(3 * MIB).unwrap().found, "only 3 MiB are free");
        assert!(free(Path::new("/")).is_ok());
    }
}
