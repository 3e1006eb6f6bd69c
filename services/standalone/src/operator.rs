//! An operator at the command line: calls the running services of an installation with tokens of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use scrm_kernel::Actor;
use serde_json::Value;

use crate::installation::Installation;
use crate::token;

/// How long an answer may take: sending a week again takes a while.
const PATIENCE: Duration = Duration::from_mins(5);

/// Somebody who may call every service.
pub(crate) struct Operator {
    installation: Installation,
    services: Vec<(&'static str, SocketAddr)>,
    client: reqwest::Client,
    /// What is written into the audit log.
    name: &'static str,
}

impl Operator {
    /// Finds the running services of a folder. With `service`, that one alone.
    pub(crate) fn of(data: &Path, service: Option<&str>, name: &'static str) -> anyhow::Result<Self> {
        let installation = Installation::existing(data)?;
        let mut services = installation.addresses()?;
        if let Some(wanted) = service {
            services.retain(|(name, _)| *name == wanted);
            if services.is_empty() {
                bail!("there is no service {wanted}");
            }
        }
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        Ok(Self { installation, services, client, name })
    }

    /// Returns the names of the services that it calls.
    pub(crate) fn services(&self) -> Vec<&'static str> {
        self.services.iter().map(|(name, _)| *name).collect()
    }

    /// Returns a token for an enterprise: the first one, or the one that `corp` names.
    pub(crate) async fn token(&self, corp: Option<&str>) -> anyhow::Result<String> {
        self.sign(token::administrator(&self.installation, corp, self.name).await?)
    }

    /// Returns a token for every enterprise.
    pub(crate) async fn tokens(&self) -> anyhow::Result<Vec<String>> {
        let administrators = token::administrators(&self.installation, self.name).await?;
        administrators.into_iter().map(|administrator| self.sign(administrator)).collect()
    }

    fn sign(&self, administrator: Actor) -> anyhow::Result<String> {
        token::sign(&self.installation, administrator, PATIENCE)
    }

    /// Reads below `/api/v1/{service}/`.
    pub(crate) async fn get(&self, token: &str, service: &str, path: &str) -> anyhow::Result<Value> {
        let request = self.client.get(self.url(service, path)?);
        answer(service, request.bearer_auth(token)).await
    }

    /// Posts below `/api/v1/{service}/`.
    pub(crate) async fn post(
        &self,
        token: &str,
        service: &str,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let request = self.client.post(self.url(service, path)?);
        answer(service, request.bearer_auth(token).json(body)).await
    }

    fn url(&self, service: &str, path: &str) -> anyhow::Result<String> {
        let found = self.services.iter().find(|(name, _)| *name == service);
        let (_, address) = found.with_context(|| format!("there is no service {service}"))?;
        Ok(format!("http://{address}/api/v1/{service}/{path}"))
    }
}

/// Sends a request; what is refused is an error in the service's words.
async fn answer(service: &str, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await.with_context(|| format!("{service} does not answer"))?;
    let status = answer.status();
    let body: Value = answer.json().await.with_context(|| format!("{service} answers {status}"))?;
    if status.is_success() {
        return Ok(body);
    }
    bail!("{service}: {}", body["detail"].as_str().unwrap_or(status.as_str()))
}
