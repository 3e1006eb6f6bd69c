//! Memory when nothing happens: all our services, against one worker of FastAPI, at the same time.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

use super::Setting;
use crate::callback::App;
use crate::cores::Core;
use crate::figure::{Figure, Goal};
use crate::ours::{Serve, http};
use crate::peers;
use crate::program::{Program, free_address};

/// Megabytes at most.
const GOAL: f64 = 60.0;

/// Starts both, leaves them alone, and looks.
pub(super) async fn run(setting: &Setting) -> anyhow::Result<Vec<Figure>> {
    let http = http()?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..setting.choose(2, 3) {
        let folder = setting.place.empty_folder()?;
        let serve = Serve::start(&setting.place, &setting.cores, &http).await?;
        let address = free_address()?;
        let mut command =
            peers::fastapi(&setting.place, &nobody(), address, &folder.path().join("callbacks.sqlite"));
        let mut fastapi = Program::start("peer", &mut command, &setting.cores, Core::Server, folder.path())?;
        fastapi.ready(&http, &format!("http://{address}/count")).await?;
        tokio::time::sleep(Duration::from_secs(setting.choose(15, 60))).await;
        ours.push(memory(serve.id())?);
        peer.push(memory(fastapi.id())?);
        setting.say(&format!(
            "round {}: ours {:.1} MB, FastAPI {:.1} MB",
            round + 1,
            ours[round],
            peer[round]
        ));
        fastapi.stop().await?;
        serve.finish().await?;
    }
    let figure = Figure::of("idle", "MB", &ours)?.against("fastapi, one worker", &peer)?;
    Ok(vec![figure.with_goal(Goal::LessAndAtMost(GOAL))])
}

/// Credentials of nobody: the peer does not start without any.
fn nobody() -> App {
    App {
        app: "demo".to_owned(),
        kind: "self_built".to_owned(),
        corp_id: "ww0000000000000000".to_owned(),
        agent_id: 1,
        secret: String::new(),
        token: "token".to_owned(),
        encoding_aes_key: "A".repeat(43),
        staff: Vec::new(),
    }
}

/// Returns the proportional memory of a process and all below it, in millions of bytes.
fn memory(root: u32) -> anyhow::Result<f64> {
    let mut kilobytes = 0.0;
    for pid in tree(root)? {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
        let rollup = rollup.with_context(|| format!("cannot read the memory of process {pid}"))?;
        kilobytes += pss(&rollup).with_context(|| format!("process {pid} has no memory"))?;
    }
    Ok(kilobytes * 1024.0 / 1e6)
}

/// Returns the kilobytes that `smaps_rollup` says.
fn pss(rollup: &str) -> Option<f64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Returns a process and all below it.
fn tree(root: u32) -> anyhow::Result<BTreeSet<u32>> {
    let mut pairs = Vec::new();
    for entry in fs::read_dir("/proc").context("cannot list processes")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default(); // it may have ended
        if let Some(parent) = parent(&stat) {
            pairs.push((pid, parent));
        }
    }
    let mut found = BTreeSet::from([root]);
    loop {
        let below: Vec<u32> =
            pairs.iter().filter(|(_, parent)| found.contains(parent)).map(|pair| pair.0).collect();
        let before = found.len();
        found.extend(below);
        if found.len() == before {
            return Ok(found);
        }
    }
}

/// Returns the parent that `stat` says; the name before it may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_parents_are_read_as_the_kernel_writes_them() {
        let rollup =
            "5589f1000000-7ffd rollup\nRss:  61000 kB\nPss:               58312 kB\nPss_Dirty: 1 kB\n";
        assert_eq!(pss(rollup), Some(58312.0));
        assert_eq!(pss(""), None);
        assert_eq!(parent("12 (a) b (c) S 7 12 12 0"), Some(7));
        assert_eq!(parent(""), None);
    }

    #[test]
    fn this_process_has_memory_and_belongs_to_its_own_tree() {
        let own = std::process::id();
        assert!(tree(own).unwrap().contains(&own));
        assert!(memory(own).unwrap() > 0.0);
    }
}
