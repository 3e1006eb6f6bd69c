//! The services that a demo shows: in this process, or processes of their own.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;
use scrm_ingest::Ingest;
use scrm_leads::Leads;
use scrm_wecom_sandbox::App;
use serde_json::{Value, json};

use crate::installation::Installation;
use crate::serve::Running;
use crate::token::{self, Pass};

/// How long a token of the demo lets in; each request has one of its own.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_mins(1);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Running services, as somebody outside reaches them.
pub(crate) struct Shown {
    /// The services, where they run in this process.
    pub(crate) running: Option<Running>,
    /// Where ingest answers, without a slash at the end.
    pub(crate) ingest: String,
    /// Where leads answers.
    pub(crate) leads: String,
    /// An administrator's tokens.
    pub(crate) pass: Pass,
    /// Calls them.
    pub(crate) client: reqwest::Client,
}

impl Shown {
    /// Starts the services of a folder, or finds those that run on their own.
    pub(crate) async fn start(
        installation: Installation,
        data: &Path,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let (running, ingest, leads) = match &installation {
            Installation::Embedded(_) => {
                let running = Running::start(data, address).await?;
                let address = running.address;
                (Some(running), address, address)
            }
            Installation::Distributed { file, .. } => {
                (None, Installation::address::<Ingest>(file)?, Installation::address::<Leads>(file)?)
            }
        };
        let administrator = token::administrator(&installation, None, "scrm demo").await?;
        Ok(Self {
            running,
            ingest: format!("http://{ingest}"),
            leads: format!("http://{leads}"),
            pass: Pass::of(&installation, administrator)?,
            client: reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?,
        })
    }

    /// Connects an app of the simulated WeCom, as an administrator does; returns the address of its callbacks.
    pub(crate) async fn connect(&self, app: &App, wecom: SocketAddr) -> anyhow::Result<String> {
        let url = format!("{}/api/v1/ingest/apps/{}", self.ingest, app.app);
        let body = json!({
            "wecom_corp_id": app.corp_id, "kind": app.kind, "agent_id": app.agent_id,
            "secret": app.secret, "token": app.token, "encoding_aes_key": app.encoding_aes_key,
            "api_url": format!("http://{wecom}"),
        });
        let answer = self.client.put(&url).bearer_auth(self.pass.token(TOKEN_LIFE)?).json(&body).send().await;
        let answer = answer.with_context(|| format!("no service answers on {}", self.ingest))?;
        let status = answer.status();
        ensure!(status.is_success(), "the app cannot be connected: {status} {}", answer.text().await?);
        Ok(format!("{}/callback/wecom/{}", self.ingest, app.app))
    }

    /// Sets what welcome messages say, with a picture, as an administrator does.
    pub(crate) async fn word_greeting(&self, text: &str, picture: &'static [u8]) -> anyhow::Result<()> {
        let attachments: Vec<_> = self.keep(picture).await?.into_iter().collect();
        let url = format!("{}/api/v1/leads/greetings", self.leads);
        let words = json!({"text": text, "attachments": attachments});
        let request = self.client.put(&url).bearer_auth(self.pass.token(TOKEN_LIFE)?).json(&words);
        let answer = request.send().await.with_context(|| format!("no service answers on {}", self.leads))?;
        let status = answer.status();
        ensure!(status.is_success(), "the greeting cannot be set: {status} {}", answer.text().await?);
        Ok(())
    }

    /// Has a picture kept, and returns it as an attachment; none where the services keep no files.
    async fn keep(&self, picture: &'static [u8]) -> anyhow::Result<Option<Value>> {
        let url = format!("{}/api/v1/leads/media?kind=image&name=welcome.png", self.leads);
        let request = self.client.post(&url).bearer_auth(self.pass.token(TOKEN_LIFE)?).body(picture);
        let answer = request.send().await.with_context(|| format!("no service answers on {}", self.leads))?;
        let status = answer.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Ok(None);
        }
        ensure!(status.is_success(), "the picture cannot be kept: {status} {}", answer.text().await?);
        let kept: Value = answer.json().await?;
        Ok(Some(json!({"kind": "image", "media_id": kept["id"]})))
    }

    /// Ends what runs in this process.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self.running {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }
}
