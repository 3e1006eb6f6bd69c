//! People who come, through the simulated WeCom and through webhooks, while processes die.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use futures::future::join_all;
use reqwest::Client;
use scrm_kernel::Clock;
use scrm_testing::{APP, TestWecom};
use scrm_wecom_sandbox::{Answer, ApiFault, App, CallbackFaults, Event, Faults};
use serde_json::{Value, json};

use crate::installation::Installation;

/// The lead source that the webhooks belong to.
const SOURCE: &str = "site";
/// The routing group of that source.
const GROUP: &str = "forms";
/// How long a sender waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a sender tries, with pauses between: other systems do not give up at once.
const TRIES: usize = 40;
const PAUSE: Duration = Duration::from_millis(250);

/// A company whose WeCom stays alive, and whose forms know what was accepted.
pub struct Company {
    /// Its WeCom.
    pub wecom: TestWecom,
    http: Client,
    /// Where forms are sent.
    ingest: String,
    secret: String,
    /// Members who meet people.
    staff: Vec<String>,
    arrived: AtomicUsize,
    /// Names in the forms that were accepted.
    accepted: Mutex<BTreeSet<String>>,
}

/// How WeCom and the services reach each other, where they do not do so straight.
pub struct Ways {
    /// The address of WeCom for the services.
    pub wecom: String,
    /// The address of ingest for WeCom and for forms.
    pub ingest: String,
}

impl Company {
    /// Founds a company and connects it as an administrator does: app, greeting, routing group and lead source.
    pub async fn connect(installation: &Installation) -> Self {
        let company = Self::connect_to_ingest(installation).await;
        company.set_up_leads(installation).await;
        company
    }

    /// Founds a company and connects it where only ingest runs yet: app and lead source.
    pub async fn connect_to_ingest(installation: &Installation) -> Self {
        let wecom = TestWecom::start(Clock::system());
        let ways = Ways { wecom: wecom.url().to_owned(), ingest: installation.url_of("ingest") };
        Self::of(installation, wecom, ways, 2).await
    }

    /// Connects a company like [`connect`](Self::connect), by other ways and with so many members who meet people.
    pub async fn connect_by(installation: &Installation, wecom: TestWecom, ways: Ways, staff: usize) -> Self {
        let company = Self::of(installation, wecom, ways, staff).await;
        company.set_up_leads(installation).await;
        company
    }

    async fn of(installation: &Installation, wecom: TestWecom, ways: Ways, staff: usize) -> Self {
        let http =
            Client::builder().no_proxy().timeout(PATIENCE).build().expect("a plain client can be made");
        let (token, ingest) = (installation.tokens().get(), installation.url_of("ingest"));
        let app = wecom.sandbox.app(APP).expect("there is always the app demo");
        let connection = connection_of(&app, &ways.wecom);
        put(&http, &token, &format!("{ingest}/api/v1/ingest/apps/{APP}"), &connection).await;
        let staff: Vec<String> = app.staff.iter().take(staff).cloned().collect();
        let source = json!({"name": "官网表单", "group": GROUP});
        let source =
            put(&http, &token, &format!("{ingest}/api/v1/ingest/lead-sources/{SOURCE}"), &source).await;
        let secret = source["secret"].as_str().expect("a new secret is shown once").to_owned();
        let callback = format!("{}/callback/wecom/{APP}", ways.ingest);
        wecom.sandbox.set_callback_url(APP, &callback).expect("the app is there");
        let (arrived, accepted) = (AtomicUsize::new(0), Mutex::default());
        Self { wecom, http, ingest: ways.ingest, secret, staff, arrived, accepted }
    }

    /// Sets up what leads is to know of it: greeting and routing group.
    async fn set_up_leads(&self, installation: &Installation) {
        let (token, leads) = (installation.tokens().get(), installation.url_of("leads"));
        let greeting = json!({"text": "您好，很高兴认识您！"});
        put(&self.http, &token, &format!("{leads}/api/v1/leads/greetings"), &greeting).await;
        let members: Vec<Value> = self.staff.iter().map(|user| json!({"user_id": user})).collect();
        let group = json!({"strategy": "round_robin", "members": members});
        put(&self.http, &token, &format!("{leads}/api/v1/leads/groups/{GROUP}"), &group).await;
    }

    /// Connects one more app of the company, which WeCom tells of everybody too.
    pub async fn connect_also(&self, installation: &Installation, name: &str) {
        let app = self.wecom.sandbox.app(name).expect("it is an app of the company");
        let (token, ingest) = (installation.tokens().get(), installation.url_of("ingest"));
        let connection = connection_of(&app, self.wecom.url());
        put(&self.http, &token, &format!("{ingest}/api/v1/ingest/apps/{name}"), &connection).await;
        let callback = format!("{}/callback/wecom/{name}", self.ingest);
        self.wecom.sandbox.set_callback_url(name, &callback).expect("the app is there");
    }

    /// Lets somebody add a member, of which WeCom tells each of these apps, with a welcome code of its own that works;
    /// returns the customer.
    pub async fn come_before(&self, apps: &[&str]) -> String {
        let person = self.somebody();
        let told = apps.iter().map(|app| self.tell(app, person, format!("code-{person}-{app}"), "fair"));
        assert!(
            join_all(told).await.into_iter().all(|answered| answered),
            "all callbacks are answered with 200"
        );
        format!("wm-{person}")
    }

