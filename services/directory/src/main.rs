//! The service directory as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    scrm_process::main::<scrm_directory::Directory>()
}
