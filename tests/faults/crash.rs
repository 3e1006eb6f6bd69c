//! A death at every boundary: nothing acknowledged is lost, nothing happens twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _};
use scrm_testing::Shape;
use scrm_tests::{Company, Installation, Outcome, Outside};

use crate::programs;

/// The root of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Installations side by side: they mostly wait, for a lease to end or a retry to come.
const SIDE_BY_SIDE: usize = 3;
/// A lease lasts 30 s at most, and a welcome message 20.
const PATIENCE: Duration = Duration::from_secs(150);

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

/// Dies at `point` under traffic, is started again, and says what is wrong afterwards.
async fn die_at(point: &str) -> Result<(), String> {
    let mut installation = Installation::new(&programs()).await;
    installation.start(None).await;
    let company = Company::connect(&installation).await;
    let outside = Outside::of(&installation);
    installation.kill(None);

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
    let (has_died, ()) = tokio::join!(revived, company.welcome_some(4));
    company.refuse_cards(false);
    company.welcome_some(2).await;
    let outcome = settled(&outside, &company).await;
    let log = installation.log();
    installation.finish().await;
    company.wecom.finish().await;
    if !has_died {
        return Err(format!("{point} was not reached"));
    }
    if outcome != Outcome::default() {
        return Err(format!("after a death at {point}: {outcome:?}\n{log}"));
    }
    Ok(())
}

#[tokio::test]
async fn crash_points_lose_and_double_nothing() {
    let points: Vec<String> = points().into_iter().filter(|point| is_on_the_way(point)).collect();
    assert!(points.len() >= 10, "{points:?}");
    let outcomes = stream::iter(&points).map(|point| die_at(point)).buffer_unordered(SIDE_BY_SIDE);
    let wrong: Vec<String> = outcomes.filter_map(async |outcome| outcome.err()).collect().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
