//! Our programs as an outsider meets them: the simulated WeCom, `scrm serve`, and reading over HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Client, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::callback::App;
use crate::cores::{Core, Cores};
use crate::place::Place;
use crate::program::{Program, free_address};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Before our servers close a connection that nobody uses.
const IDLE: Duration = Duration::from_secs(1);
/// Rows of a page.
const PAGE: usize = 200;

/// Returns a client for everything that is not timed.
pub fn http() -> anyhow::Result<Client> {
    let client = Client::builder().no_proxy().timeout(PATIENCE).pool_idle_timeout(IDLE);
    client.build().context("an HTTP client cannot be made")
}

/// A simulated WeCom in which nobody does anything by himself.
pub struct Wecom {
    /// Where it answers, without a slash at the end.
    pub url: String,
    /// Its app, with credentials.
    pub app: App,
    _program: Program,
    _folder: TempDir,
}

impl Wecom {
    /// Founds one, beside the load.
    pub async fn start(place: &Place, cores: &Cores, http: &Client) -> anyhow::Result<Self> {
        let folder = place.empty_folder()?;
        let mut command = place.program("wecom-sandbox")?;
        command.args(["--port", "0", "--speed", "0", "--data"]).arg(folder.path().join("wecom"));
        let mut program = Program::start("wecom", &mut command, cores, Core::Load, folder.path())?;
        let listens = "wecom-sandbox listens on ";
        let url = program.until(async |printed| {
            printed.lines().find_map(|line| line.strip_prefix(listens)).map(str::to_owned)
        });
        let url = url.await?;
        let apps = http.get(format!("{url}/_control/apps")).send().await?.error_for_status()?;
        let app = apps.json::<Vec<App>>().await?.into_iter().next().context("there is always an app")?;
        Ok(Self { url, app, _program: program, _folder: folder })
    }
}

/// The HTTP API, with an administrator's token.
#[derive(Clone)]
pub struct Api {
    http: Client,
    /// Where ingest answers, without a slash at the end.
    pub ingest: String,
    /// Where leads answers.
    pub leads: String,
    token: String,
}

/// A lead as it is read.
#[derive(Debug, Clone, Deserialize)]
pub struct Lead {
    /// Null for somebody who is no contact.
    pub external_user_id: Option<String>,
    /// As a form said it.
    pub name: Option<String>,
    /// Null in the pool.
    pub owner: Option<Owner>,
    /// When ingest had read the request.
    pub received_at: scrm_kernel::Timestamp,
    /// Null in the pool.
    pub assigned_at: Option<scrm_kernel::Timestamp>,
}

impl Lead {
    /// Returns the milliseconds from the request to the owner.
    pub fn wait(&self) -> Option<f64> {
        let wait = self.assigned_at? - self.received_at;
        i32::try_from(wait.num_milliseconds()).ok().map(f64::from)
    }
}

/// Who works on a lead.
#[derive(Debug, Clone, Deserialize)]
pub struct Owner {
    /// WeCom's id.
    pub user_id: String,
}

