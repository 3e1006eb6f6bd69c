//! A death at every boundary: nothing acknowledged is lost, nothing happens twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _};
use scrm_kernel::{Clock, CorpId};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::ContactAdded;
use scrm_testing::{Shape, envelope_of, eventually_within};
use scrm_tests::{Administrator, Company, Installation, Outcome, Outside};
use serde_json::Value;

use crate::programs;

/// The root of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Installations side by side: they mostly wait, for a lease to end or a retry to come.
const SIDE_BY_SIDE: usize = 4;
/// A lease lasts 30 s at most, and a welcome message 20.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long a reading or comparison is left to a process that may have died.
const LEASE: Duration = Duration::from_mins(3);

/// Returns the names of all crash points in the sources, as they stand there.
fn points() -> BTreeSet<String> {
    let mut points = BTreeSet::new();
    let mut folders = vec![Path::new(ROOT).join("shared"), Path::new(ROOT).join("services")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the sources are readable") {
            let path = entry.expect("the sources are readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source is text");
                let names = text.split("crash::point(\"").skip(1).filter_map(|rest| rest.split('"').next());
                points.extend(names.map(str::to_owned));
            }
        }
    }
    points
}

/// Reports whether a point lies on a way that this shape takes.
fn is_on_the_way(point: &str) -> bool {
    match Shape::chosen() {
        Shape::Embedded => !point.starts_with("rabbit."),
        Shape::Distributed => !point.starts_with("embedded."),
    }
}

