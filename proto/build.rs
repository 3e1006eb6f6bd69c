//! Compiles the event contracts; protox is a compiler in Rust, so no `protoc` is needed.

use std::error::Error;

const CONTRACTS: [&str; 5] = [
    "scrm/wecom/v1/events.proto",
    "scrm/ingest/v1/events.proto",
    "scrm/directory/v1/events.proto",
    "scrm/leads/v1/events.proto",
    "scrm/customers/v1/events.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    for contract in CONTRACTS {
        println!("cargo::rerun-if-changed={contract}");
    }
    let files = protox::compile(CONTRACTS, ["."])?;
    prost_build::Config::new().compile_fds(files)?;
    Ok(())
}
