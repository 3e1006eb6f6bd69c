//! `scrm demo`: a simulated company comes alive, and one watches its leads find their owners.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer};
use anyhow::{Context as _, bail, ensure};
use scrm_kernel::{Clock, Lifecycle};
use scrm_process::wait_for_end;
use scrm_wecom_sandbox::{Arrival, ArrivalPlan, CallRecord, Sandbox};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::folder::Folder;
use crate::installation::Installation;
use crate::serve::Running;
use crate::shown::Shown;
use crate::tally::{Report, SeenLead, Tally};

/// The simulated app that the demo connects.
const APP: &str = "demo";
/// What new customers are told.
const GREETING: &str = "{customer|您}好，我是{staff|您的顾问}，很高兴认识您！有任何需要，随时在这里找我。";
/// How often the list of leads is read while one watches.
const WATCH: Duration = Duration::from_millis(100);
/// The same until the first lead is there, which is timed.
const WATCH_FIRST: Duration = Duration::from_millis(2);
/// Rows of a page of leads.
const PAGE: usize = 200;
/// How long an acknowledged arrival may stay without a lead, when nothing else moves, before it counts as lost.
const GRACE: Duration = Duration::from_secs(10);

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the services listen.
    pub address: SocketAddr,
    /// Where the simulated WeCom listens.
    pub sandbox_address: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// Which company.
    pub seed: u64,
    /// Mean arrivals per second.
    pub speed: f64,
    /// Stop after this many leads.
    pub once: Option<u64>,
    /// When the process began.
    pub begun: Instant,
}

/// Runs the demo until it is stopped or has seen enough.
pub async fn run(plan: Plan) -> anyhow::Result<()> {
    let installation = Installation::of(Folder::make(&plan.data)?);
    let lifecycle = Lifecycle::new();
    let (sandbox, sandbox_address) = open_sandbox(&plan, installation.folder(), &lifecycle)?;
    let shown = Shown::start(installation, &plan.data, plan.address).await?;
    connect(&shown, &sandbox, sandbox_address).await?;
    shown.word_greeting(GREETING).await?;
    let mut watch = Watch {
        client: shown.client.clone(),
        url: format!("{}/api/v1/leads/leads", shown.leads),
        token: shown.token.clone(),
        begun: Clock::system().now().timestamp_millis(),
        tally: Tally::default(),
    };
    greet(plan.speed, &shown, &sandbox, sandbox_address);

    let arrivals = Lifecycle::new();
    let mut feed = Feed { arrivals: sandbox.subscribe(), known: HashMap::new() };
    sandbox.arrivals(
        ArrivalPlan {
            speed: plan.speed,
            first_at_once: plan.once.is_some() && plan.speed > 0.0,
            limit: plan.once,
            churn: if plan.once.is_some() { 0.0 } else { ArrivalPlan::default().churn },
        },
        &arrivals,
    );

    let services = shown.running.as_ref().map_or(&lifecycle, Running::lifecycle);
    let outcome = match plan.once {
        None => tokio::select! {
            outcome = watch.forever(&mut feed) => outcome,
            outcome = wait_for_end(services) => outcome,
        },
        Some(leads) => tokio::select! {
            report = watch.until(leads, &mut feed, &sandbox, plan.begun) => report.and_then(|report| conclude(&report)),
            outcome = wait_for_end(services) => outcome.and_then(|()| bail!("stopped before the end")),
        },
    };
    arrivals.stop();
    arrivals.finish(Duration::from_secs(10)).await;
    let stopped = shown.stop().await;
    lifecycle.stop();
    lifecycle.finish(Duration::from_secs(10)).await;
    outcome.and(stopped)
}

fn open_sandbox(
    plan: &Plan,
    folder: &Folder,
    lifecycle: &Lifecycle,
) -> anyhow::Result<(Sandbox, SocketAddr)> {
    let sandbox = Sandbox::open(&folder.sandbox(), plan.seed, Clock::system())?;
    let routed = sandbox.clone();
    let server = HttpServer::new(move || App::new().configure(|config| routed.routes(config)))
        .workers(1)
        .disable_signals()
        .bind(plan.sandbox_address)
        .with_context(|| format!("the simulated WeCom cannot listen on {}", plan.sandbox_address))?;
    let address = server.addrs().first().copied().context("the simulated WeCom listens")?;
    let server = server.run();
    let (handle, stopping) = (server.handle(), lifecycle.clone());
    tokio::spawn(async move {
        stopping.stopping().await;
        handle.stop(true).await;
    });
    lifecycle.spawn("sandbox", server);
    Ok((sandbox, address))
}

