#![doc = include_str!("../README.md")]

mod codegen;
mod layers;

use std::path::PathBuf;
use std::process::ExitCode;

use cargo_metadata::{Metadata, MetadataCommand};
use clap::Parser;

/// The workspace's own checks and generators.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Check who may depend on whom, and the habits that no lint knows.
    Layers,
    /// Write the generated files that are committed.
    Codegen {
        /// Write nothing; fail when a file is stale.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let command = Command::parse();
    let workspace = workspace()?;
    let faults = match command {
        Command::Layers => layers::check(&workspace)?,
        Command::Codegen { check: true } => codegen::stale(&root(&workspace), &codegen::files())?,
        Command::Codegen { check: false } => {
            codegen::write(&root(&workspace), &codegen::files())?;
            Vec::new()
        }
    };
    for fault in &faults {
        eprintln!("{fault}");
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the packages of the workspace, and of nothing else.
fn workspace() -> anyhow::Result<Metadata> {
    Ok(MetadataCommand::new().no_deps().exec()?)
}

fn root(workspace: &Metadata) -> PathBuf {
    workspace.workspace_root.clone().into_std_path_buf()
}