/// Waits until everything has come to an end, or nothing more is to be hoped for.
async fn settled(outside: &Outside, company: &Company) -> Outcome {
    let begun = Instant::now();
    loop {
        let outcome = outside.count(company).await;
        if let Some(outcome) = outcome.filter(|it| *it == Outcome::default() || begun.elapsed() > PATIENCE) {
            return outcome;
        }
        assert!(begun.elapsed() < PATIENCE * 2, "the leads cannot be read");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The queues whose consumers get a message that nobody can read.
const NONSENSE_IN: [&str; 4] = ["customers.contact", "ingest.profile", "leads.contact", "leads.welcome"];
/// The one of them whose letter is put back.
const REDRIVEN: &str = "leads.contact";

/// Returns a new contact that nobody can decode.
fn nonsense(corp: CorpId) -> Envelope {
    let event = ContactAdded { corp_id: corp.to_string(), ..ContactAdded::default() };
    Envelope { body: vec![0xff; 9].into(), ..envelope_of(corp, Clock::system().now(), &event) }
}

/// Does what an administrator does meanwhile: has a dead letter put back, and orders a comparison with WeCom.
async fn administer(outside: &Outside) {
    eventually_within(PATIENCE, "a dead letter is put back", || outside.redrive(REDRIVEN)).await;
    eventually_within(PATIENCE, "a comparison is ordered", || outside.order_comparison()).await;
}

/// Waits until each dead letter is there once, and the redriven one has died again.
async fn letters_kept(outside: &Outside) -> Result<(), String> {
    let (begun, mut seen) = (Instant::now(), Vec::new());
    while begun.elapsed() < PATIENCE {
        seen = outside.dead_letters().await.unwrap_or_default();
        let queues: Vec<&str> = seen.iter().filter_map(|letter| letter["queue"].as_str()).collect();
        let is_back = |letter: &Value| {
            // More than twice, if the answer to the administrator got lost.
            let is_dead_again = letter["deaths"].as_u64() >= Some(2) && letter["state"] == "waiting";
            letter["queue"] != REDRIVEN || is_dead_again
        };
        if BTreeSet::from_iter(&queues) == BTreeSet::from_iter(&NONSENSE_IN)
            && queues.len() == NONSENSE_IN.len()
            && seen.iter().all(is_back)
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(format!("dead letters are {seen:?}"))
}

/// Waits for what a reading or a comparison leads to that was broken off.
async fn compared(outside: &Outside, unheard: &str) -> Result<(), String> {
    let (begun, mut comparisons) = (Instant::now(), Vec::new());
    while begun.elapsed() < LEASE + PATIENCE {
        comparisons = outside.comparisons().await.unwrap_or_default();
        let is_done = comparisons.iter().all(|comparison| comparison["state"] == "done");
        if is_done && outside.has_owner(unheard).await && outside.all_are_read().await == Some(true) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(format!("{unheard} is not found: {comparisons:?}"))
}

/// Reports whether a broken reading or comparison is waited for: in one process it goes on at once, otherwise when its
/// lease has ended, and two of those are enough.
fn is_compared(point: &str) -> bool {
    match Shape::chosen() {
        Shape::Embedded => point.starts_with("look.") || point.starts_with("reconciliation."),
        Shape::Distributed => ["look.told", "reconciliation.listed"].contains(&point),
    }
}

/// Dies at `point` under traffic, is started again, and says what is wrong afterwards.
async fn die_at(point: &str) -> Result<(), String> {
    let mut installation = Installation::new(&programs()).await;
    installation.start(None).await;
    let company = Company::connect(&installation).await;
    let (outside, administrator) = (Outside::of(&installation), Administrator::of(&installation));
    let ingest = installation.url_of("ingest");
    installation.kill(None);
    installation.tell(nonsense(installation.corp())).await;
    let unheard = company.add_unheard().await;

    installation.start(Some(point)).await;
    // Callbacks and forms are tried again while the process is dead, as their senders do.
    let revived = async {
        let until = Instant::now() + Duration::from_mins(1);
        while !installation.died() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let has_died = installation.died();
        installation.kill(None);
        installation.start(None).await;
        has_died
    };
    // Cards fail at first, so that messages wait for another attempt too.
    company.refuse_cards(true);
    let (has_died, (), (), deeds) = tokio::join!(
        revived,
        company.welcome_some(4),
        administer(&outside),
        administrator.set_up(&company, &ingest)
    );
    company.refuse_cards(false);
    company.welcome_some(2).await;
    let outcome = settled(&outside, &company).await;
    let mut wrong = letters_kept(&outside).await.and(administrator.check(&company, &deeds).await);
    if is_compared(point) {
        wrong = wrong.and(compared(&outside, &unheard).await);
    }
    let log = installation.log();
    installation.finish().await;
    company.wecom.finish().await;
    if !has_died {
        return Err(format!("{point} was not reached"));
    }
    if outcome != Outcome::default() {
        return Err(format!("{log}\nafter a death at {point}: {outcome:?}"));
    }
    wrong.map_err(|wrong| format!("{log}\nafter a death at {point}: {wrong}"))
}

/// How many commits a process has made when it dies before or after the next one: the first ones are those of its start,
/// and by then most of the traffic is over, in each of the processes or in the one.
fn commits() -> &'static [u32] {
    match Shape::chosen() {
        Shape::Embedded => &[8, 21, 34, 55, 89, 110, 130, 150],
        Shape::Distributed => &[5, 10, 17, 26],
    }
}

#[tokio::test]
async fn crash_points_lose_and_double_nothing() {
    let points: Vec<String> = points().into_iter().filter(|point| is_on_the_way(point)).collect();
    assert!(points.len() >= 10, "{points:?}");
    all_survive(points).await;
}

/// Every use case ends with a commit, so a death at any one of them is a death in the middle of some use case.
#[tokio::test]
async fn deaths_between_commits_lose_and_double_nothing() {
    let before_or_after = |(index, commits): (usize, &u32)| {
        let point = if index % 2 == 0 { "txn.written" } else { "txn.committed" };
        format!("{point}:{commits}")
    };
    all_survive(commits().iter().enumerate().map(before_or_after).collect()).await;
}

/// Dies at each point of those that are wanted.
async fn all_survive(points: Vec<String>) {
    let wanted = scrm_config::variable("SCRM_CRASH_ONLY").unwrap_or_default();
    let points: Vec<String> = points.into_iter().filter(|point| point.starts_with(&wanted)).collect();
    let outcomes = stream::iter(&points).map(|point| die_at(point)).buffer_unordered(SIDE_BY_SIDE);
    let wrong: Vec<String> = outcomes.filter_map(async |outcome| outcome.err()).collect().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
