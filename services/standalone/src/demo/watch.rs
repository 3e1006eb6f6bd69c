//! Reads leads over HTTP, as any outsider would.

use std::time::{Duration, Instant};

use scrm_wecom_sandbox::{CallRecord, Sandbox};
use serde::Deserialize;
use serde_json::Value;

use super::feed::Feed;
use crate::tally::{Report, SeenLead, Tally};

/// How often the list of leads is read while one watches.
const WATCH: Duration = Duration::from_millis(100);
/// The same until the first lead is there, which is timed.
const WATCH_FIRST: Duration = Duration::from_millis(2);
/// Rows of a page of leads.
const PAGE: usize = 200;
/// How long an acknowledged arrival may stay without a lead, when nothing else moves, before it counts as lost.
const GRACE: Duration = Duration::from_secs(10);

/// Reports whether the simulated WeCom has taken a welcome message.
fn is_sent_welcome(call: &CallRecord) -> bool {
    let answer = serde_json::from_str::<Value>(call.answer.get()).unwrap_or_default();
    call.path.ends_with("/send_welcome_msg") && answer["errcode"] == 0
}

/// The leads of this run.
pub(super) struct Watch {
    pub(super) client: reqwest::Client,
    /// The list of leads.
    pub(super) url: String,
    pub(super) token: String,
    /// Leads received before this run do not count; milliseconds since the epoch.
    pub(super) begun: i64,
    pub(super) tally: Tally,
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
    /// Prints what comes until the process ends.
    pub(super) async fn forever(&mut self, feed: &mut Feed) -> anyhow::Result<()> {
        loop {
            self.look(feed).await?;
            tokio::time::sleep(WATCH).await;
        }
    }

    /// Watches until enough leads are there and every acknowledged arrival has one, and sums up.
    pub(super) async fn until(
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
