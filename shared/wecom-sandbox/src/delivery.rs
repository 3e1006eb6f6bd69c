//! How WeCom delivers: signed and encrypted, five seconds for an answer, three attempts, then never again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, Response, Url};
use scrm_kernel::Lifecycle;
use scrm_wecom::callback::envelope_xml;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::app::Sender;
use crate::draw::Draw;
use crate::error::Result;
use crate::event::{Event, Message};
use crate::record::{Answer, locked};
use crate::sandbox::Sandbox;

/// WeCom's limit for the answer to a URL verification.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(1);
/// Answers longer than this are not read to the end.
const MOST_ANSWER_BYTES: usize = 64 * 1024;

/// How callbacks are delivered; the defaults are WeCom's.
#[derive(Debug, Clone)]
pub struct DeliveryRules {
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often an event is tried in all.
    pub attempts: u8,
    /// The pause between two attempts.
    pub retry_gap: Duration,
    /// How many attempts may be under way at once.
    pub parallel: usize,
    /// How long the fault `reorder` holds an event back at most.
    pub hold_back: Duration,
}

impl Default for DeliveryRules {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            attempts: 3,
            retry_gap: Duration::from_secs(1),
            parallel: 256,
            hold_back: Duration::from_secs(2),
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// How the last attempt ended.
    pub status: Answer,
    /// How many attempts were made.
    pub attempts: u8,
    /// How long the last attempt took, in milliseconds.
    pub ms: u32,
    /// The app that was told.
    pub app: String,
    /// WeCom's `Event`.
    pub event: String,
    /// WeCom's `ChangeType`.
    pub change_type: Option<String>,
    /// The member concerned, as the event names it.
    pub user_id: Option<String>,
    /// The customer concerned, as the event names it.
    pub external_user_id: Option<String>,
}

/// What came of a URL verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether WeCom would save the URL.
    pub verified: bool,
    /// How the request ended.
    pub status: Answer,
    /// How long it took, in milliseconds.
    pub ms: u32,
    /// What was wrong with the answer.
    pub reason: Option<&'static str>,
}

/// What goes along with the sending of one message.
#[derive(Default)]
pub(crate) struct Errand {
    /// No attempt begins after this stops.
    pub(crate) lifecycle: Lifecycle,
    /// A place among the parallel attempts, taken beforehand for the first attempt.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    /// Told (by being dropped) when the first attempt has ended.
    pub(crate) first_attempt: Option<oneshot::Sender<()>>,
}

impl Sandbox {
    /// Sends an event as WeCom would, faults included, and returns what became of it.
    pub async fn deliver(&self, event: Event) -> Result<Delivery> {
        let message = self.message(&event)?;
        Ok(self.send(message, Errand::default()).await)
    }

    /// Makes true what an event says, then delivers it.
    ///
    /// A ticket or code that an event of a suite needs and does not name is made for it.
    pub async fn happen(&self, event: Event) -> Result<Delivery> {
        let event = self.dealt(event)?;
        let message = self.message(&event)?;
        self.believe(&event);
        Ok(self.send(message, Errand::default()).await)
    }

    /// Writes the message of an event; fails when there is no such app.
    pub(crate) fn message(&self, event: &Event) -> Result<Message> {
        let sender = self.sender(event.app())?;
        Ok(event.message(sender.address(event), self.shared.clock.now()))
    }

    /// Writes the message of something that happens by itself: WeCom does not tell an app about whom it does not see.
    pub(crate) fn told(&self, event: &Event) -> Result<Message> {
        let sender = self.sender(event.app())?;
        let message = self.message(event)?;
        let concerned = event.text("UserID").or_else(|| event.text("FromUserName"));
        let corp = locked(self.corp(&sender.installed.corp_id));
        let is_withheld = concerned.is_some_and(|user_id| !corp.sees(event.app(), user_id));
        Ok(Message { is_withheld, ..message })
    }

    /// Sends a message, once or more as the faults want it, and returns what became of the first copy.
    pub(crate) async fn send(&self, message: Message, errand: Errand) -> Delivery {
        if message.is_withheld {
            return self.note_unsent(&message, Answer::OutOfRange);
        }
        let faults = self.callback_faults();
        let (doubled, dropped) = {
            let mut chance = locked(&self.shared.chance);
            (chance.chance(faults.duplicate), chance.chance(faults.drop))
        };
        if dropped {
            return self.note_unsent(&message, Answer::Dropped);
        }
        if !doubled {
            return self.send_copy(&message, faults.reorder, errand).await;
        }
        let second = Errand { lifecycle: errand.lifecycle.clone(), ..Errand::default() };
        let copies = (
            self.send_copy(&message, faults.reorder, errand),
            self.send_copy(&message, faults.reorder, second),
        );
        futures::future::join(copies.0, copies.1).await.0
    }