/// Does what an administrator does in WeCom's console and in ours: copies the secrets, sets the callback address.
async fn connect(shown: &Shown, sandbox: &Sandbox, address: SocketAddr) -> anyhow::Result<()> {
    let app = sandbox.app(APP).context("the simulated WeCom has the app demo")?;
    let url = shown.connect(&app, address).await?;
    let (setting, sandbox) = (url.clone(), sandbox.clone());
    tokio::task::spawn_blocking(move || sandbox.set_callback_url(APP, &setting)).await??;
    tracing::info!(url, "Connected the simulated app");
    Ok(())
}

fn greet(speed: f64, shown: &Shown, sandbox: &Sandbox, sandbox_address: SocketAddr) {
    let company = sandbox.company();
    let mut err = std::io::stderr().lock();
    // A terminal that is gone does not stop the demo.
    writeln!(
        err,
        "鸿雁 Hongyan  {}\n模拟企业微信  http://{}\n{}，{} 名员工，{} 个渠道；平均每秒 {} 位客户到来，Ctrl-C 结束\n",
        shown.leads,
        sandbox_address,
        company.name,
        company.staff.len(),
        company.channels.len(),
        speed,
    )
    .ok();
}

/// Prints the report as the last line; an error unless all is well.
fn conclude(report: &Report) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(report)?);
    ensure!(report.lost == 0, "{} acknowledged arrivals have no lead", report.lost);
    ensure!(report.doubled == 0, "{} leads are doubled", report.doubled);
    Ok(())
}

/// Reports whether the simulated WeCom has taken a welcome message.
fn is_sent_welcome(call: &CallRecord) -> bool {
    let answer = serde_json::from_str::<Value>(call.answer.get()).unwrap_or_default();
    call.path.ends_with("/send_welcome_msg") && answer["errcode"] == 0
}

/// Reads leads over HTTP, as any outsider would.
struct Watch {
    client: reqwest::Client,
    url: String,
    token: String,
    /// Leads received before this run do not count; milliseconds since the epoch.
    begun: i64,
    tally: Tally,
}

