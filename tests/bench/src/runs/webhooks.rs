//! Ten thousand forms at once: how long until they are safe, until everybody has an owner, and how fair it was.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use aws_lc_rs::hmac;
use scrm_kernel::Clock;
use serde::Deserialize;
use serde_json::json;

use super::Setting;
use crate::figure::{Figure, Goal, number};
use crate::load::{self, Pace, post};
use crate::ours::{Api, Lead, Serve, Wecom, http};

/// How many forms come.
const FORMS: usize = 10_000;
/// Over how many connections.
const CONNECTIONS: usize = 64;
/// Who shares them out.
const MEMBERS: usize = 7;
/// Seconds until all forms are safe, at most.
const ACCEPTED_GOAL: f64 = 2.0;
/// Seconds from the first form until everybody has an owner, at most.
const ASSIGNED_GOAL: f64 = 8.0;
/// How many leads one member may have more than another, at most.
const FAIR: f64 = 1.0;
/// How long to wait for owners.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often to ask.
const INTERVAL: Duration = Duration::from_millis(100);
/// The lead source and the routing group.
const NAME: &str = "bench";

#[derive(Deserialize)]
struct Group {
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    /// Leads through this group, ever.
    assigned: usize,
}

/// What the rounds found.
#[derive(Default)]
struct Found {
    accepted: Vec<f64>,
    assigned: Vec<f64>,
    apart: Vec<f64>,
}

/// Fills in the forms, each round on an empty folder.
pub(super) async fn run(setting: &Setting) -> anyhow::Result<Vec<Figure>> {
    let http = http()?;
    let wecom = Wecom::start(&setting.place, &setting.cores, &http).await?;
    let mut found = Found::default();
    for round in 0..setting.choose(2, 5) {
        let serve = Serve::start(&setting.place, &setting.cores, &http).await?;
        serve.api.connect(&wecom).await?;
        once(&serve, &wecom, &mut found).await?;
        let (accepted, assigned) = (found.accepted[round], found.assigned[round]);
        setting.say(&format!(
            "round {}: accepted after {accepted:.2} s, assigned after {assigned:.2} s",
            round + 1
        ));
        serve.finish().await?;
    }
    Ok(vec![
        Figure::of("webhooks", "s", &found.assigned)?.with_goal(Goal::AtMost(ASSIGNED_GOAL)),
        Figure::of("webhooks-accepted", "s", &found.accepted)?.with_goal(Goal::AtMost(ACCEPTED_GOAL)),
        Figure::of("webhooks-unfairness", "leads", &found.apart)?.with_goal(Goal::AtMost(FAIR)),
    ])
}

async fn once(serve: &Serve, wecom: &Wecom, found: &mut Found) -> anyhow::Result<()> {
    let api = &serve.api;
    let secret = prepare(api, wecom).await?;
    let requests = Arc::new(forms(serve.address, &secret));
    let pace = Pace::Flat(PATIENCE);
    let outcome = load::run(serve.address, CONNECTIONS, requests, pace, |_| ()).await?;
    outcome.expect_all(202)?;
    ensure!(outcome.answered.len() == FORMS, "{} of {FORMS} forms were accepted", outcome.answered.len());

    let begun = Instant::now();
    let url = format!("{}/api/v1/leads/groups/{NAME}", api.leads);
    loop {
        let group = api.get::<Group>(&url).await?;
        if group.members.iter().map(|member| member.assigned).sum::<usize>() >= FORMS {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "after {PATIENCE:?} not everybody has an owner");
        tokio::time::sleep(INTERVAL).await;
    }
    let leads = api.count_leads(&(0..FORMS).map(visitor).collect::<Vec<_>>()).await?;
    found.accepted.push(outcome.elapsed.as_secs_f64());
    found.assigned.push(until_all_assigned(&leads)?);
    found.apart.push(apart(&leads));
    Ok(())
}

