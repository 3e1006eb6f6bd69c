//! The power fails while callbacks and forms come in: what was answered before is on the disk.
//!
//! One run under load is written down by the library of `tests/power-cut`; then the data folder is rebuilt as it would
//! be after a failure at many points of that run. The embedded shape only: PostgreSQL answers for itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use scrm_db::{Database, Db};
use scrm_kernel::Clock;
use scrm_testing::{APP, Shape, eventually_within};
use scrm_tests::{Company, Disk, Installation, Outside};
use scrm_wecom_sandbox::{Answer, Event};
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::programs;

/// Senders of callbacks, and of forms, at the same time.
const CALLBACKS: usize = 24;
const FORMS: usize = 4;
/// How many callbacks are answered before the run ends.
const ENOUGH: usize = 1500;
/// At how many points the power fails.
const INSTANTS: usize = 200;
/// After how many of those the services are started on what is left.
const RESTARTS: usize = 3;
/// How long every callback may take to become a lead.
const PATIENCE: Duration = Duration::from_mins(2);

/// Something that was answered well, and how long the log was when the answer had come.
struct Answered {
    position: u64,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A callback: its customer, and the hash of its message in hex.
    Callback(String, String),
    /// A form, by its sender's id.
    Form(String),
}

/// One run under load.
struct Run {
    place: TempDir,
    installation: Installation,
    /// Its WeCom goes on.
    _company: Arc<Company>,
    answered: Vec<Answered>,
}

impl Run {
    /// Lets callbacks and forms come in and writes down what the process does to its disk; `variables` are for it too.
    async fn record(variables: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().expect("a folder for the log can be made");
        let log = place.path().join("log").display().to_string();
        let mut installation = Installation::new(&programs()).await;
        let root = installation.folder().display().to_string();
        let library = programs().join("examples/libpower_cut.so");
        assert!(library.exists(), "{} is not built: cargo build -p scrm-tests --examples", library.display());
        let library = library.display().to_string();
        let recording =
            [("LD_PRELOAD", &*library), ("SCRM_POWER_CUT_ROOT", &root), ("SCRM_POWER_CUT_LOG", &log)];
        installation.start_with(&[&recording, variables].concat()).await;
        let company = Arc::new(Company::connect(&installation).await);
        let answered = load(&company, &place.path().join("log")).await;
        installation.kill(None);
        Self { place, installation, _company: company, answered }
    }

    fn log(&self) -> PathBuf {
        self.place.path().join("log")
    }

    /// Returns points of the log: half anywhere under load, half where an answer had just come.
    fn instants(&self, chance: &mut ChaCha8Rng) -> Vec<u64> {
        let first = self.answered[0].position;
        let last = std::fs::metadata(self.log()).expect("there is a log").len();
        let mut draw = |index: usize| {
            if index.is_multiple_of(2) {
                return first + chance.next_u64() % (last - first);
            }
            let any = chance.next_u64() % self.answered.len() as u64;
            self.answered[usize::try_from(any).expect("a small number")].position
        };
        let mut instants: Vec<u64> = (0..INSTANTS).map(&mut draw).collect();
        instants.sort_unstable();
        instants
    }

    /// Returns what was answered when the log was so long.
    fn answered_by(&self, instant: u64) -> BTreeSet<What> {
        let before = self.answered.iter().filter(|answered| answered.position <= instant);
        before.map(|answered| answered.what.clone()).collect()
    }

    async fn finish(self) {
        self.installation.finish().await;
    }
}

/// Sends until enough is answered, and returns all of it in the order of the answers.
async fn load(company: &Arc<Company>, log: &Path) -> Vec<Answered> {
    let is_enough = Arc::new(AtomicBool::new(false));
    let mut senders = JoinSet::new();
    let (told, mut answers) = tokio::sync::mpsc::unbounded_channel();
    for sender in 0..CALLBACKS + FORMS {
        let (company, is_enough) = (Arc::clone(company), Arc::clone(&is_enough));
        let (told, log) = (told.clone(), log.to_owned());
        senders.spawn(async move {
            while !is_enough.load(Ordering::Relaxed) {
                let sent = if sender < CALLBACKS { callback(&company).await } else { form(&company).await };
                let Some(what) = sent else { continue };
                // After the answer: what it promises must be in the log by now.
                let position = std::fs::metadata(&log).expect("there is a log").len();
                told.send(Answered { position, what }).expect("the answers are awaited");
            }
        });
    }
    drop(told);
    let mut answered = Vec::new();
    while let Some(answer) = answers.recv().await {
        answered.push(answer);
        is_enough.store(answered.len() >= ENOUGH, Ordering::Relaxed);
    }
    while let Some(ended) = senders.join_next().await {
        ended.expect("senders do not panic");
    }
    answered.sort_by_key(|answer| answer.position);
    answered
}

async fn callback(company: &Company) -> Option<What> {
    let customer = format!("wm-{}", company.somebody());
    let corp = company.wecom.sandbox.app(APP)?.corp_id;
    let second = Clock::system().now().timestamp();
    let xml = format!(
        "<xml><ToUserName>{corp}</ToUserName><FromUserName>sys</FromUserName><CreateTime>{second}</CreateTime>\
         <MsgType>event</MsgType><Event>change_external_contact</Event>\
         <ChangeType>add_external_contact</ChangeType><UserID>lin</UserID>\
         <ExternalUserID>{customer}</ExternalUserID></xml>"
    );
    let delivery = company.wecom.sandbox.deliver(Event::raw(APP, &xml)).await.ok()?;
    let hash = hex::encode(digest(&SHA256, xml.as_bytes()));
    (delivery.status == Answer::Http(200)).then_some(What::Callback(customer, hash))
}