struct LeadPage {
    items: Vec<SeenLead>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct RawPage {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

impl RawPage {
    /// Keeps the leads of contacts: who submits a form did not arrive in the simulated company.
    fn contacts(self) -> serde_json::Result<LeadPage> {
        let is_contact = |lead: &Value| lead["external_user_id"].is_string() && lead["owner"].is_object();
        let contacts = self.items.into_iter().filter(is_contact).map(serde_json::from_value);
        Ok(LeadPage { items: contacts.collect::<Result<_, _>>()?, next_cursor: self.next_cursor })
    }
}

impl Watch {
    async fn forever(&mut self, feed: &mut Feed) -> anyhow::Result<()> {
        loop {
            self.look(feed).await?;
            tokio::time::sleep(WATCH).await;
        }
    }

    /// Watches until enough leads are there and every acknowledged arrival has one, and sums up.
    async fn until(
        &mut self,
        leads: u64,
        feed: &mut Feed,
        sandbox: &Sandbox,
        process_begun: Instant,
    ) -> anyhow::Result<Report> {
        let (mut first_lead_ms, mut moved) = (None, Instant::now());
        loop {
            if self.look(feed).await? > 0 {
                moved = Instant::now();
            }
            if self.tally.leads() > 0 && first_lead_ms.is_none() {
                first_lead_ms = u64::try_from(process_begun.elapsed().as_millis()).ok();
            }
            let is_enough = self.tally.leads() as u64 + sandbox.given_up() >= leads;
            let is_stuck = moved.elapsed() > GRACE;
            if is_enough || is_stuck {
                let is_missing_some = !self.tally.lost(&sandbox.callbacks()).is_empty();
                if (is_enough && !is_missing_some) || (is_stuck && is_missing_some) {
                    break;
                }
            }
            let pause = if first_lead_ms.is_none() { WATCH_FIRST } else { WATCH };
            tokio::time::sleep(pause).await;
        }
        self.wait_for_greetings().await?;
        let welcomes = sandbox.calls().iter().filter(|call| is_sent_welcome(call)).count();
        Ok(self.tally.report(&sandbox.callbacks(), sandbox.acknowledged(), welcomes, first_lead_ms))
    }

    /// Reads all leads of this run again until every welcome message has come to an end, or nothing moves any more.
    async fn wait_for_greetings(&mut self) -> anyhow::Result<()> {
        let mut moved = Instant::now();
        while self.tally.ungreeted() > 0 && moved.elapsed() < GRACE {
            let before = self.tally.ungreeted();
            let mut cursor: Option<String> = None;
            loop {
                let page = self.page(cursor.as_deref()).await?;
                let of_this_run: Vec<_> =
                    page.items.into_iter().filter(|lead| lead.received_at >= self.begun).collect();
                cursor = page.next_cursor.filter(|_| !of_this_run.is_empty());
                for lead in of_this_run {
                    self.tally.note(&lead);
                }
                if cursor.is_none() {
                    break;
                }
            }
            if self.tally.ungreeted() < before {
                moved = Instant::now();
            }
            tokio::time::sleep(WATCH).await;
        }
        Ok(())
    }

    /// Reads pages from the newest on until one shows nothing new; returns how many leads were new.
    async fn look(&mut self, feed: &mut Feed) -> anyhow::Result<usize> {
        let mut cursor: Option<String> = None;
        let (mut new, mut greeted) = (Vec::new(), Vec::new());
        loop {
            let page = self.page(cursor.as_deref()).await?;
            let before = new.len();
            for lead in page.items.into_iter().filter(|lead| lead.received_at >= self.begun) {
                let was_waiting = self.tally.is_ungreeted(&lead.id);
                if self.tally.note(&lead) {
                    new.push(lead);
                } else if was_waiting && lead.welcome.is_final() {
                    greeted.push(lead);
                }
            }
            cursor = page.next_cursor;
            if new.len() == before || cursor.is_none() {
                break;
            }
        }
        for lead in new.iter().rev() {
            feed.print(lead);
        }
        for lead in greeted.iter().rev() {
            Feed::print_greeting(lead);
        }
        Ok(new.len())
    }

    async fn page(&self, cursor: Option<&str>) -> anyhow::Result<LeadPage> {
        let mut url = format!("{}?limit={PAGE}", self.url);
        if let Some(cursor) = cursor {
            url.push_str("&cursor=");
            url.push_str(cursor);
        }
        let answer = self.client.get(url).bearer_auth(&self.token).send().await?;
        Ok(answer.error_for_status()?.json::<RawPage>().await?.contacts()?)
    }
}

/// Prints a line for each lead, with what the simulated company knows of the customer.
struct Feed {
    arrivals: broadcast::Receiver<Arrival>,
    known: HashMap<String, Arrival>,
}

impl Feed {
    fn print(&mut self, lead: &SeenLead) {
        loop {
            match self.arrivals.try_recv() {
                Ok(arrival) => {
                    self.known.insert(arrival.customer.external_user_id.clone(), arrival);
                }
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => break,
            }
        }
        let arrival = self.known.remove(&lead.external_user_id);
        let mut err = std::io::stderr().lock();
        let customer =
            arrival.as_ref().map_or(lead.external_user_id.as_str(), |arrival| arrival.customer.name.as_str());
        let channel = match &arrival {
            Some(Arrival { channel: Some(channel), .. }) => format!("经「{channel}」"),
            _ => lead.channel.as_ref().map_or_else(|| "直接添加".to_owned(), |state| format!("经 {state}")),
        };
        let of_company = || arrival.as_ref().map(|arrival| arrival.staff_name.as_str());
        let owner = lead.owner.name.as_deref().or_else(of_company).unwrap_or(&lead.owner.user_id);
        let wait = lead.assigned_at - lead.received_at;
        writeln!(
            err,
            "{}  {channel} → {}  {}  {}",
            paint("1", customer),
            paint("32", owner),
            paint("2", &format!("{wait} 毫秒")),
            paint("2", &lead.reason.text),
        )
        .ok();
        if lead.welcome.is_final() {
            drop(err);
            Self::print_greeting(lead);
        }
    }

    fn print_greeting(lead: &SeenLead) {
        let customer = lead.name.as_deref().unwrap_or(&lead.external_user_id);
        let outcome = match lead.welcome.state.as_str() {
            "sent" => paint("36", "已发欢迎语"),
            "expired" => paint("31", "欢迎语过了 20 秒，未发出"),
            "unknown" => paint("31", "欢迎语结果不明"),
            _ => paint("31", "欢迎语被拒绝"),
        };
        let wait = lead.welcome.at.map_or_else(String::new, |at| format!("{} 毫秒", at - lead.received_at));
        writeln!(std::io::stderr().lock(), "    ↳ {customer}  {outcome}  {}", paint("2", &wait)).ok();
    }
}

/// Colours a text, where somebody watches in a terminal.
fn paint(code: &str, text: &str) -> String {
    if std::io::stderr().is_terminal() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
