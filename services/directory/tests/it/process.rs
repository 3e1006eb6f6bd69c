//! The service as a process of its own: how it ends.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use scrm_db::Database;
use scrm_kernel::{Clock, MessageId};
use scrm_mq::Topology;
use scrm_mq::rabbit::{Rabbit, RabbitConfig};
use scrm_process::keys;
use scrm_testing::{Shape, TestDatabase};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Nobody listens there.
const NOWHERE: &str = "127.0.0.1:9";

/// Writes keys and configuration into a folder, and returns the program on them.
fn program(folder: &Path, database: &str, broker: &str, prefix: &str) -> Command {
    let installation = folder.join("installation.keys");
    keys::make_installation(&installation).unwrap();
    let text = format!(
        "[distributed]\ndatabase = {{ url = \"{database}\", connections = 4 }}\nbroker = {{ url = \"{broker}\", prefix = \"{prefix}\" }}\n\
         ingest.url = \"http://{NOWHERE}\"\nhttp.listen = \"127.0.0.1:0\"\nkeys.installation = \"{}\"\n",
        installation.display(),
    );
    let file = folder.join("scrm.toml");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scrm-directory"));
    command.arg("--config").arg(file).stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Starts the program, and asks it to end as soon as it has printed `words`; returns whether it ended in order.
fn ended_after(mut command: Command, words: &'static str) -> bool {
    let mut child = command.spawn().unwrap();
    let (sender, printed) = mpsc::channel();
    tell(child.stdout.take().unwrap(), words, sender.clone());
    tell(child.stderr.take().unwrap(), words, sender);
    let seen = printed.recv_timeout(PATIENCE);
    if seen.is_err() {
        child.kill().unwrap();
    }
    ask_to_end(&child);
    let status = child.wait().unwrap();
    assert!(seen.is_ok(), "it prints {words}");
    status.success()
}

/// Tells when some words were printed, and reads on until the process ends, so that it never waits for a reader.
fn tell(output: impl std::io::Read + Send + 'static, words: &'static str, sender: mpsc::Sender<()>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.contains(words) {
                sender.send(()).ok();
            }
        }
    });
}

fn ask_to_end(child: &Child) {
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
}

#[test]
fn a_process_that_waits_for_its_database_ends_when_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (database, broker) =
        (format!("postgres://nobody@{NOWHERE}/none"), format!("amqp://nobody@{NOWHERE}/"));
    let program = program(folder.path(), &database, &broker, "");
    assert!(ended_after(program, "Starting directory"));
}

#[tokio::test]
async fn a_process_that_says_it_is_ready_ends_in_order_at_once() {
    if Shape::chosen() == Shape::Embedded {
        return; // tests of scrm-standalone do it in one process
    }
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::new("directory").await;
    let Database::Postgres { url, .. } = database.database() else { panic!("not of this shape") };
    let broker = scrm_testing::amqp_url();
    let prefix = format!("test-{}.", MessageId::mint(Clock::system().now()).as_uuid().simple());
    let program = program(folder.path(), url, &broker, &prefix);
    let in_order = tokio::task::spawn_blocking(|| ended_after(program, "is ready on")).await.unwrap();
    assert!(in_order);

    let config = RabbitConfig { url: broker.into(), prefix };
    let rabbit = Rabbit::connect(config, Topology::of_all_services()).await.unwrap();
    rabbit.delete().await.unwrap();
    rabbit.close().await.unwrap();
    database.finish().await;
}
