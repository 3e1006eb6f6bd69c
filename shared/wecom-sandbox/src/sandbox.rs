//! The sandbox as a whole: the company, its apps, and what happened so far.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use scrm_kernel::Clock;
use scrm_kernel::time::from_millis;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, broadcast};

use crate::app::{App, Sender, parsed};
use crate::arrivals::Arrival;
use crate::calls::CallLog;
use crate::company::Company;
use crate::delivery::{DeliveryRules, Errand};
use crate::draw::{Draw, HEX};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fault::{CallbackFaults, Fate, Faults};
use crate::record::{CallRecord, CallbackLog, CallbackRecord, locked};
use crate::settings::Settings;
use crate::state::{Corp, Entry, Range, Visible};
use crate::store::Store;

/// The file of the API calls.
const CALLS_FILE: &str = "calls.jsonl";
/// Of the API calls, as many are read from the file at once.
const CALLS_AT_ONCE: usize = 10_000;

/// How many arrivals a slow listener may lag behind before it misses some.
const FEED: usize = 4096;

/// How long after one ticket a suite gets the next, in milliseconds: ten minutes.
const TICKET_GAP_MS: i64 = 10 * 60 * 1000;

/// A simulated WeCom with one company in it. Clones are the same sandbox.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) company: Arc<Company>,
    /// What changes, by corp id.
    pub(crate) corps: HashMap<String, Mutex<Corp>>,
    pub(crate) rules: DeliveryRules,
    pub(crate) client: reqwest::Client,
    /// Places for attempts under way.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) chance: Mutex<Draw>,
    pub(crate) store: Mutex<Store>,
    pub(crate) callbacks: CallbackLog,
    pub(crate) calls: CallLog,
    pub(crate) arrivals: broadcast::Sender<Arrival>,
    /// Another one in every process: positions in the lists of callbacks and messages count from its beginning.
    pub(crate) run: String,
    senders: RwLock<Vec<Arc<Sender>>>,
    faults: RwLock<Faults>,
    /// Told when a transfer may be due earlier than before, and when nobody needs the sandbox any more.
    due_changed: Arc<Notify>,
    /// The same for the tickets of suites.
    tickets_changed: Arc<Notify>,
    is_watched: AtomicBool,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.due_changed.notify_one();
        self.tickets_changed.notify_one();
    }
}

impl Sandbox {
    /// Opens the state folder, or founds a company in it; an existing one keeps its own seed and credentials.
    pub fn open(folder: &Path, seed: u64, clock: Clock) -> Result<Self> {
        Self::open_with(folder, seed, clock, DeliveryRules::default())
    }

