//! The sandbox as a whole: the company, its apps, and what happened so far.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use scrm_kernel::Clock;
use tokio::sync::{Semaphore, broadcast};

use crate::app::{App, Sender, parsed};
use crate::arrivals::Arrival;
use crate::company::Company;
use crate::delivery::DeliveryRules;
use crate::draw::Draw;
use crate::error::{Error, Result};
use crate::fault::{CallbackFaults, Faults};
use crate::record::{CallRecord, CallbackLog, CallbackRecord, Log, locked};
use crate::store::Store;

/// How many arrivals a slow listener may lag behind before it misses some.
const FEED: usize = 4096;

/// A simulated WeCom with one company in it. Clones are the same sandbox.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) company: Company,
    pub(crate) rules: DeliveryRules,
    pub(crate) client: reqwest::Client,
    /// Places for attempts under way.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) chance: Mutex<Draw>,
    pub(crate) store: Mutex<Store>,
    pub(crate) callbacks: CallbackLog,
    pub(crate) calls: Log<CallRecord>,
    pub(crate) arrivals: broadcast::Sender<Arrival>,
    senders: RwLock<Vec<Arc<Sender>>>,
    faults: RwLock<Faults>,
}

impl Sandbox {
    /// Opens the state folder, or founds a company in it; an existing one keeps its own seed and credentials.
    pub fn open(folder: &Path, seed: u64, clock: Clock) -> Result<Self> {
        Self::open_with(folder, seed, clock, DeliveryRules::default())
    }

    /// Opens like [`open`](Self::open), with other rules for deliveries than WeCom's.
    pub fn open_with(folder: &Path, seed: u64, clock: Clock, rules: DeliveryRules) -> Result<Self> {
        let store = Store::open(folder, seed)?;
        let company = Company::scripted(store.state().seed);
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
            company,
            places: Arc::new(Semaphore::new(rules.parallel.max(1))),
            rules,
            client,
            chance: Mutex::new(Draw::fresh()),
            store: Mutex::new(store),
            callbacks: CallbackLog::default(),
            calls: Log::default(),
            arrivals: broadcast::Sender::new(FEED),
            senders: RwLock::new(senders),
            faults: RwLock::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the company.
    pub fn company(&self) -> &Company {
        &self.shared.company
    }

    /// Returns all apps, first `demo`.
    pub fn apps(&self) -> Vec<App> {
        let senders = self.shared.senders.read().unwrap_or_else(PoisonError::into_inner);
        senders.iter().map(|sender| sender.shown.clone()).collect()
    }

    /// Finds an app with its credentials.
    pub fn app(&self, app: &str) -> Option<App> {
        self.sender(app).ok().map(|sender| sender.shown.clone())
    }

    /// Sets where an app's callbacks go from now on, and stores it. It is not verified, see [`verify`](Self::verify).
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

    /// Returns every attempt to deliver a callback, the oldest first.
    pub fn callbacks(&self) -> Vec<CallbackRecord> {
        let (log, company) = (&self.shared.callbacks, self.company());
        let mut records = Vec::new();
        log.kept().each(0, usize::MAX, usize::MAX, |position, kept| {
            records.push(log.shown(company, position, kept));
        });
        records
    }

    /// Returns every call of WeCom's API, the oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        let mut records = Vec::new();
        self.shared.calls.each(0, usize::MAX, usize::MAX, |_, call| records.push(call.clone()));
        records
    }

    /// Listens to the customers who arrive by themselves from now on.
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

    pub(crate) fn callback_faults(&self) -> CallbackFaults {
        self.shared.faults.read().unwrap_or_else(PoisonError::into_inner).callbacks
    }

    pub(crate) fn sender(&self, app: &str) -> Result<Arc<Sender>> {
        let senders = self.shared.senders.read().unwrap_or_else(PoisonError::into_inner);
        let sender = senders.iter().find(|sender| sender.shown.app == app);
        sender.map(Arc::clone).ok_or_else(|| Error::UnknownApp(app.to_owned()))
    }

    /// Returns the app that customers' arrivals are told to.
    pub(crate) fn first_app(&self) -> String {
        let senders = self.shared.senders.read().unwrap_or_else(PoisonError::into_inner);
        senders.first().map(|sender| sender.shown.app.clone()).unwrap_or_default()
    }
}
