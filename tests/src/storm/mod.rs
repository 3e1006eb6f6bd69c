//! An installation in a storm: people arrive, and meanwhile everything around and within it goes wrong by chance.

mod plan;
mod report;
mod surroundings;
mod weather;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use plan::{Fault, Plan, Script, Trouble, Turn, Way};
pub use report::Report;
use surroundings::Surroundings;
use weather::Weather;

use crate::company::Company;
use crate::outside::{Outcome, Outside};

/// How often people arrive, a handful at once.
const TICK: Duration = Duration::from_millis(200);
/// Arrivals that are tried at the same time; beyond that nobody sets out.
const UNDER_WAY: usize = 1500;
/// Forms that are sent at the same time: each is three open files of this process.
const FORMS_AT_ONCE: usize = 64;
/// How long everything may take to come to its end: a lease lasts minutes, and so does a rung of the ladder.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often it is counted until then.
const COUNT_PAUSE: Duration = Duration::from_secs(1);

/// Lets a storm come over an installation of its own, and returns what was left.
pub async fn weather(programs: &Path, plan: Plan) -> Report {
    let surroundings = Surroundings::start(programs).await;
    let company = Arc::clone(&surroundings.company);
    let outside = Arc::clone(&surroundings.outside);
    let arrivals = tokio::spawn(arrive(Arc::clone(&company), plan));
    let (surroundings, mut report) = Weather::over(surroundings, plan).run().await;
    arrivals.await.expect("arrivals do not panic");

    let begun = Instant::now();
    let outcome = settled(&outside, &company).await;
    report.drained_after_ms = begun.elapsed().as_millis();
    Outcome {
        lost: report.lost,
        doubled: report.doubled,
        unfinished: report.unfinished,
        untrue: report.untrue,
    } = outcome;
    report.callbacks_acknowledged = company.acknowledged().len();
    report.forms_acknowledged = company.accepted().len();
    report.leads = outside.welcomes().await.expect("leads can be read after the storm");
    for letter in outside.dead_letters().await.expect("dead letters can be read after the storm") {
        let text = |field: &str| letter[field].as_str().unwrap_or_default().to_owned();
        *report.dead_letters.entry(format!("{}: {}", text("queue"), text("reason"))).or_default() += 1;
    }
    if let Some(servers) = &surroundings.servers {
        report.counted_in_redis = servers.counted_in_redis().await;
    }
    surroundings.finish(report.wrong().is_empty()).await;
    report
}

/// Lets people arrive until the time is over; returns when everybody's arrival is answered or given up.
async fn arrive(company: Arc<Company>, plan: Plan) {
    let (begun, mut ticks) = (Instant::now(), tokio::time::interval(TICK));
    let (mut under_way, places) = (JoinSet::new(), Arc::new(Semaphore::new(FORMS_AT_ONCE)));
    let mut set_out = 0;
    while begun.elapsed() < plan.duration {
        ticks.tick().await;
        while under_way.try_join_next().is_some() {}
        let due = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX) * plan.rate / 1000;
        // Spread evenly: of each hundred, those at whose number one more is due.
        let is_contact = |index: &u64| index * plan.contacts / 100 != (index + 1) * plan.contacts / 100;
        let (contacts, forms): (Vec<u64>, Vec<u64>) = (set_out..due).partition(is_contact);
        set_out = due;
        if under_way.len() > UNDER_WAY {
            continue;
        }
        for _ in forms {
            let person = company.somebody();
            let (company, places) = (Arc::clone(&company), Arc::clone(&places));
            under_way.spawn(async move {
                let _place = places.acquire().await.expect("nobody closes it");
                company.fill_in_form(person).await;
            });
        }
        if contacts.is_empty() {
            continue;
        }
        let company = Arc::clone(&company);
        under_way.spawn(async move {
            let people: Vec<usize> = contacts.iter().map(|_| company.somebody()).collect();
            company.add_members(&people).await;
        });
    }
    while under_way.join_next().await.is_some() {}
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
        tokio::time::sleep(COUNT_PAUSE).await;
    }
}