    /// Opens like [`open`](Self::open), with other rules for deliveries than WeCom's.
    pub fn open_with(folder: &Path, seed: u64, clock: Clock, rules: DeliveryRules) -> Result<Self> {
        let store = Store::open(folder, seed)?;
        let company = Arc::new(Company::scripted(store.state().seed));
        let corp = Corp::open(folder, Arc::clone(&company))?;
        let calls = folder.join(CALLS_FILE);
        let calls = CallLog::open(&calls).map_err(|source| Error::Io { path: calls, source })?;
        let senders = store.state().apps.iter().map(|app| Ok(Arc::new(Sender::new(app, &company)?)));
        let senders: Vec<Arc<Sender>> = senders.collect::<Result<_>>()?;
        // A proxy of the environment must not come between WeCom and a receiver on this machine.
        let client = reqwest::Client::builder()
            .timeout(rules.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("Mozilla/4.0")
            .build()
            .map_err(Error::Client)?;
        let shared = Shared {
            clock,
            corps: HashMap::from([(company.corp_id.clone(), Mutex::new(corp))]),
            company,
            places: Arc::new(Semaphore::new(rules.parallel.max(1))),
            rules,
            client,
            chance: Mutex::new(Draw::fresh()),
            store: Mutex::new(store),
            callbacks: CallbackLog::default(),
            calls,
            arrivals: broadcast::Sender::new(FEED),
            run: Draw::fresh().text(HEX, 16),
            senders: RwLock::new(senders),
            faults: RwLock::default(),
            due_changed: Arc::default(),
            tickets_changed: Arc::default(),
            is_watched: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the company.
    pub fn company(&self) -> &Company {
        &self.shared.company
    }

    /// Returns all apps, first `demo`, and after them the suites.
    pub fn apps(&self) -> Vec<App> {
        self.senders().iter().map(|sender| self.shown(sender)).collect()
    }

    /// Finds an app with its credentials.
    pub fn app(&self, app: &str) -> Option<App> {
        self.sender(app).ok().map(|sender| self.shown(&sender))
    }

    fn shown(&self, sender: &Sender) -> App {
        sender.shown_in(&locked(self.corp(&sender.installed.corp_id)))
    }

    /// Sets whom an app sees from now on (可见范围), and keeps that; `None` is everybody.
    ///
    /// It is not told about the others any more, except by events on request.
    pub fn set_visible(&self, app: &str, visible: Option<Visible>) -> Result<()> {
        let sender = self.sender(app)?;
        let range = Range { app: app.to_owned(), visible };
        locked(self.corp(&sender.installed.corp_id)).put(Entry::Range(range));
        Ok(())
    }

    /// Sets where an app's callbacks go from now on, and stores it. It is not verified, see [`verify`](Self::verify).
    ///
    /// A suite gets a ticket there at once, unless this is called outside of an asynchronous program.
    pub fn set_callback_url(&self, app: &str, url: &str) -> Result<()> {
        parsed(url)?;
        let mut store = locked(&self.shared.store);
        store.set_callback_url(app, Some(url.to_owned()))?;
        let stored = store.app(app).ok_or_else(|| Error::UnknownApp(app.to_owned()))?;
        let changed = Arc::new(Sender::new(stored, &self.shared.company)?);
        let mut senders = self.shared.senders.write().unwrap_or_else(PoisonError::into_inner);
        for sender in senders.iter_mut().filter(|sender| sender.shown.app == app) {
            *sender = Arc::clone(&changed);
        }
        drop((senders, store));
        if changed.is_suite() && Handle::try_current().is_ok() {
            self.tell(vec![self.dealt(Event::new(app, "suite_ticket", None))?]);
            self.shared.tickets_changed.notify_one();
            self.watch();
        }
        Ok(())
    }

    /// Counts the distinct events that a receiver has answered with 200.
    pub fn acknowledged(&self) -> u64 {
        self.shared.callbacks.acknowledged()
    }

    /// Counts the deliveries that ended without a 200: tried in vain, dropped by a fault, or without a URL.
    pub fn given_up(&self) -> u64 {
        self.shared.callbacks.given_up()
    }

    /// Counts the customers who have, or ever had, a member.
    pub fn customers(&self) -> usize {
        locked(self.corp(&self.shared.company.corp_id)).relations.customers()
    }

    /// Counts the welcome messages that reached customers since this sandbox was opened.
    pub fn welcomes(&self) -> u64 {
        locked(self.corp(&self.shared.company.corp_id)).phones.welcomes
    }

    /// Returns every attempt to deliver a callback, the oldest first.
    pub fn callbacks(&self) -> Vec<CallbackRecord> {
        let (log, company) = (&self.shared.callbacks, self.company());
        let mut records = Vec::new();
        log.kept().each(0, usize::MAX, usize::MAX, |position, kept| {
            records.push(log.shown(company, position, kept));
        });
        records
    }

    /// Returns every call of WeCom's API since this sandbox was opened, the oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.calls_where(|_| true)
    }

    /// Returns the calls since this sandbox was opened whose path, without parameters, is `wanted`, the oldest first.
    pub fn calls_where(&self, wanted: impl Fn(&str) -> bool) -> Vec<CallRecord> {
        let (mut records, calls) = (Vec::new(), &self.shared.calls);
        let mut read = |line: &[u8]| {
            let record: Option<CallRecord> = serde_json::from_slice(line).ok();
            records.extend(record.filter(|record| wanted(record.path.split('?').next().unwrap_or_default())));
        };
        let end = calls.len();
        for from in (calls.old()..end).step_by(CALLS_AT_ONCE) {
            calls.each(from, end, CALLS_AT_ONCE, &mut read);
        }
        records
    }

    /// Listens to the customers who arrive from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arrival> {
        self.shared.arrivals.subscribe()
    }

    /// Returns what is made to go wrong at present.
    pub fn faults(&self) -> Faults {
        self.shared.faults.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets what is made to go wrong, instead of what was set before.
    pub fn set_faults(&self, faults: Faults) {
        *self.shared.faults.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Makes every access token, also those of suites, invalid before its time.
    pub fn revoke_tokens(&self) {
        for corp in self.shared.corps.values() {
            let mut corp = locked(corp);
            for token in corp.tokens.revoked() {
                corp.put(Entry::Token(token));
            }
            for token in corp.suite_tokens.revoked() {
                corp.put(Entry::SuiteToken(token));
            }
        }
    }

    /// Makes every `media_id` invalid before its time.
    pub fn forget_media(&self) {
        for corp in self.shared.corps.values() {
            let mut corp = locked(corp);
            for media in corp.media.forgotten() {
                corp.put(Entry::Media(media));
            }
        }
    }

    /// Returns how fast and how strict the company's WeCom is.
    pub fn settings(&self) -> Settings {
        locked(self.corp(&self.shared.company.corp_id)).settings.clone()
    }

    /// Sets how fast and how strict it is, and keeps that. What is under way goes on by the old settings.
    pub fn set_settings(&self, settings: Settings) {
        locked(self.corp(&self.shared.company.corp_id)).put(Entry::Settings(settings));
    }

    /// Returns what changes in a corp.
    pub(crate) fn corp(&self, corp_id: &str) -> &Mutex<Corp> {
        self.shared.corps.get(corp_id).expect("apps belong to corps of this sandbox")
    }

    /// Carries out the transfers whose time has come and tells about them; returns when the next one is due.
    pub(crate) fn settle(&self) -> Option<i64> {
        let now = self.shared.clock.now().timestamp_millis();
        let mut next_due = None;
        for corp in self.shared.corps.values() {
            let mut corp = locked(corp);
            let told = corp.settle(&self.first_app(), now);
            let due = corp.transfers.next_due();
            drop(corp);
            self.tell(told);
            next_due = [next_due, due].into_iter().flatten().min();
        }
        next_due
    }

    /// Sends events one after the other without waiting for it.
    fn tell(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let sandbox = self.clone();
        tokio::spawn(async move {
            for message in events.iter().filter_map(|event| sandbox.told(event).ok()) {
                sandbox.send(message, Errand::default()).await;
            }
        });
    }

    /// Wakes whoever waits for transfers, because there are new ones.
    pub(crate) fn look_at_transfers(&self) {
        self.shared.due_changed.notify_one();
    }

    /// Makes true what a suite is told about itself; returns the event with the ticket or code that it must name.
    pub(crate) fn dealt(&self, event: Event) -> Result<Event> {
        let sender = self.sender(event.app())?;
        if !sender.is_suite() || event.is_data() {
            return Ok(event);
        }
        let now = self.shared.clock.now().timestamp_millis();
        Ok(locked(self.corp(&sender.installed.corp_id)).deal(event, now))
    }

    /// Pushes a ticket to every suite that can be told and got none for a while; returns when the next one is due.
    fn push_tickets(&self) -> Option<i64> {
        let now = self.shared.clock.now().timestamp_millis();
        let mut next_due = None;
        for sender in self.senders() {
            if !sender.is_suite() || sender.callback_url.is_none() {
                continue;
            }
            let app = &sender.shown.app;
            let newest = locked(self.corp(&sender.installed.corp_id)).suites.newest_ticket(app);
            let mut due = newest.map_or(now, |at| at + TICKET_GAP_MS);
            if due <= now {
                self.tell(self.dealt(Event::new(app, "suite_ticket", None)).into_iter().collect());
                due = now + TICKET_GAP_MS;
            }
            next_due = [next_due, Some(due)].into_iter().flatten().min();
        }
        next_due
    }

    /// Carries out transfers and pushes tickets when they are due, also if nobody calls meanwhile, until the sandbox is
    /// dropped.
    pub(crate) fn watch(&self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.shared.is_watched.swap(true, Ordering::Relaxed) {
            return;
        }
        runtime.spawn(self.whenever_due(&self.shared.due_changed, Self::settle));
        runtime.spawn(self.whenever_due(&self.shared.tickets_changed, Self::push_tickets));
    }

    /// Does again and again what says itself when it is due next.
    fn whenever_due(
        &self,
        changed: &Arc<Notify>,
        work: fn(&Self) -> Option<i64>,
    ) -> impl Future<Output = ()> + use<> {
        let (shared, clock) = (Arc::downgrade(&self.shared), self.shared.clock.clone());
        let changed = Arc::clone(changed);
        async move {
            while let Some(shared) = shared.upgrade() {
                let due = work(&Self { shared });
                match due {
                    None => changed.notified().await,
                    Some(due) => tokio::select! {
                        () = clock.sleep_until(from_millis(due)) => {}
                        () = changed.notified() => {}
                    },
                }
            }
        }
    }

    /// Draws how a call of an endpoint fares.
    pub(crate) fn draw_fate(&self, endpoint: &str) -> Fate {
        let faults = self.shared.faults.read().unwrap_or_else(PoisonError::into_inner);
        faults.fate(endpoint, &mut locked(&self.shared.chance))
    }

    pub(crate) fn callback_faults(&self) -> CallbackFaults {
        self.shared.faults.read().unwrap_or_else(PoisonError::into_inner).callbacks
    }

    pub(crate) fn sender(&self, app: &str) -> Result<Arc<Sender>> {
        let senders = self.shared.senders.read().unwrap_or_else(PoisonError::into_inner);
        let sender = senders.iter().find(|sender| sender.shown.app == app);
        sender.map(Arc::clone).ok_or_else(|| Error::UnknownApp(app.to_owned()))
    }

    /// Returns all apps with what they need to send.
    pub(crate) fn senders(&self) -> Vec<Arc<Sender>> {
        self.shared.senders.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the app that customers' arrivals are told to.
    pub(crate) fn first_app(&self) -> String {
        self.senders().first().map(|sender| sender.shown.app.clone()).unwrap_or_default()
    }
}
