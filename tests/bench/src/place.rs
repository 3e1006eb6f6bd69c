//! Where things are: the programs beside this one, and the folder for peers and runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// The folder of this crate in the checkout, with what the peers are written in.
const SOURCES: &str = env!("CARGO_MANIFEST_DIR");

/// The folders that benchmarks work with.
#[derive(Debug, Clone)]
pub struct Place {
    /// With the built programs.
    programs: PathBuf,
    /// For what is installed and for runs; on the disk of the checkout, never in memory.
    home: PathBuf,
}

impl Place {
    /// Finds them from where this program lies: `target/release/scrm-bench` has `target/bench`.
    pub fn find() -> anyhow::Result<Self> {
        let own = std::fs::read_link("/proc/self/exe").context("cannot tell where this program lies")?;
        let mut programs = own.parent().context("a program lies in a folder")?;
        if programs.ends_with("deps") {
            programs = programs.parent().unwrap_or(programs); // a test
        }
        let target = programs.parent().context("the folder of programs lies in the target folder")?;
        Ok(Self { programs: programs.to_owned(), home: target.join("bench") })
    }

    /// Returns a command for a program of this repository, such as `scrm`.
    pub fn program(&self, name: &str) -> anyhow::Result<Command> {
        let path = self.programs.join(name);
        ensure!(path.exists(), "{} is not built: cargo build --release", path.display());
        Ok(Command::new(path))
    }

    /// Returns the folder in which peers are installed.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Returns the folder with what the peers are written in.
    pub fn peers() -> PathBuf {
        Path::new(SOURCES).join("peers")
    }

    /// Returns the root of the checkout.
    pub fn checkout() -> PathBuf {
        Path::new(SOURCES).join("../..")
    }

    /// Makes an empty folder for a run; it is removed when it is dropped.
    pub fn empty_folder(&self) -> anyhow::Result<TempDir> {
        let runs = self.home.join("runs");
        std::fs::create_dir_all(&runs).with_context(|| format!("cannot make {}", runs.display()))?;
        tempfile::Builder::new().prefix("run-").tempdir_in(runs).context("cannot make a folder for a run")
    }
}