/// Makes the group and the source, as an administrator does; returns the secret of the source.
async fn prepare(api: &Api, wecom: &Wecom) -> anyhow::Result<String> {
    let staff = wecom.app.staff.iter().take(MEMBERS);
    let members: Vec<_> = staff.map(|user| json!({"user_id": user})).collect();
    ensure!(members.len() == MEMBERS, "the simulated company has {} members only", members.len());
    let group = json!({"strategy": "round_robin", "members": members});
    api.put(&format!("{}/api/v1/leads/groups/{NAME}", api.leads), &group).await?;
    let source = json!({"name": "官网表单", "group": NAME});
    let source = api.put(&format!("{}/api/v1/ingest/lead-sources/{NAME}", api.ingest), &source).await?;
    Ok(source["secret"].as_str().context("a new secret is shown once")?.to_owned())
}

fn visitor(index: usize) -> String {
    format!("访客{index}")
}

/// Returns signed forms, each of another visitor.
fn forms(address: SocketAddr, secret: &str) -> Vec<Vec<u8>> {
    let second = Clock::system().now().timestamp().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let form = |index: usize| {
        let body = json!({"name": visitor(index), "phone": format!("139{index:08}")}).to_string();
        let signature = hex::encode(hmac::sign(&key, format!("{second}.{body}").as_bytes()));
        let headers = [
            ("Content-Type", "application/json"),
            ("X-Scrm-Timestamp", second.as_str()),
            ("X-Scrm-Signature", &format!("v1={signature}")),
            ("X-Scrm-Id", &format!("form-{index}")),
        ];
        post(&format!("/hooks/leads/{NAME}"), address, &headers, &body)
    };
    (0..FORMS).map(form).collect()
}

/// Returns the seconds from the first form until the last one had an owner.
fn until_all_assigned(leads: &[Lead]) -> anyhow::Result<f64> {
    let first = leads.iter().map(|lead| lead.received_at).min();
    let last = leads.iter().filter_map(|lead| lead.assigned_at).max();
    let (first, last) = first.zip(last).context("nobody has an owner")?;
    Ok((last - first).to_std().unwrap_or_default().as_secs_f64())
}

/// Returns how many leads the member with most has more than the one with fewest.
fn apart(leads: &[Lead]) -> f64 {
    let mut shares = BTreeMap::<&str, usize>::new();
    for owner in leads.iter().filter_map(|lead| lead.owner.as_ref()) {
        *shares.entry(&owner.user_id).or_default() += 1;
    }
    let (most, fewest) = (shares.values().max(), shares.values().min());
    // Whoever got nothing is in no share.
    let fewest = if shares.len() == MEMBERS { fewest.copied().unwrap_or_default() } else { 0 };
    number(most.copied().unwrap_or_default() - fewest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(owner: usize) -> Lead {
        let json = json!({
            "external_user_id": null, "name": "x", "received_at": "2026-03-02T01:00:00.000Z",
            "owner": {"user_id": format!("user{owner}")}, "assigned_at": format!("2026-03-02T01:00:0{owner}.500Z"),
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn shares_are_apart_by_most_less_fewest_and_nothing_counts_too() {
        let everybody: Vec<Lead> = (0..MEMBERS).map(lead).collect();
        assert!((apart(&everybody) - 0.0).abs() < f64::EPSILON);
        let with_more: Vec<Lead> = (0..MEMBERS).chain([2, 2]).map(lead).collect();
        assert!((apart(&with_more) - 2.0).abs() < f64::EPSILON);
        assert!((apart(&everybody[1..]) - 1.0).abs() < f64::EPSILON, "one of them got nothing");
        assert!((until_all_assigned(&everybody).unwrap() - 6.5).abs() < 1e-9);
    }

    #[test]
    fn every_form_is_of_somebody_else() {
        let forms: std::collections::BTreeSet<_> =
            forms(([127, 0, 0, 1], 1).into(), "secret").into_iter().collect();
        assert_eq!(forms.len(), FORMS);
    }
}
