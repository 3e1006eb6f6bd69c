//! Everything goes wrong at random while people arrive: nothing acknowledged is lost, nothing happens twice.

use std::time::SystemTime;

use scrm_testing::Shape;
use scrm_tests::storm::{Plan, weather};

use crate::programs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_loses_and_doubles_nothing() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    let plan = Plan::chosen(u64::from(now.subsec_nanos()));
    println!("{plan:?}; again with SCRM_STORM_SEED={}", plan.seed);
    let report = weather(&programs(), plan).await;
    let text = serde_json::to_string_pretty(&report).expect("a report is plain data");
    println!("{text}");
    if let Some(path) = scrm_config::variable("SCRM_STORM_REPORT") {
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("SCRM_STORM_REPORT={path}: {error}"));
    }
    let wrong = report.wrong();
    assert!(wrong.is_empty(), "seed {}: {}", report.seed, wrong.join("\n"));
    let is_counted = Shape::chosen() == Shape::Embedded || report.counted_in_redis > 0;
    assert!(is_counted, "what was done to Redis hit nothing");
    let never_came = report.never_came();
    assert!(never_came.is_empty(), "seed {}: never came: {never_came:?}", report.seed);
    assert!(report.acknowledged() > 0, "nobody was told that anything is safe");
}