/// A callback as it is read.
#[derive(Debug, Clone, Deserialize)]
pub struct Stored {
    /// Null until it is published.
    pub processed_at: Option<scrm_kernel::Timestamp>,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl Api {
    /// Returns the API of an installation whose services answer there.
    pub fn of(
        place: &Place,
        data: &Path,
        http: Client,
        ingest: SocketAddr,
        leads: SocketAddr,
    ) -> anyhow::Result<Self> {
        let output =
            place.program("scrm")?.args(["token", "--role", "admin", "--data"]).arg(data).output()?;
        ensure!(output.status.success(), "scrm token failed: {}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).context("a token is text")?.trim().to_owned();
        Ok(Self { http, ingest: format!("http://{ingest}"), leads: format!("http://{leads}"), token })
    }

    /// Connects the app, as an administrator does.
    pub async fn connect(&self, wecom: &Wecom) -> anyhow::Result<()> {
        let app = &wecom.app;
        let body = json!({
            "wecom_corp_id": app.corp_id, "kind": app.kind, "agent_id": app.agent_id, "secret": app.secret,
            "token": app.token, "encoding_aes_key": app.encoding_aes_key, "api_url": wecom.url,
        });
        self.put(&format!("{}/api/v1/ingest/apps/{}", self.ingest, app.app), &body).await.map(drop)
    }

    /// Puts something; returns the answer.
    pub async fn put(&self, url: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.http.request(Method::PUT, url).bearer_auth(&self.token).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{url}: {status} {text}");
        serde_json::from_str(&text).context("an answer is JSON")
    }

    /// Reads something.
    pub async fn get<T: DeserializeOwned>(&self, url: &str) -> anyhow::Result<T> {
        let answer = self.http.get(url).bearer_auth(&self.token).send().await?.error_for_status()?;
        answer.json().await.context("an answer is the expected JSON")
    }

    /// Returns the newest rows of a list.
    pub async fn newest<T: DeserializeOwned>(&self, url: &str) -> anyhow::Result<Vec<T>> {
        Ok(self.get::<Page<T>>(&format!("{url}?limit={PAGE}")).await?.items)
    }

    /// Reads a list to its end.
    pub async fn all<T: DeserializeOwned>(&self, url: &str) -> anyhow::Result<Vec<T>> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let mut page = self.get::<Page<T>>(&format!("{url}?limit={PAGE}{after}")).await?;
            items.append(&mut page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    /// Returns where callbacks are listed.
    pub fn callbacks(&self) -> String {
        format!("{}/api/v1/ingest/callbacks", self.ingest)
    }

    /// Returns where leads are listed.
    pub fn leads(&self) -> String {
        format!("{}/api/v1/leads/leads", self.leads)
    }

    /// Reads a customer's lead; `None` while there is none with an owner.
    pub async fn owned(&self, customer: &str) -> anyhow::Result<Option<Lead>> {
        let url = format!("{}?limit=1&external_user_id={customer}", self.leads());
        let page = self.get::<Page<Lead>>(&url).await?;
        Ok(page.items.into_iter().find(|lead| lead.owner.is_some()))
    }

    /// Reads the leads that were received since a moment; `None` until each of these customers has one with an owner.
    pub async fn leads_since(
        &self,
        since: scrm_kernel::Timestamp,
        customers: &[String],
    ) -> anyhow::Result<Option<Vec<Lead>>> {
        let (mut leads, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = self.get::<Page<Lead>>(&format!("{}?limit={PAGE}{after}", self.leads())).await?;
            // Newest first: the first one from before is where this ends.
            let is_over = page.items.iter().any(|lead| lead.received_at < since);
            leads.extend(page.items.into_iter().filter(|lead| lead.received_at >= since));
            cursor = page.next_cursor.filter(|_| !is_over);
            if cursor.is_none() {
                break;
            }
        }
        let owned = leads.iter().filter(|lead| lead.owner.is_some()).count();
        if owned < customers.len() {
            return Ok(None);
        }
        check(&leads, customers)?;
        Ok(Some(leads))
    }

    /// Reads all leads and fails unless each of these customers has exactly one, with an owner; returns them.
    pub async fn count_leads(&self, customers: &[String]) -> anyhow::Result<Vec<Lead>> {
        let leads = self.all::<Lead>(&self.leads()).await?;
        check(&leads, customers)?;
        Ok(leads)
    }
}

/// Fails unless each of these customers has exactly one lead, with an owner.
fn check(leads: &[Lead], customers: &[String]) -> anyhow::Result<()> {
    let mut found = BTreeMap::<&str, usize>::new();
    for lead in leads.iter().filter(|lead| lead.owner.is_some()) {
        if let Some(customer) = lead.external_user_id.as_deref().or(lead.name.as_deref()) {
            *found.entry(customer).or_default() += 1;
        }
    }
    let lost = customers.iter().filter(|customer| !found.contains_key(customer.as_str())).count();
    let doubled = found.values().filter(|leads| **leads > 1).count();
    ensure!(lost == 0 && doubled == 0, "{lost} accepted have no lead with an owner, {doubled} have several");
    Ok(())
}

/// `scrm serve` on a folder that was empty.
pub struct Serve {
    /// Where it answers.
    pub address: SocketAddr,
    /// What it answers.
    pub api: Api,
    program: Program,
    _folder: TempDir,
}

impl Serve {
    /// Starts it on the measured core; returns when it is ready.
    pub async fn start(place: &Place, cores: &Cores, http: &Client) -> anyhow::Result<Self> {
        let folder = place.empty_folder()?;
        let (address, data) = (free_address()?, folder.path().join("data"));
        let mut command = place.program("scrm")?;
        command.args(["serve", "--port", &address.port().to_string(), "--data"]).arg(&data);
        let mut program = Program::start("scrm", &mut command, cores, Core::Server, folder.path())?;
        program.ready(http, &format!("http://{address}/readyz")).await?;
        let api = Api::of(place, &data, http.clone(), address, address)?;
        Ok(Self { address, api, program, _folder: folder })
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// Ends it and removes its data.
    pub async fn finish(self) -> anyhow::Result<()> {
        self.program.stop().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(customer: &str, has_owner: bool) -> Lead {
        let json = json!({
            "external_user_id": customer, "name": null, "received_at": "2026-03-02T01:00:00.000Z",
            "owner": has_owner.then(|| json!({"user_id": "li"})), "assigned_at": "2026-03-02T01:00:00.012Z",
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn who_has_no_owner_is_lost_and_who_has_two_leads_is_doubled() {
        let customers = ["a".to_owned(), "b".to_owned()];
        assert!(check(&[lead("a", true), lead("b", true)], &customers).is_ok());
        assert!(check(&[lead("a", true), lead("b", false)], &customers).is_err());
        assert!(check(&[lead("a", true), lead("b", true), lead("b", true)], &customers).is_err());
        assert_eq!(lead("a", true).wait(), Some(12.0));
    }
}
