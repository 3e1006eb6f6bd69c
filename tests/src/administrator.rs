//! What an administrator sets up while processes die: each deed is tried again until it is done, as a person would.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, IF_MATCH};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use scrm_testing::eventually_within;
use scrm_wecom_sandbox::{Answer, Event};
use serde_json::{Value, json};

use crate::company::Company;
use crate::installation::{Installation, SERVICES};
use crate::tokens::Tokens;

/// How long a deed may take: two leases of two minutes, and what is between them.
const PATIENCE: Duration = Duration::from_mins(5);
/// Before a request is sent again.
const PAUSE: Duration = Duration::from_millis(100);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// A picture of one kind, if not a nice one.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a picture";
/// The third-party suite of the simulated provider.
const SUITE: &str = "suite";

/// Somebody who sets up what an enterprise needs.
pub struct Administrator {
    http: Client,
    services: Vec<(&'static str, String)>,
    tokens: Tokens,
    /// How often something was told of the suite.
    told: AtomicUsize,
}

/// What was set up, and for whom.
#[derive(Debug)]
pub struct Deeds {
    tag: String,
    /// Somebody who came through the new channel.
    customer: String,
    /// To whom the customer was given.
    heir: String,
}

impl Administrator {
    /// Returns somebody who may do everything in an installation.
    pub fn of(installation: &Installation) -> Self {
        let http = Client::builder().no_proxy().timeout(ANSWER).build().expect("a plain client can be made");
        let services = SERVICES.map(|service| (service, installation.url_of(service))).into();
        Self { http, services, tokens: installation.tokens(), told: AtomicUsize::new(0) }
    }

    /// Sets up a tag, a picture, a greeting, a channel and a suite; somebody comes through the channel, and is given to
    /// another member. `ingest` is where WeCom calls back.
    pub async fn set_up(&self, company: &Company, ingest: &str) -> Deeds {
        let tag = self.tag().await;
        let media = self.picture().await;
        let attachments = json!([{"kind": "image", "media_id": media}]);
        let greeting = json!({"text": "您好，很高兴认识您！", "attachments": attachments});
        self.until_done(|| self.request(Method::PUT, "leads", "greetings").json(&greeting)).await;
        let state = self.channel(&tag, company.staff()).await;
        self.suite(company, ingest).await;
        let customer = self.customer_through(company, &state).await;
        let heir = self.give_away(&customer, company.staff()).await;
        Deeds { tag, customer, heir }
    }

