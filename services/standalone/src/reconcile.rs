//! `scrm reconcile`: has the running ingest compare everything with WeCom, and shows how far it is.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use scrm_ingest::Ingest;
use scrm_process::Service as _;
use serde_json::{Value, json};

use crate::operator::Operator;

/// How often to ask how far it is.
const WATCH: Duration = Duration::from_secs(1);

/// Compares an enterprise, the first one or the one that `corp` names, and returns when that has ended well.
pub async fn run(data: &Path, corp: Option<&str>) -> anyhow::Result<()> {
    let operator = Operator::of(data, Some(Ingest::NAME), "scrm reconcile")?;
    let token = operator.token(corp).await?;
    let mut run = operator.post(&token, Ingest::NAME, "reconciliations", &json!({})).await?;
    let id = run["id"].as_str().context("a comparison has an id")?.to_owned();
    let mut shown = String::new();
    loop {
        let line = line_of(&run);
        if line != shown {
            eprintln!("{line}");
            shown = line;
        }
        match run["state"].as_str() {
            Some("running") => {}
            Some("done") => return Ok(()),
            _ => bail!("{}", run["problem"].as_str().unwrap_or("the comparison did not end well")),
        }
        tokio::time::sleep(WATCH).await;
        // A large enterprise takes longer than a token lives.
        let token = operator.token(corp).await?;
        run = operator.get(&token, Ingest::NAME, &format!("reconciliations/{id}")).await?;
    }
}

fn line_of(run: &Value) -> String {
    let state = match run["state"].as_str().unwrap_or_default() {
        "running" => run["step"].as_str().unwrap_or_default(),
        ended => ended,
    };
    let count = |name: &str| run[name].as_u64().unwrap_or_default();
    format!(
        "{state}: {} departments, {} members, {} tags; {} relations of {} members, {} were lost, {} are missing, {} are over",
        count("departments"),
        count("members"),
        count("tags"),
        count("relations"),
        count("listed_members"),
        count("added"),
        count("missing"),
        count("removed"),
    )
}
