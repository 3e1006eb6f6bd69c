//! The service customers as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    scrm_process::main::<scrm_customers::Customers>()
}
