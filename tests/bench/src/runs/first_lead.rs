//! From an empty folder to the first lead with an owner.

use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Setting;
use crate::figure::{Figure, Goal};

/// Milliseconds at most.
const GOAL: f64 = 500.0;

/// Runs `scrm demo --once 1` again and again, each time on an empty folder.
pub(super) fn run(setting: &Setting) -> anyhow::Result<Vec<Figure>> {
    let mut rounds = Vec::new();
    for _ in 0..setting.choose(3, 15) {
        rounds.push(once(setting)?);
        setting.say(&format!("first lead after {:.0} ms", rounds[rounds.len() - 1]));
    }
    Ok(vec![Figure::of("first-lead", "ms", &rounds)?.with_goal(Goal::AtMost(GOAL))])
}

fn once(setting: &Setting) -> anyhow::Result<f64> {
    let folder = setting.place.empty_folder()?;
    let mut command = setting.place.program("scrm")?;
    command.args(["demo", "--once", "1", "--speed", "1", "--port", "0", "--sandbox-port", "0", "--data"]);
    let output = command.arg(folder.path()).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "scrm demo failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).context("scrm demo prints text")?;
    let report: Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    report["first_lead_ms"].as_f64().context("scrm demo says when the first lead was there")
}
