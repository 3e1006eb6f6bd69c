//! Reads leads over HTTP, as any outsider would.

use std::time::{Duration, Instant};

use scrm_wecom_sandbox::{CallRecord, Sandbox};
use serde::Deserialize;
use serde_json::Value;

use super::feed::{Feed, News};
use super::story::Card;
use crate::shown::TOKEN_LIFE;
use crate::tally::{Report, SeenLead, Tally};
use crate::token::Pass;

/// How often the list of leads is read while one watches.
const WATCH: Duration = Duration::from_millis(100);
/// The same until the first lead is there, which is timed.
const WATCH_FIRST: Duration = Duration::from_millis(2);
/// Rows of a page of leads.
const PAGE: usize = 200;
/// How long an acknowledged arrival may stay without a lead, when nothing else moves, before it counts as lost.
const GRACE: Duration = Duration::from_secs(10);
/// How long somebody who wants to stop waits for what has begun.
const CATCH_UP: Duration = Duration::from_secs(3);

/// Reports whether the simulated WeCom has done what it was asked.
fn is_done(call: &CallRecord) -> bool {
    serde_json::from_str::<Value>(call.answer.get()).unwrap_or_default()["errcode"] == 0
}

/// The leads of this run.
pub(super) struct Watch {
    pub(super) client: reqwest::Client,
    /// The list of leads.
    pub(super) url: String,
    pub(super) pass: Pass,
    /// Leads received before this run do not count; milliseconds since the epoch.
    pub(super) begun: i64,
    pub(super) tally: Tally,
}

#[derive(Deserialize)]
struct LeadPage {
    items: Vec<SeenLead>,
    next_cursor: Option<String>,
}

/// The cards about a lead, the newest last.
#[derive(Deserialize)]
struct CardPage {
    items: Vec<SeenCard>,
}

#[derive(Deserialize)]
struct SeenCard {
    state: String,
    together: Option<Value>,
}

impl SeenCard {
    fn card(&self) -> Card {
        match self.state.as_str() {
            "sent" => Card::Sent,
            "skipped" if self.together.is_some() => Card::Together,
            "refused" => Card::Refused,
            "unknown" => Card::Unknown,
            _ => Card::Pending,
        }
    }
}

impl Watch {
    /// Prints what comes until the process ends.
    pub(super) async fn forever(&mut self, feed: &mut Feed) -> anyhow::Result<()> {
        loop {
            self.look(feed).await?;
            self.tell(feed).await?;
            tokio::time::sleep(WATCH).await;
        }
    }

    /// Watches on until what has begun has come to its end, for somebody who wants to stop.
    pub(super) async fn catch_up(&mut self, feed: &mut Feed, sandbox: &Sandbox) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            self.look(feed).await?;
            self.tell(feed).await?;
            let is_through = self.tally.ungreeted() == 0 && feed.is_through();
            if begun.elapsed() > CATCH_UP || (is_through && self.tally.lost(&sandbox.callbacks()).is_empty())
            {
                return Ok(());
            }
            tokio::time::sleep(WATCH).await;
        }
    }

    /// Sums up what has happened so far.
    pub(super) fn report(&self, sandbox: &Sandbox, first_lead_ms: Option<u64>) -> Report {
        let welcomes = sandbox.calls_where(|path| path.ends_with("/send_welcome_msg"));
        let welcomes = welcomes.iter().filter(|call| is_done(call)).count();
        self.tally.report(&sandbox.callbacks(), sandbox.acknowledged(), welcomes, first_lead_ms)
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
            self.tell(feed).await?;
            let pause = if first_lead_ms.is_none() { WATCH_FIRST } else { WATCH };
            tokio::time::sleep(pause).await;
        }
        self.wait_for_greetings(feed).await?;
        self.tell(feed).await?;
        Ok(self.report(sandbox, first_lead_ms))
    }

    /// Reads all leads of this run again until every welcome message has come to an end, or nothing moves any more.
    async fn wait_for_greetings(&mut self, feed: &mut Feed) -> anyhow::Result<()> {
        let mut moved = Instant::now();
        while self.tally.ungreeted() > 0 && moved.elapsed() < GRACE {
            let before = self.tally.ungreeted();
            let mut cursor: Option<String> = None;
            loop {
                let page = self.page(cursor.as_deref()).await?;
                let of_this_run: Vec<_> =
                    page.items.into_iter().filter(|lead| lead.received_at >= self.begun).collect();
                cursor = page.next_cursor.filter(|_| !of_this_run.is_empty());
                let news = of_this_run.into_iter().flat_map(|lead| self.noted(lead)).collect();
                feed.take(news, Instant::now());
                if cursor.is_none() {
                    break;
                }
            }
            if self.tally.ungreeted() < before {
                moved = Instant::now();
            }
            feed.turn(Instant::now());
            tokio::time::sleep(WATCH).await;
        }
        Ok(())
    }

    /// Reads pages from the newest on until one shows nothing new; returns how many leads were new.
    async fn look(&mut self, feed: &mut Feed) -> anyhow::Result<usize> {
        let mut cursor: Option<String> = None;
        let mut news = Vec::new();
        let mut arrived = 0;
        loop {
            let page = self.page(cursor.as_deref()).await?;
            let (before, begun) = (arrived, self.begun);
            for lead in page.items.into_iter().filter(|lead| lead.received_at >= begun) {
                let of_lead = self.noted(lead);
                arrived += of_lead.iter().filter(|one| matches!(one, News::Arrived(_))).count();
                news.extend(of_lead);
            }
            cursor = page.next_cursor;
            if arrived == before || cursor.is_none() {
                break;
            }
        }
        news.reverse();
        feed.take(news, Instant::now());
        Ok(arrived)
    }

    /// Notes a lead, and returns what is new about it.
    fn noted(&mut self, lead: SeenLead) -> Vec<News> {
        let Some(before) = self.tally.note(&lead) else { return vec![News::Arrived(lead)] };
        let mut news = Vec::new();
        if !before.welcome.is_final() && lead.welcome.is_final() {
            news.push(News::Greeted(lead.clone()));
        }
        let owner = |lead: &SeenLead| lead.owner.as_ref().map(|owner| owner.user_id.to_lowercase());
        if owner(&before) != owner(&lead) {
            news.push(News::Moved(lead.clone()));
        }
        if before.followed_up_at.is_none() && lead.followed_up_at.is_some() {
            news.push(News::FollowedUp(lead));
        }
        news
    }

    /// Asks for the cards that stories lack, and tells what can be told.
    async fn tell(&mut self, feed: &mut Feed) -> anyhow::Result<()> {
        for lead in feed.without_card() {
            let url = format!("{}/{lead}/cards", self.url);
            let answer = self.client.get(url).bearer_auth(self.pass.token(TOKEN_LIFE)?).send().await?;
            let cards = answer.error_for_status()?.json::<CardPage>().await?.items;
            feed.note_card(&lead, cards.last().map_or(Card::Pending, SeenCard::card));
        }
        feed.turn(Instant::now());
        Ok(())
    }

    async fn page(&self, cursor: Option<&str>) -> anyhow::Result<LeadPage> {
        let mut url = format!("{}?limit={PAGE}", self.url);
        if let Some(cursor) = cursor {
            url.push_str("&cursor=");
            url.push_str(cursor);
        }
        let answer = self.client.get(url).bearer_auth(self.pass.token(TOKEN_LIFE)?).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}
