//! The command `scrm-bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use scrm_bench::figure::{Figure, table};
use scrm_bench::floor::{self, Level};
use scrm_bench::peers::NotInstalled;
use scrm_bench::place::Place;
use scrm_bench::runs::Benchmark;

/// What scripts see when a name is wrong or peers are missing, as after wrong arguments.
const MISUSED: u8 = 2;

/// Measures the built programs against stated peers, in the same run.
#[derive(Parser)]
#[command(name = "scrm-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Name the benchmarks, one a line.
    List,
    /// Install the peers of a benchmark, or of all, below target/bench.
    Install {
        /// Which one; all if absent.
        #[arg(value_parser = benchmark)]
        name: Option<Benchmark>,
    },
    /// Measure. Progress goes to stderr.
    Run {
        /// Which one.
        #[arg(value_parser = benchmark)]
        name: Benchmark,
        /// Shorter and less exact: at most 50 seconds.
        #[arg(long)]
        quick: bool,
        /// Print JSON, an object a line, instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// The server of `callbacks-floor`, which that starts by itself.
    #[command(hide = true)]
    Floor {
        /// How much it does before it answers.
        #[arg(long)]
        level: Level,
        /// Where it listens, on this machine only.
        #[arg(long)]
        port: u16,
        /// Where it keeps its file.
        #[arg(long)]
        folder: PathBuf,
    },
}

fn benchmark(name: &str) -> Result<Benchmark, String> {
    let names = Benchmark::ALL.map(Benchmark::name).join(", ");
    Benchmark::parse(name).ok_or_else(|| format!("there is no such benchmark; there are {names}"))
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scrm-bench: {error:#}");
            if error.is::<NotInstalled>() { ExitCode::from(MISUSED) } else { ExitCode::FAILURE }
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => {
            for benchmark in Benchmark::ALL {
                println!("{}", benchmark.name());
            }
        }
        Command::Install { name } => {
            let place = Place::find()?;
            for benchmark in name.map_or(Benchmark::ALL.to_vec(), |name| vec![name]) {
                benchmark.install(&place)?;
            }
        }
        Command::Run { name, quick, json } => print(&name.run(&Place::find()?, quick)?, json),
        Command::Floor { level, port, folder } => floor::serve(level, port, &folder)?,
    }
    Ok(())
}

fn print(figures: &[Figure], is_json: bool) {
    if is_json {
        for figure in figures {
            println!("{}", figure.json());
        }
    } else {
        print!("{}", table(figures));
    }
}