async fn form(company: &Company) -> Option<What> {
    let person = company.somebody();
    company.fill_in_form(person).await.then(|| What::Form(format!("form-{person}")))
}

/// Returns what is stored in a data folder; nothing when its database cannot be read.
async fn stored(folder: &Path, answered: &BTreeSet<What>) -> BTreeSet<What> {
    let (hashes, forms) = read(folder).await.unwrap_or_default();
    let is_stored = |what: &&What| match what {
        What::Callback(_, hash) => hashes.contains(hash),
        What::Form(id) => forms.contains(id),
    };
    answered.iter().filter(is_stored).cloned().collect()
}

async fn read(folder: &Path) -> Result<(BTreeSet<String>, BTreeSet<String>), DbErr> {
    let file = folder.join("db").join("ingest.sqlite");
    if !file.exists() {
        return Err(DbErr::Custom("there is no database".to_owned()));
    }
    let db = Db::peek(&Database::File(file), Clock::system()).await?;
    let texts = async |sql: &str| {
        let statement = Statement::from_string(db.reader().get_database_backend(), sql);
        let rows = db.reader().query_all_raw(statement).await?;
        rows.iter().map(|row| row.try_get_by_index::<String>(0)).collect::<Result<BTreeSet<_>, _>>()
    };
    let intact = texts("PRAGMA quick_check").await?;
    if intact != BTreeSet::from(["ok".to_owned()]) {
        return Err(DbErr::Custom(format!("the database is broken: {intact:?}")));
    }
    // The first 4 bytes of a fingerprint are the second, the others the SHA-256.
    let hashes = texts("SELECT lower(hex(substr(hash, 5))) FROM callback").await;
    let found = (hashes?, texts("SELECT sender_id FROM submission").await?);
    db.close().await?;
    Ok(found)
}

/// Lets the power fail at every instant; returns after how many something answered is missing, and an example of it.
async fn cut(run: &Run, instants: &[u64], chance: &mut ChaCha8Rng) -> (usize, Option<String>) {
    let mut disk = Disk::new(&run.log()).expect("there is a log");
    let (mut failures, mut example) = (0, None);
    for (index, instant) in instants.iter().enumerate() {
        disk.advance(*instant).expect("the log can be read");
        let folder = tempfile::tempdir().expect("a folder can be made");
        // Every other time parts of what was not synced are there all the same.
        let chance = (index % 2 == 0).then_some(&mut *chance);
        disk.cut(folder.path(), chance).expect("the folder can be written");
        let answered = run.answered_by(*instant);
        let missing: Vec<What> =
            answered.difference(&stored(folder.path(), &answered).await).cloned().collect();
        if !missing.is_empty() {
            failures += 1;
            let text = format!("at {instant}, {} of {}: {:?}", missing.len(), answered.len(), missing[0]);
            example.get_or_insert(text);
        }
    }
    (failures, example)
}

/// Starts the services on what is left at an instant: every callback becomes a lead.
async fn restart(run: &Run, instant: u64) {
    let mut disk = Disk::new(&run.log()).expect("there is a log");
    disk.advance(instant).expect("the log can be read");
    let mut installation = Installation::new(&programs()).await;
    disk.cut(installation.folder(), None).expect("the folder can be written");
    installation.start(None).await;
    let outside = Outside::of(&installation);
    let answered = run.answered_by(instant);
    let customers = answered.iter().filter_map(|what| match what {
        What::Callback(customer, _) => Some(customer.clone()),
        What::Form(_) => None,
    });
    let customers: BTreeSet<String> = customers.collect();
    eventually_within(PATIENCE, "every callback that was answered is a lead", async || {
        let owned = outside.owned_customers().await?;
        customers.is_subset(&owned).then_some(())
    })
    .await;
    installation.finish().await;
}

fn seed() -> u64 {
    let text = scrm_config::variable("SCRM_POWER_CUT_SEED").unwrap_or_else(|| "1".to_owned());
    text.parse().expect("SCRM_POWER_CUT_SEED is a whole number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_takes_nothing_that_was_answered() {
    if Shape::chosen() == Shape::Distributed {
        return;
    }
    let mut chance = ChaCha8Rng::seed_from_u64(seed());
    let run = Run::record(&[]).await;
    let instants = run.instants(&mut chance);
    let (failures, example) = cut(&run, &instants, &mut chance).await;
    assert_eq!(failures, 0, "after a cut something answered is missing: {example:?}");
    for index in 0..RESTARTS {
        restart(&run, instants[(index + 1) * (INSTANTS - 1) / RESTARTS]).await;
    }
    run.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_syncs_a_power_cut_takes_what_was_answered() {
    if Shape::chosen() == Shape::Distributed {
        return;
    }
    let mut chance = ChaCha8Rng::seed_from_u64(seed());
    let run = Run::record(&[("SCRM_SKIP_SYNCS", "1")]).await;
    let instants = run.instants(&mut chance);
    let (failures, _) = cut(&run, &instants, &mut chance).await;
    assert!(failures > INSTANTS / 2, "the test above would not notice a missing sync: {failures}");
    run.finish().await;
}
