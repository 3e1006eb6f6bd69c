//! The command `scrm`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand, ValueEnum};
use scrm_customers::Customers;
use scrm_directory::Directory;
use scrm_ingest::Ingest;
use scrm_kernel::access::BuiltIn;
use scrm_leads::Leads;
use scrm_process::Service as _;
use scrm_standalone::{access, dead, demo, doctor, reconcile, republish, serve, setup_code, token};
use scrm_telemetry::{Format, Traces};

/// Hongyan (鸿雁): the SCRM for enterprises on WeCom, all services in one process.
#[derive(Parser)]
#[command(name = "scrm", version)]
struct Arguments {
    /// What to log, such as `info` or `info,scrm_leads=debug`.
    #[arg(long, global = true, default_value = "warn")]
    log: String,
    /// Log as JSON.
    #[arg(long, global = true)]
    log_json: bool,
    /// Where traces go: a collector that takes OTLP as protobuf over HTTP, such as `http://localhost:4318/v1/traces`.
    #[arg(long, global = true, value_name = "URL")]
    traces: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look at what consumers gave up, and decide about it; works on the running services.
    Dead(dead::Dead),
    /// Look whether everything that an installation stands on is as it should be, and say what to do where it is not.
    Doctor {
        /// The data folder.
        #[arg(long)]
        data: PathBuf,
        /// Print JSON, one object.
        #[arg(long)]
        json: bool,
    },
    /// A simulated company on a simulated WeCom comes alive.
    Demo(Demo),
    /// Have the running services compare everything with WeCom, because callbacks get lost; ends when that is done.
    Reconcile {
        /// Which enterprise, by our id or WeCom's; the first one if absent.
        #[arg(long)]
        corp: Option<String>,
        /// The data folder.
        #[arg(long)]
        data: PathBuf,
    },
    /// Have the running services send again what they sent, after a broker was lost or restored.
    Republish {
        /// Since when, such as 2026-01-31T08:00:00Z; at most 7 days ago.
        #[arg(long)]
        since: String,
        /// Only this service.
        #[arg(long)]
        service: Option<String>,
        /// The data folder.
        #[arg(long)]
        data: PathBuf,
    },
    /// Run all services on a data folder.
    Serve(Serve),
    /// Bring all tables and queues of an installation up to date, and make its keys.
    Migrate {
        /// The data folder; made if missing.
        #[arg(long)]
        data: PathBuf,
    },
    /// Print the OpenAPI document of a service.
    #[command(hide = true)]
    Openapi {
        /// Which one.
        service: ServiceName,
    },
    /// Print which role may use which route.
    #[command(hide = true)]
    Access,
    /// Print the one-time code with which the first administrator is made.
    SetupCode {
        /// Which enterprise, by our id or WeCom's; the first one if absent.
        #[arg(long)]
        corp: Option<String>,
        /// The data folder.
        #[arg(long)]
        data: PathBuf,
    },
    /// Print a token for the HTTP API, valid for one hour.
    Token {
        /// What the token allows: that of a built-in role, such as admin, sales or auditor.
        #[arg(long, value_parser = role)]
        role: BuiltIn,
        /// Which enterprise, by our id or WeCom's; the first one if absent.
        #[arg(long)]
        corp: Option<String>,
        /// Which member of the staff, by WeCom's id: the token reaches what they would.
        #[arg(long)]
        staff: Option<String>,
        /// The data folder.
        #[arg(long)]
        data: PathBuf,
    },
}

#[derive(Args)]
struct Serve {
    /// Port of the HTTP API and the callbacks; 0 takes any free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The data folder; made if missing.
    #[arg(long)]
    data: PathBuf,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    listen: IpAddr,
}

