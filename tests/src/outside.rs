//! The count from outside: leads as anybody reads them over HTTP, calls as WeCom received them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use crate::company::Company;
use crate::installation::{Installation, SERVICES};
use crate::tokens::Tokens;

/// Where a welcome message is sent.
const WELCOME: &str = "externalcontact/send_welcome_msg";

/// Somebody who reads leads.
pub struct Outside {
    http: Client,
    url: String,
    /// Where each service answers.
    services: Vec<(&'static str, String)>,
    tokens: Tokens,
}

/// What there is, against what there should be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Customers and forms that were acknowledged and have no lead.
    pub lost: BTreeSet<String>,
    /// Customers and forms with more than one lead, and welcome codes that worked twice.
    pub doubled: BTreeSet<String>,
    /// Leads without an owner, and leads whose welcome message has not come to an end.
    pub unfinished: BTreeSet<String>,
    /// Leads that say something else of their welcome message than WeCom does.
    pub untrue: BTreeSet<String>,
}

impl Outside {
    /// Returns somebody who reads the leads of an installation.
    pub fn of(installation: &Installation) -> Self {
        let patience = Duration::from_secs(10);
        let http =
            Client::builder().no_proxy().timeout(patience).build().expect("a plain client can be made");
        Self {
            http,
            url: format!("{}/api/v1/leads/leads", installation.url_of("leads")),
            services: SERVICES.map(|service| (service, installation.url_of(service))).into(),
            tokens: installation.tokens(),
        }
    }

    /// Compares; `None` while the service does not answer.
    pub async fn count(&self, company: &Company) -> Option<Outcome> {
        let mut outcome = Outcome::default();
        let (sent, acknowledged) = (Self::greeted(company, &mut outcome), company.acknowledged());
        let mut found = BTreeMap::<String, usize>::new();
        let note = |lead: Value| {
            let customer = lead["external_user_id"].as_str();
            let subject = customer.or(lead["name"].as_str()).unwrap_or_default().to_owned();
            let state = lead["welcome"]["state"].as_str().unwrap_or_default();
            let is_greeted =
                customer.is_some_and(|customer| sent.contains(&customer.replace("wm-", "code-")));
            let is_on_its_way = match state {
                // Nobody can be greeted whose arrival only a comparison with WeCom found.
                "none" => acknowledged.contains(&subject),
                _ => ["wanted", "calling"].contains(&state),
            };
            if lead["owner"].is_null() || is_on_its_way {
                outcome.unfinished.insert(subject.clone());
            } else if (state == "sent") != is_greeted && state != "unknown" {
                outcome.untrue.insert(format!("{subject}: {state}"));
            }
            *found.entry(subject).or_default() += 1;
        };
        self.each(&self.url, note).await?;
        let accepted = company.accepted();
        let expected = acknowledged.iter().chain(&accepted);
        outcome.lost = expected.filter(|subject| !found.contains_key(*subject)).cloned().collect();
        outcome.doubled.extend(found.into_iter().filter(|(_, leads)| *leads > 1).map(|(subject, _)| subject));
        Some(outcome)
    }

    /// Returns how many leads there are in each state of their welcome message; those of forms have none.
    pub async fn welcomes(&self) -> Option<BTreeMap<String, usize>> {
        let mut states = BTreeMap::new();
        let note = |lead: Value| {
            let is_contact = !lead["external_user_id"].is_null();
            let state = lead["welcome"]["state"].as_str().filter(|_| is_contact).unwrap_or("form");
            *states.entry(state.to_owned()).or_default() += 1;
        };
        self.each(&self.url, note).await?;
        Some(states)
    }

    /// Reports whether a customer has a lead with an owner.
    pub async fn has_owner(&self, external_user_id: &str) -> bool {
        let leads = self.leads_of(external_user_id).await;
        leads.is_some_and(|leads| leads.iter().any(|lead| !lead["owner"].is_null()))
    }

