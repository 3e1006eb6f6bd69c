//! What a provider asks of WeCom as one of its suites: 第三方应用, or a template of 代开发 apps.
//!
//! A suite proves itself with its secret and the newest ticket that WeCom sent it. An enterprise that installs it sends a
//! code, good once and for ten minutes, which is exchanged for a permanent code: the right to speak for that enterprise.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use scrm_kernel::WecomCorpId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::address;
use super::error::CallError;
use super::token::AccessToken;
use super::{http, reply};

/// Bytes of an answer at most; an authorisation may list many departments and members.
const MOST_ANSWER: usize = 1 << 20;
/// What WeCom gives when it does not say (WeCom document 90600).
const USUAL_LIFE: u64 = 7200;

/// What a suite proves itself with.
#[derive(Debug, Clone)]
pub struct SuiteProof {
    /// `suite_id`.
    pub suite_id: String,
    /// `suite_secret`.
    pub secret: SecretString,
    /// The newest `suite_ticket`; valid for 30 minutes.
    pub ticket: SecretString,
}

/// An enterprise's authorisation, as WeCom tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The enterprise.
    pub corp: WecomCorpId,
    /// What it is called.
    pub corp_name: String,
    /// The app that it got by the installation; none if it gave access to its contacts only.
    pub agent_id: Option<i64>,
}

/// What an auth code was exchanged for.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The right to speak for the enterprise, until it is cancelled or reset.
    pub permanent_code: SecretString,
    /// Whose it is.
    pub authorization: Authorization,
}

#[derive(Deserialize)]
struct TokenReply {
    #[serde(default, alias = "suite_access_token")]
    access_token: String,
    expires_in: Option<u64>,
}

impl TokenReply {
    fn into_token(self) -> Result<(AccessToken, Duration), CallError> {
        if self.access_token.is_empty() {
            return Err(CallError::Malformed("no token in it".to_owned()));
        }
        let life = Duration::from_secs(self.expires_in.unwrap_or(USUAL_LIFE));
        Ok((AccessToken::new(self.access_token), life))
    }
}

#[derive(Deserialize)]
struct AuthReply {
    #[serde(default)]
    permanent_code: String,
    auth_corp_info: CorpReply,
    #[serde(default)]
    auth_info: AgentsReply,
}

#[derive(Deserialize)]
struct CorpReply {
    corpid: String,
    #[serde(default)]
    corp_name: String,
}

#[derive(Default, Deserialize)]
struct AgentsReply {
    #[serde(default)]
    agent: Vec<AgentReply>,
}

#[derive(Deserialize)]
struct AgentReply {
    agentid: i64,
}

impl AuthReply {
    fn authorization(&self) -> Result<Authorization, CallError> {
        let corp = WecomCorpId::parse(&self.auth_corp_info.corpid);
        Ok(Authorization {
            corp: corp.map_err(|_| CallError::Malformed("no usable corpid in it".to_owned()))?,
            corp_name: self.auth_corp_info.corp_name.clone(),
            agent_id: self.auth_info.agent.first().map(|agent| agent.agentid),
        })
    }
}

/// Asks WeCom for the token of a suite (`POST service/get_suite_token`), and how long it lives.
pub async fn fetch_suite_token(
    http: &reqwest::Client,
    base_url: &str,
    proof: &SuiteProof,
) -> Result<(AccessToken, Duration), CallError> {
    let (secret, ticket) = (proof.secret.expose_secret(), proof.ticket.expose_secret());
    let body = json!({"suite_id": proof.suite_id, "suite_secret": secret, "suite_ticket": ticket});
    let request = Request { http, base_url, path: "service/get_suite_token", token: None };
    request.post::<TokenReply>(&body, &[secret, ticket]).await?.into_token()
}

/// Speaks with WeCom as a suite.
#[derive(Clone, Copy)]
pub struct SuiteSpeaker<'a> {
    /// With the time limits of [`http::client`].
    pub http: &'a reqwest::Client,
    /// Where WeCom's API is, without `/cgi-bin`.
    pub base_url: &'a str,
    /// The suite's token.
    pub token: &'a AccessToken,
}

impl SuiteSpeaker<'_> {
    /// Exchanges an auth code (`POST service/get_permanent_code`). It works once: when the answer is lost, so is the code.
    pub async fn exchange(&self, auth_code: &SecretString) -> Result<Granted, CallError> {
        let code = auth_code.expose_secret();
        let body = json!({"auth_code": code});
        let reply: AuthReply = self.request("service/get_permanent_code").post(&body, &[code]).await?;
        if reply.permanent_code.is_empty() {
            return Err(CallError::Malformed("no permanent code in it".to_owned()));
        }
        let authorization = reply.authorization()?;
        Ok(Granted { permanent_code: SecretString::from(reply.permanent_code), authorization })
    }

    /// Reads an authorisation (`POST service/get_auth_info`).
    pub async fn authorization(
        &self,
        corp: &WecomCorpId,
        permanent_code: &SecretString,
    ) -> Result<Authorization, CallError> {
        let code = permanent_code.expose_secret();
        let body = json!({"auth_corpid": corp.as_str(), "permanent_code": code});
        let reply: AuthReply = self.request("service/get_auth_info").post(&body, &[code]).await?;
        reply.authorization()
    }

    /// Asks for the token of a third-party app in an enterprise (`POST service/get_corp_token`), and how long it lives.
    pub async fn corp_token(
        &self,
        corp: &WecomCorpId,
        permanent_code: &SecretString,
    ) -> Result<(AccessToken, Duration), CallError> {
        let code = permanent_code.expose_secret();
        let body = json!({"auth_corpid": corp.as_str(), "permanent_code": code});
        self.request("service/get_corp_token").post::<TokenReply>(&body, &[code]).await?.into_token()
    }

    fn request(&self, path: &'static str) -> Request<'_> {
        Request { http: self.http, base_url: self.base_url, path, token: Some(self.token) }
    }
}

/// One call of a suite.
struct Request<'a> {
    http: &'a reqwest::Client,
    base_url: &'a str,
    path: &'static str,
    token: Option<&'a AccessToken>,
}

impl Request<'_> {
    /// Makes the call; neither `secrets` nor the token must come back in anybody's words.
    async fn post<R: DeserializeOwned>(
        &self,
        body: &impl Serialize,
        secrets: &[&str],
    ) -> Result<R, CallError> {
        let mut url = address(self.base_url, self.path)?;
        if let Some(token) = self.token {
            url.query_pairs_mut().append_pair("suite_access_token", token.expose());
        }
        let written = serde_json::to_vec(body);
        let written = written.map_err(|_| CallError::NotSent("the body cannot be written".to_owned()))?;
        let request = self.http.post(url).header(CONTENT_TYPE, "application/json").body(written);
        let (status, answer) = http::exchange(request, MOST_ANSWER).await?;
        let token = self.token.map(AccessToken::expose).unwrap_or_default();
        reply::read(status, &answer, &[secrets, &[token]].concat())
    }
}