    async fn send_copy(&self, message: &Message, reorder: f64, errand: Errand) -> Delivery {
        let Errand { lifecycle, mut permit, mut first_attempt } = errand;
        let hold_back = {
            let mut chance = locked(&self.shared.chance);
            chance.chance(reorder).then(|| self.shared.rules.hold_back.mul_f64(chance.unit()))
        };
        if let Some(hold_back) = hold_back {
            // Whoever waits for the first attempt to keep order shall not: this one is to be overtaken.
            drop((permit.take(), first_attempt.take()));
            self.pause(hold_back, &lifecycle).await;
        }
        let mut attempts = 0;
        loop {
            let place = match permit.take() {
                Some(place) => Ok(place),
                None => Arc::clone(&self.shared.places).acquire_owned().await,
            };
            let sender = self.sender(&message.app).ok();
            let Some((sender, url)) =
                sender.and_then(|sender| Some((sender.clone(), sender.callback_url.clone()?)))
            else {
                return self.note_unsent(message, Answer::NoUrl);
            };
            attempts += 1;
            let (status, ms) = self.attempt(&sender, url, message).await;
            drop((place, first_attempt.take()));
            let now = self.shared.clock.now();
            self.shared.callbacks.note(&self.shared.company, message, attempts, status, now, ms);
            let wanted = status.is_worth_a_retry() && attempts < self.shared.rules.attempts;
            if wanted && !lifecycle.is_stopping() {
                self.pause(self.shared.rules.retry_gap, &lifecycle).await;
            }
            if !wanted || lifecycle.is_stopping() {
                if !status.is_accepted() {
                    self.shared.callbacks.note_given_up();
                }
                return outcome(message, status, attempts, ms);
            }
        }
    }

    fn note_unsent(&self, message: &Message, status: Answer) -> Delivery {
        self.shared.callbacks.note(&self.shared.company, message, 0, status, self.shared.clock.now(), 0);
        self.shared.callbacks.note_given_up();
        outcome(message, status, 0, 0)
    }

    /// Waits, or less if everything is to stop.
    pub(crate) async fn pause(&self, time: Duration, lifecycle: &Lifecycle) {
        tokio::select! {
            () = self.shared.clock.sleep(time) => {}
            () = lifecycle.stopping() => {}
        }
    }

    async fn attempt(&self, sender: &Sender, mut url: Url, message: &Message) -> (Answer, u32) {
        let receiver = message.address.receiver();
        let encrypted = self.encrypted(sender, message.xml.as_bytes(), receiver);
        self.sign(sender, &mut url, &encrypted);
        let agent_id = message.address.agent_id().map(|agent_id| agent_id.to_string());
        let body = envelope_xml(receiver, agent_id.as_deref(), &encrypted);
        let request =
            self.shared.client.request(Method::POST, url).header("content-type", "text/xml").body(body);
        let (status, answer, ms) = exchange(request, self.shared.rules.timeout).await;
        let is_wanted = message.address.wanted_answer().is_none_or(|wanted| answer == wanted);
        if status == Answer::Http(200) && !is_wanted {
            return (Answer::NotSuccess, ms);
        }
        (status, ms)
    }

    /// Does what WeCom does when an administrator saves a callback URL: asks for a random text back. That of a suite is
    /// encrypted for the provider.
    pub async fn verify(&self, app: &str) -> Result<Verification> {
        let sender = self.sender(app)?;
        let Some(mut url) = sender.callback_url.clone() else {
            let reason = Some("the app has no callback_url");
            return Ok(Verification { verified: false, status: Answer::NoUrl, ms: 0, reason });
        };
        let echo = Draw::fresh().text(b"0123456789", 19);
        let encrypted = self.encrypted(&sender, echo.as_bytes(), &sender.shown.corp_id);
        self.sign(&sender, &mut url, &encrypted);
        url.query_pairs_mut().append_pair("echostr", &encrypted);
        let request = self.shared.client.request(Method::GET, url);
        let (status, body, ms) = exchange(request, VERIFY_TIMEOUT).await;
        let reason = match status {
            Answer::Http(200) if body == echo.as_bytes() => None,
            Answer::Http(200) => Some("the answer is not the decrypted echostr, byte for byte"),
            Answer::Http(_) => Some("the answer is not 200"),
            Answer::Timeout => Some("no answer within 1 second"),
            _ => Some("no connection"),
        };
        Ok(Verification { verified: reason.is_none(), status, ms, reason })
    }

    fn encrypted(&self, sender: &Sender, message: &[u8], receiver: &str) -> String {
        let random = locked(&self.shared.chance).bytes();
        sender.credentials.encrypt(random, message, receiver)
    }

    fn sign(&self, sender: &Sender, url: &mut Url, encrypted: &str) {
        let timestamp = self.shared.clock.now().timestamp().to_string();
        let nonce = locked(&self.shared.chance).text(b"0123456789", 10);
        let signature = sender.credentials.sign(&timestamp, &nonce, encrypted);
        url.query_pairs_mut()
            .append_pair("msg_signature", &signature)
            .append_pair("timestamp", &timestamp)
            .append_pair("nonce", &nonce);
    }
}

fn outcome(message: &Message, status: Answer, attempts: u8, ms: u32) -> Delivery {
    Delivery {
        status,
        attempts,
        ms,
        app: message.app.clone(),
        event: message.name.clone(),
        change_type: message.change_type.clone(),
        user_id: message.user_id.clone(),
        external_user_id: message.external_user_id.clone(),
    }
}

/// Sends a request and reads the answer; the time limit covers both.
async fn exchange(request: RequestBuilder, timeout: Duration) -> (Answer, Vec<u8>, u32) {
    let begun = Instant::now();
    let result = async { read(request.timeout(timeout).send().await?).await }.await;
    let ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
    match result {
        Ok((status, body)) => (Answer::Http(status), body, ms),
        Err(error) if error.is_timeout() => (Answer::Timeout, Vec::new(), ms),
        Err(error) if error.is_connect() => (Answer::Refused, Vec::new(), ms),
        Err(_) => (Answer::Broken, Vec::new(), ms),
    }
}

async fn read(mut response: Response) -> reqwest::Result<(u16, Vec<u8>)> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await? {
        body.extend_from_slice(&part);
        if body.len() > MOST_ANSWER_BYTES {
            break;
        }
    }
    Ok((response.status().as_u16(), body))
}