    /// Returns the leads of a customer; `None` while the service does not answer.
    pub async fn leads_of(&self, external_user_id: &str) -> Option<Vec<Value>> {
        let url = format!("{}?external_user_id={external_user_id}", self.url);
        let answer = self.http.get(url).bearer_auth(self.tokens.get()).send().await;
        let page: Value = answer.ok()?.error_for_status().ok()?.json().await.ok()?;
        page["items"].as_array().cloned()
    }

    /// Returns the customers who have a lead with an owner.
    pub async fn owned_customers(&self) -> Option<BTreeSet<String>> {
        let leads = self.leads().await?;
        let owned = leads.iter().filter(|lead| !lead["owner"].is_null());
        Some(owned.filter_map(|lead| lead["external_user_id"].as_str().map(str::to_owned)).collect())
    }

    /// Returns the welcome codes that worked, and notes those that worked twice.
    fn greeted(company: &Company, outcome: &mut Outcome) -> BTreeSet<String> {
        let mut sent = BTreeSet::new();
        for (body, answer) in company.wecom.calls(WELCOME) {
            let code = body["welcome_code"].as_str().unwrap_or_default().to_owned();
            if answer["errcode"] == 0 && !sent.insert(code.clone()) {
                outcome.doubled.insert(code);
            }
        }
        sent
    }

    /// Returns the events that consumers of all services gave up.
    pub async fn dead_letters(&self) -> Option<Vec<Value>> {
        let mut letters = Vec::new();
        for url in self.urls_of("dead-letters") {
            letters.extend(self.list(&url).await?);
        }
        Some(letters)
    }

    /// Has the dead letters of a queue put back; `None` unless some were.
    pub async fn redrive(&self, queue: &str) -> Option<()> {
        let service = queue.split('.').next().unwrap_or_default();
        let url = format!("{}/redrive", self.url_of(service, "dead-letters"));
        let answer =
            self.http.post(url).bearer_auth(self.tokens.get()).json(&json!({"queue": queue})).send().await;
        let redriven: Value = answer.ok()?.error_for_status().ok()?.json().await.ok()?;
        (redriven["redriven"].as_u64()? > 0).then_some(())
    }

    /// Orders a comparison with WeCom; `None` while the service does not answer.
    pub async fn order_comparison(&self) -> Option<()> {
        let url = self.url_of("ingest", "reconciliations");
        let answer = self.http.post(url).bearer_auth(self.tokens.get()).send().await.ok()?;
        answer.error_for_status().ok().map(drop)
    }

    /// Returns all comparisons with WeCom.
    pub async fn comparisons(&self) -> Option<Vec<Value>> {
        self.list(&self.url_of("ingest", "reconciliations")).await
    }

    /// Reports whether every customer with a lead was read from WeCom.
    pub async fn all_are_read(&self) -> Option<bool> {
        let is_read = |lead: &Value| lead["external_user_id"].is_null() || lead["profile"] == "complete";
        Some(self.leads().await?.iter().all(is_read))
    }

    fn url_of(&self, service: &str, what: &str) -> String {
        let (_, base) = self.services.iter().find(|(name, _)| *name == service).expect("it is a service");
        format!("{base}/api/v1/{service}/{what}")
    }

    fn urls_of(&self, what: &str) -> Vec<String> {
        SERVICES.iter().map(|service| self.url_of(service, what)).collect()
    }

    async fn leads(&self) -> Option<Vec<Value>> {
        self.list(&self.url).await
    }

    /// Reads a list to its end.
    async fn list(&self, url: &str) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        self.each(url, |item| items.push(item)).await?;
        Some(items)
    }

    /// Shows each item of a list: after a long storm all of them would be too many to hold.
    async fn each(&self, url: &str, mut show: impl FnMut(Value)) -> Option<()> {
        let mut cursor = None::<String>;
        loop {
            let mut address = format!("{url}?limit=200");
            if let Some(cursor) = &cursor {
                address.push_str("&cursor=");
                address.push_str(cursor);
            }
            let answer = self.http.get(address).bearer_auth(self.tokens.get()).send().await.ok()?;
            let mut page: Value = answer.error_for_status().ok()?.json().await.ok()?;
            page["items"].as_array_mut()?.drain(..).for_each(&mut show);
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Some(());
            }
        }
    }
}
