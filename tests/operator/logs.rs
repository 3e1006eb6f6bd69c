//! What is written while an installation works, with everything that can be written: no secret, and nobody's data.

use std::path::Path;
use std::time::Duration;

use scrm_testing::{Shape, eventually_within};
use scrm_tests::{Administrator, Company, Installation, Outcome, Outside};
use serde_json::Value;

use crate::PROGRAMS;

const PATIENCE: Duration = Duration::from_mins(1);

/// Everything of ours, whatever it is worth.
const EVERYTHING: &str = "info,scrm=trace,scrm_ingest=trace,scrm_leads=trace,scrm_customers=trace,scrm_directory=trace,\
                          scrm_wecom=trace,scrm_http=trace,scrm_mq=trace,scrm_db=trace,scrm_process=trace,reqwest=debug";

#[tokio::test]
async fn no_line_has_a_secret_or_a_telephone_number_and_each_is_json() {
    let mut installation = Installation::new(Path::new(PROGRAMS)).await.logging_as_json(EVERYTHING);
    installation.start(None).await;
    let company = Company::connect(&installation).await;
    let (outside, administrator) = (Outside::of(&installation), Administrator::of(&installation));
    let ingest = installation.url_of("ingest");
    let ((), _) = tokio::join!(company.welcome_some(3), administrator.set_up(&company, &ingest));
    company.wecom.sandbox.revoke_tokens();
    company.welcome_some(1).await;
    eventually_within(PATIENCE, "all is done", async || {
        (outside.count(&company).await? == Outcome::default()).then_some(())
    })
    .await;

    let log = installation.log();
    let lines: Vec<&str> = log.lines().collect();
    // Their first words are for whoever started them.
    let is_json = |line: &&&str| serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object());
    let plain: Vec<_> = lines.iter().filter(|line| !is_json(line)).collect();
    assert!(lines.len() > 100 && plain.len() <= 8, "{plain:?}");
    let secrets = company.secrets();
    assert!(secrets.len() > 10);
    for line in lines {
        if let Some(secret) = secrets.iter().find(|secret| line.contains(*secret)) {
            panic!("{:?}: {secret} in {line}", Shape::chosen());
        }
    }
    installation.finish().await;
    company.wecom.finish().await;
}
