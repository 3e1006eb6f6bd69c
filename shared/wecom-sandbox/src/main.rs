//! `wecom-sandbox`: a simulated WeCom as a program of its own.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use actix_web::{App, HttpServer};
use anyhow::Context as _;
use clap::Parser;
use scrm_kernel::{Clock, Lifecycle};
use scrm_wecom_sandbox::{ArrivalPlan, Sandbox};

/// A simulated WeCom: a scripted company whose customers arrive and whose callbacks reach your server.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The port of the API, the control API and the page; 0 takes any free one.
    #[arg(long, default_value_t = 8081)]
    port: u16,
    /// The folder that keeps credentials and numbering; made if missing.
    #[arg(long, default_value = "data/wecom-sandbox")]
    data: PathBuf,
    /// Which company; a folder that has one keeps its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Mean arrivals of customers per second; 0 = nobody arrives by himself.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Where callbacks go; kept in the folder.
    #[arg(long)]
    callback_url: Option<String>,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    listen: IpAddr,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if (0.0..=100_000.0).contains(&speed) { Ok(speed) } else { Err("must be from 0 to 100000".to_owned()) }
}

#[actix_web::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wecom-sandbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let sandbox = Sandbox::open(&arguments.data, arguments.seed, Clock::system())?;
    if let Some(url) = &arguments.callback_url {
        sandbox.set_callback_url("demo", url)?;
    }

    let routed = sandbox.clone();
    let server = HttpServer::new(move || App::new().configure(|config| routed.routes(config)))
        .workers(2)
        .bind((arguments.listen, arguments.port))
        .with_context(|| format!("cannot listen on {}:{}", arguments.listen, arguments.port))?;
    for address in server.addrs() {
        println!("wecom-sandbox listens on http://{address}");
    }

    let lifecycle = Lifecycle::new();
    sandbox.arrivals(ArrivalPlan { speed: arguments.speed, ..ArrivalPlan::default() }, &lifecycle);
    let server = server.run();
    let handle = server.handle();
    let failing = lifecycle.clone();
    actix_web::rt::spawn(async move {
        failing.stopping().await;
        handle.stop(true).await;
    });
    // Ends on Ctrl-C, on a polite kill, or when a task has failed.
    server.await?;
    lifecycle.stop();
    let ended_well = lifecycle.finish(Duration::from_secs(10)).await;
    anyhow::ensure!(ended_well, "the sandbox did not end in order");
    Ok(())
}