    /// Lets so many people add a member, and as many fill in a form. Returns when all callbacks and forms are answered
    /// or given up.
    pub async fn welcome_some(&self, count: usize) {
        let people: Vec<usize> = (0..count).map(|_| self.somebody()).collect();
        let fill_in_forms = async {
            for person in &people {
                self.fill_in_form(*person).await;
            }
        };
        tokio::join!(self.add_members(&people), fill_in_forms);
    }

    /// Returns somebody who was never there before.
    pub fn somebody(&self) -> usize {
        self.arrived.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets people add a member each, all at once; returns which callbacks were answered with 200.
    pub async fn add_members(&self, people: &[usize]) -> Vec<bool> {
        join_all(people.iter().map(|person| self.arrive(*person, "fair"))).await
    }

    /// Returns what must stand in no log: secrets, codes and telephone numbers of everybody who came so far.
    pub fn secrets(&self) -> Vec<String> {
        let apps = self.wecom.sandbox.apps();
        let of_apps = apps.into_iter().flat_map(|app| [app.secret, app.token, app.encoding_aes_key]);
        let people = 0..self.arrived.load(Ordering::Relaxed);
        let of_people = people.flat_map(|person| [format!("code-{person}"), phone_of(person)]);
        let words = ["access_token=", "auth-code-", "ticket-"].map(str::to_owned);
        of_apps.chain(of_people).chain(words).chain([self.secret.clone()]).collect()
    }

    /// Returns the members who meet people.
    pub fn staff(&self) -> &[String] {
        &self.staff
    }

    /// Lets somebody come through the channel of this state; returns the customer, if the callback was answered.
    pub async fn come_through(&self, state: &str) -> Option<String> {
        let person = self.somebody();
        let answered = self.arrive(person, state).await;
        answered.then(|| format!("wm-{person}"))
    }

    /// Lets somebody add a member; returns whether the callback was answered with 200.
    async fn arrive(&self, person: usize, state: &str) -> bool {
        self.tell(APP, person, format!("code-{person}"), state).await
    }

    /// Tells an app that somebody has added a member; returns whether the callback was answered with 200.
    async fn tell(&self, app: &str, person: usize, code: String, state: &str) -> bool {
        let event = Event::new(app, "change_external_contact", Some("add_external_contact"))
            .field("UserID", self.staff[person % self.staff.len()].as_str())
            .field("ExternalUserID", format!("wm-{person}"))
            .field("WelcomeCode", code)
            .field("State", state);
        let delivery = self.wecom.sandbox.happen(event).await.expect("the app is there");
        delivery.status == Answer::Http(200)
    }

    /// Lets somebody fill in a form, and its sender try again and again; returns whether it was accepted.
    pub async fn fill_in_form(&self, person: usize) -> bool {
        let name = format!("访客{person}");
        let body = json!({"name": name, "phone": phone_of(person)}).to_string();
        let second = Clock::system().now().timestamp().to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        let signature = hmac::sign(&key, format!("{second}.{body}").as_bytes());
        for _ in 0..TRIES {
            let request = self.http.post(format!("{}/hooks/leads/{SOURCE}", self.ingest)).body(body.clone());
            let request = request
                .header("X-Scrm-Timestamp", &second)
                .header("X-Scrm-Signature", format!("v1={}", hex::encode(signature)))
                .header("X-Scrm-Id", format!("form-{person}"));
            if request.send().await.is_ok_and(|answer| answer.status().is_success()) {
                self.lock().insert(name);
                return true;
            }
            tokio::time::sleep(PAUSE).await;
        }
        false
    }

    /// Lets somebody add a member whose callback gets lost; returns the customer.
    pub async fn add_unheard(&self) -> String {
        let sandbox = &self.wecom.sandbox;
        sandbox.set_faults(Faults {
            callbacks: CallbackFaults { drop: 1.0, ..CallbackFaults::default() },
            ..Faults::default()
        });
        let person = self.somebody();
        assert_eq!(self.add_members(&[person]).await, [false]);
        sandbox.set_faults(Faults::default());
        format!("wm-{person}")
    }

    /// Lets WeCom refuse the cards of new leads for the time being, or take them again.
    pub fn refuse_cards(&self, is_refusing: bool) {
        let refusal = ApiFault { error_rate: 1.0, ..ApiFault::default() };
        let api = is_refusing.then(|| ("message/send".to_owned(), refusal));
        self.wecom.sandbox.set_faults(Faults { api: api.into_iter().collect(), ..Faults::default() });
    }

    /// Returns the customers whose arrival was answered with 200.
    pub fn acknowledged(&self) -> BTreeSet<String> {
        let callbacks = self.wecom.sandbox.callbacks();
        let answered = callbacks.into_iter().filter(|callback| callback.status == Answer::Http(200));
        answered.filter_map(|callback| callback.external_user_id).collect()
    }

    /// Returns the names in the forms that were accepted.
    pub fn accepted(&self) -> BTreeSet<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what an administrator types in to connect an app of the WeCom at `url`.
fn connection_of(app: &App, url: &str) -> Value {
    json!({
        "wecom_corp_id": app.corp_id, "kind": app.kind, "agent_id": app.agent_id, "secret": app.secret,
        "token": app.token, "encoding_aes_key": app.encoding_aes_key, "api_url": url,
    })
}

/// Puts what an administrator sets up; returns the answer.
async fn put(http: &Client, token: &str, url: &str, body: &Value) -> Value {
    let answer = http.put(url).bearer_auth(token).json(body).send().await.expect("the services run");
    let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap_or_default());
    assert!(status.is_success(), "{url}: {status} {body}");
    body
}

fn phone_of(person: usize) -> String {
    format!("139{person:08}")
}
