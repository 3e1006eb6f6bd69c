//! The highest rate that is held on PostgreSQL and RabbitMQ, with nothing piling up: our services, from the callback to
//! the lead; and a worker of Python, from the event to the lead.

mod held;
mod ours;
mod peer;

use anyhow::Context as _;

use self::held::{Care, Held, Line, highest};
use super::Setting;
use crate::figure::{Figure, Goal};
use crate::ours::{Wecom, http};
use crate::servers::Servers;

/// Times the rate of the peer.
const GOAL: f64 = 8.0;

/// Finds both rates on the same servers.
pub(super) async fn run(setting: &Setting) -> anyhow::Result<Vec<Figure>> {
    let http = http()?;
    setting.say("starting PostgreSQL and RabbitMQ");
    let servers = Servers::start(&setting.place, &setting.cores)?;
    let wecom = Wecom::start(&setting.place, &setting.cores, &http).await?;
    let (mut rates, mut waits, mut peer_rates, mut peer_waits) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..setting.choose(1, 3) {
        let name = format!("bench{round}");
        let mut ours = ours::Services::start(setting, &http, &servers, &wecom, &name).await?;
        let held = measured(setting, "ours", &mut ours).await?;
        ours.finish().await?;
        rates.push(held.rate);
        waits.push(held.p99);

        let mut peer = peer::Worker::start(setting, &servers, &wecom.app).await?;
        let held = measured(setting, "pika+psycopg", &mut peer).await?;
        peer.finish().await?;
        peer_rates.push(held.rate);
        peer_waits.push(held.p99);
    }
    let name = "pika+psycopg, one worker";
    Ok(vec![
        Figure::of("throughput", "/s", &rates)?.against(name, &peer_rates)?.with_goal(Goal::Times(GOAL)),
        Figure::of("throughput-p99", "ms", &waits)?.against(name, &peer_waits)?,
    ])
}

async fn measured(setting: &Setting, name: &str, line: &mut impl Line) -> anyhow::Result<Held> {
    let quick = Care { tries: 2, short: 1, long: 3, step_down: 0.8 };
    let care = setting.choose(quick, Care { tries: 5, short: 8, long: 60, step_down: 0.92 });
    let held = highest(line, care, |text| setting.say(&format!("{name}: {text}")));
    held.await?.with_context(|| format!("{name} holds no rate at all"))
}