#[derive(Args)]
struct Demo {
    #[command(flatten)]
    serve: Serve,
    /// Port of the simulated WeCom.
    #[arg(long, default_value_t = 8081)]
    sandbox_port: u16,
    /// Which company; a folder that has one keeps its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Mean arrivals of customers per second; 0 = nobody arrives by himself.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Stop after this many leads, count from outside, and print the result as the last line.
    #[arg(long, value_name = "LEADS")]
    once: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ServiceName {
    Directory,
    Ingest,
    Leads,
    Customers,
}

fn role(text: &str) -> Result<BuiltIn, String> {
    let names = || BuiltIn::ALL.map(BuiltIn::as_str).join(", ");
    BuiltIn::parse(text).ok_or_else(|| format!("must be one of {}", names()))
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if (0.0..=100_000.0).contains(&speed) { Ok(speed) } else { Err("must be from 0 to 100000".to_owned()) }
}

fn main() -> ExitCode {
    let begun = Instant::now();
    scrm_process::use_small_pages();
    let arguments = Arguments::parse();
    match scrm_process::runtime() {
        Ok(runtime) => runtime.block_on(start(arguments, begun)),
        Err(error) => {
            eprintln!("scrm: cannot start the runtime: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start(arguments: Arguments, begun: Instant) -> ExitCode {
    let format = if arguments.log_json { Format::Json } else { Format::Pretty };
    let traces = arguments
        .traces
        .or_else(|| scrm_config::variable(scrm_telemetry::ENDPOINT))
        .map(|endpoint| Traces { endpoint, service: "scrm".to_owned() });
    let outcome = match scrm_telemetry::start(format, &arguments.log, traces.as_ref()) {
        Ok(exporter) => {
            let outcome = Box::pin(run(arguments.command, begun)).await;
            if let Some(exporter) = exporter {
                exporter.finish();
            }
            outcome
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("scrm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print_lines(lines: Vec<String>) {
    for line in lines {
        println!("{line}");
    }
}

async fn run(command: Command, begun: Instant) -> anyhow::Result<ExitCode> {
    scrm_process::arm_crash()?;
    let outcome = match command {
        Command::Doctor { data, json } => {
            let report = Box::pin(doctor::examine(&data)).await;
            print_lines(if json { vec![serde_json::to_string(&report)?] } else { report.lines() });
            return Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Serve(Serve { port, data, listen }) => {
            Box::pin(serve::run(&data, SocketAddr::new(listen, port))).await
        }
        Command::Reconcile { corp, data } => reconcile::run(&data, corp.as_deref()).await,
        Command::Dead(dead) => {
            print_lines(dead::run(dead).await?);
            Ok(())
        }
        Command::Republish { since, service, data } => {
            print_lines(republish::run(&data, &since, service.as_deref()).await?);
            Ok(())
        }
        Command::Migrate { data } => serve::migrate(&data).await,
        Command::Access => {
            print!("{}", access::table()?);
            Ok(())
        }
        Command::Openapi { service } => {
            let document = match service {
                ServiceName::Directory => Directory::openapi(),
                ServiceName::Ingest => Ingest::openapi(),
                ServiceName::Leads => Leads::openapi(),
                ServiceName::Customers => Customers::openapi(),
            };
            println!("{}", serde_json::to_string_pretty(&document)?);
            Ok(())
        }
        Command::SetupCode { corp, data } => {
            println!("{}", setup_code::print(&data, corp.as_deref()).await?);
            Ok(())
        }
        Command::Token { role, corp, staff, data } => {
            println!("{}", token::print(&data, role, corp.as_deref(), staff.as_deref()).await?);
            Ok(())
        }
        Command::Demo(Demo { serve: Serve { port, data, listen }, sandbox_port, seed, speed, once }) => {
            let plan = demo::Plan {
                address: SocketAddr::new(listen, port),
                sandbox_address: SocketAddr::new(listen, sandbox_port),
                data,
                seed,
                speed,
                once,
                program: scrm_config::program(),
                begun,
            };
            Box::pin(demo::run(plan)).await
        }
    };
    outcome.map(|()| ExitCode::SUCCESS)
}