    /// Waits until everything is as it was set up, and WeCom was told of it once; says what is not.
    pub async fn check(&self, company: &Company, deeds: &Deeds) -> Result<(), String> {
        self.served(company).await;
        let begun = Instant::now();
        loop {
            let wrong = self.wrong(company, deeds).await;
            if wrong.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(wrong.join("; "));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Says what is not as it was set up: marks and transfers may be on their way for a while, what was done twice stays.
    async fn wrong(&self, company: &Company, deeds: &Deeds) -> Vec<String> {
        let mut wrong = Vec::new();
        for call in ["externalcontact/add_corp_tag", "externalcontact/add_contact_way"] {
            let times = company.wecom.calls(call).iter().filter(|(_, answer)| answer["errcode"] == 0).count();
            if times != 1 {
                wrong.push(format!("{call} worked {times} times"));
            }
        }
        let handed = |(_, answer): &&(Value, Value)| {
            let customers = answer["customer"].as_array();
            customers.is_some_and(|all| all.iter().any(|one| one["errcode"] == 0))
        };
        let transfers = company.wecom.calls("externalcontact/transfer_customer");
        if transfers.iter().filter(handed).count() != 1 {
            wrong.push(format!("the customer was handed over otherwise than once: {transfers:?}"));
        }
        let marked = |(body, answer): &(Value, Value)| {
            let is_hers = body["external_userid"] == deeds.customer.as_str();
            is_hers && body["add_tag"] == json!([deeds.tag]) && answer["errcode"] == 0
        };
        if !company.wecom.calls("externalcontact/mark_tag").iter().any(marked) {
            wrong.push("the customer of the channel has not got its tag".to_owned());
        }
        let lead = self.lead_of(&deeds.customer).await;
        if lead.as_ref().is_none_or(|lead| lead["owner"]["user_id"] != deeds.heir.as_str()) {
            wrong.push(format!("the lead that was given to {} is {lead:?}", deeds.heir));
        }
        for (service, list) in [("leads", "channels"), ("leads", "media"), ("ingest", "suites")] {
            let listed = self.list(service, list).await.map(|items| items.len());
            if listed != Some(1) {
                wrong.push(format!("{listed:?} {list}"));
            }
        }
        wrong
    }

    async fn tag(&self) -> String {
        let tag = json!({"group_name": "来源", "name": "展会"});
        let made = self.until_made("customers", "tags", "tag-1", &tag).await;
        let path = format!("tags/{}", made["id"].as_str().unwrap_or_default());
        eventually_within(PATIENCE, "the tag is made", async || {
            let tag = self.read("customers", &path).await?;
            tag["tag_id"].as_str().map(str::to_owned)
        })
        .await
    }

    async fn picture(&self) -> String {
        let picture = || {
            let request = self.request(Method::POST, "leads", "media?kind=image&name=a.png");
            request
                .header(CONTENT_TYPE, "application/octet-stream")
                .header("idempotency-key", "media-1")
                .body(PNG)
        };
        self.until_done(picture).await["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Makes a channel, and waits until WeCom has its code; returns its state.
    async fn channel(&self, tag: &str, staff: &[String]) -> String {
        let places: Vec<Value> = staff.iter().map(|user| json!({"user_id": user})).collect();
        let channel = json!({"name": "展会", "staff": places, "tags": [tag]});
        let made = self.until_made("leads", "channels", "channel-1", &channel).await;
        let path = format!("channels/{}", made["id"].as_str().unwrap_or_default());
        eventually_within(PATIENCE, "the channel has a code", async || {
            let channel = self.read("leads", &path).await?;
            channel["qr_code"].as_str()?;
            channel["state"].as_str().map(str::to_owned)
        })
        .await
    }

    /// Sets up a suite, and waits until the company that installs it is served through it.
    pub async fn serve_by_suite(&self, company: &Company, ingest: &str) {
        self.suite(company, ingest).await;
        self.served(company).await;
    }

    /// Sets up the suite, which the company installs.
    async fn suite(&self, company: &Company, ingest: &str) {
        let sandbox = &company.wecom.sandbox;
        let suite = sandbox.app(SUITE).expect("there is always a suite");
        let form = json!({
            "suite_id": suite.suite_id, "kind": suite.kind, "provider_corp_id": suite.corp_id,
            "secret": suite.secret, "token": suite.token, "encoding_aes_key": suite.encoding_aes_key,
            "api_url": company.wecom.url(),
        });
        let path = format!("suites/{SUITE}");
        self.until_done(|| self.request(Method::PUT, "ingest", &path).json(&form)).await;
        let callback = format!("{ingest}/callback/wecom/{SUITE}");
        sandbox.set_callback_url(SUITE, &callback).expect("the suite is there");
        self.told(company, "suite_ticket").await;
        self.told(company, "create_auth").await;
    }

    /// Lets something happen to the suite, until it is told. A code that nobody took in is of no use: the next is another.
    async fn told(&self, company: &Company, deed: &str) {
        eventually_within(PATIENCE, deed, async || {
            let (event, number) = (Event::new(SUITE, deed, None), self.told.fetch_add(1, Ordering::Relaxed));
            let event = match deed {
                "create_auth" => event.field("AuthCode", format!("auth-code-{number}")),
                _ => event.field("SuiteTicket", format!("ticket-{number}")),
            };
            let delivery = company.wecom.sandbox.happen(event).await.expect("the suite is there");
            (delivery.status == Answer::Http(200)).then_some(())
        })
        .await;
    }

    async fn served(&self, company: &Company) {
        eventually_within(PATIENCE, "the enterprise is served through the suite", async || {
            self.is_served(company).await.then_some(())
        })
        .await;
    }

    /// Reports whether the company's authorisation came through. If the answer to the exchange of its code got lost, and the
    /// code with it, it installs the suite anew.
    async fn is_served(&self, company: &Company) -> bool {
        let list = async |what: &str| self.list("ingest", &format!("suites/{SUITE}/{what}")).await;
        let (Some(authorizations), Some(errands)) = (list("authorizations").await, list("errands").await)
        else {
            return false;
        };
        if authorizations.iter().any(|one| one["state"] == "active") {
            return true;
        }
        if errands.iter().all(|errand| errand["state"] == "failed") {
            self.told(company, "create_auth").await;
        }
        false
    }

    /// Lets somebody come through a channel, and waits for the lead's owner.
    async fn customer_through(&self, company: &Company, state: &str) -> String {
        eventually_within(PATIENCE, "somebody came through the channel", async || {
            company.come_through(state).await
        })
        .await
    }

    /// Gives a customer's lead to a member who does not have it; returns whom.
    async fn give_away(&self, customer: &str, staff: &[String]) -> String {
        let mut heir = None::<String>;
        eventually_within(PATIENCE, "the lead is given away", async || {
            let lead = self.lead_of(customer).await?;
            let owner = lead["owner"]["user_id"].as_str()?.to_owned();
            let heir = heir.get_or_insert_with(|| {
                let other = staff.iter().find(|user| !user.eq_ignore_ascii_case(&owner));
                other.expect("there are two members").clone()
            });
            if *heir == owner {
                return Some(owner);
            }
            let path = format!("leads/{}/reassign", lead["id"].as_str()?);
            let version = lead["version"].as_i64()?;
            let request = self.request(Method::POST, "leads", &path).json(&json!({"user_id": heir}));
            let request = request.header(IF_MATCH, format!("\"{version}\""));
            // The lead may have changed meanwhile, then it is read again.
            request.header("idempotency-key", format!("reassign-{version}")).send().await.ok()?;
            None
        })
        .await
    }

    async fn lead_of(&self, customer: &str) -> Option<Value> {
        let page = self.read("leads", &format!("leads?external_user_id={customer}")).await?;
        page["items"].get(0).cloned()
    }

    async fn list(&self, service: &str, path: &str) -> Option<Vec<Value>> {
        self.read(service, path).await?["items"].as_array().cloned()
    }

    async fn read(&self, service: &str, path: &str) -> Option<Value> {
        let answer = self.request(Method::GET, service, path).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    async fn until_made(&self, service: &str, path: &str, key: &str, body: &Value) -> Value {
        let request = || self.request(Method::POST, service, path).header("idempotency-key", key).json(body);
        self.until_done(request).await
    }

    /// Sends a request until it is answered with success. What we sent wrong stays wrong.
    async fn until_done(&self, request: impl Fn() -> RequestBuilder) -> Value {
        let begun = Instant::now();
        loop {
            let complaint = match request().send().await {
                Ok(answer) => {
                    let (status, url) = (answer.status(), answer.url().clone());
                    let body = answer.json::<Value>().await.unwrap_or_default();
                    if status.is_success() {
                        return body;
                    }
                    let is_wrong = status.is_client_error() && status != StatusCode::CONFLICT;
                    assert!(!is_wrong, "{url}: {status} {body}");
                    format!("{url}: {status} {body}")
                }
                Err(error) => error.to_string(),
            };
            assert!(begun.elapsed() < PATIENCE, "an administrator goes on failing: {complaint}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn request(&self, method: Method, service: &str, path: &str) -> RequestBuilder {
        let (_, base) = self.services.iter().find(|(name, _)| *name == service).expect("it is a service");
        let request = self.http.request(method, format!("{base}/api/v1/{service}/{path}"));
        request.bearer_auth(self.tokens.get())
    }
}
