//! Faults as they come and go.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scrm_wecom_sandbox::{ApiFault, CallbackFaults};
use tokio::task::JoinSet;

use super::plan::{Fault, Plan, Script, Trouble, Turn};
use super::report::Report;
use super::surroundings::Surroundings;
use crate::company::Company;
use crate::outside::Outside;
use crate::proxy::Mode;

/// How often to look for processes that have ended by themselves.
const LOOK: Duration = Duration::from_millis(250);
/// How long somebody who arrived after a fault may wait for a lead.
const PATIENCE: Duration = Duration::from_mins(3);
/// How often that somebody looks. Many may wait at the same time, and they must not be the load.
const LOOK_FOR_LEAD: Duration = Duration::from_millis(250);

/// A storm over its surroundings.
pub(super) struct Weather {
    over: Surroundings,
    script: Script,
    until: Instant,
    report: Report,
    /// Faults that go on, and when they are over.
    going_on: Vec<(Instant, Fault)>,
    /// Those that are over, until somebody who arrived after them has a lead: the fault, and how long that took.
    recovering: JoinSet<(Fault, Option<Duration>)>,
    /// Targets of faults that go on, or whose server is being started.
    busy: HashSet<String>,
    /// Turns that came while their target was busy, oldest first.
    waiting: Vec<Turn>,
    /// Servers that are being started.
    reviving: JoinSet<Fault>,
}

impl Weather {
    pub(super) fn over(over: Surroundings, plan: Plan) -> Self {
        let script = Script::of(&plan, &over.installation.names());
        let report = Report {
            shape: format!("{:?}", scrm_testing::Shape::chosen()).to_lowercase(),
            seed: plan.seed,
            seconds: plan.duration.as_secs(),
            rate: plan.rate,
            faults: script.kinds().map(|kind| (kind, 0)).collect(),
            ..Report::default()
        };
        Self {
            over,
            script,
            until: Instant::now() + plan.duration,
            report,
            going_on: Vec::new(),
            recovering: JoinSet::new(),
            busy: HashSet::new(),
            waiting: Vec::new(),
            reviving: JoinSet::new(),
        }
    }

    /// Lets faults come until the time is over, ends them all, and waits until each is recovered from.
    pub(super) async fn run(mut self) -> (Surroundings, Report) {
        let mut next = self.next_turn(Instant::now());
        while Instant::now() < self.until {
            let due = self.going_on.iter().map(|(end, _)| *end).chain([next.0, self.until]).min();
            let look = Instant::now() + LOOK;
            tokio::select! {
                () = tokio::time::sleep_until(due.unwrap_or(look).min(look).into()) => {}
                Some(Ok(fault)) = self.reviving.join_next() => self.is_over(fault),
            }
            self.supervise();
            self.end_until(Instant::now());
            if next.0 <= Instant::now() && next.0 < self.until {
                self.waiting.push(next.1);
                next = self.next_turn(next.0);
            }
            self.begin_waiting().await;
        }
        self.clear_up().await;
        (self.over, self.report)
    }

    fn next_turn(&mut self, after: Instant) -> (Instant, Turn) {
        let turn = self.script.next().expect("the series is endless");
        (after + turn.pause, turn)
    }

    /// Starts again what has ended by itself, as whatever runs services does.
    fn supervise(&mut self) {
        for name in self.over.installation.bury() {
            eprintln!("storm: {name} ended by itself");
            self.report.ended_by_themselves.push(name.to_owned());
            self.over.installation.launch(Some(name), &[]);
        }
    }

    /// Begins the turns whose target is whole. What is broken already cannot break: its turn comes later.
    async fn begin_waiting(&mut self) {
        for turn in std::mem::take(&mut self.waiting) {
            if self.busy.contains(&turn.fault.target()) {
                self.waiting.push(turn);
            } else {
                self.begin(turn).await;
            }
        }
    }

    async fn begin(&mut self, turn: Turn) {
        let Turn { fault, lasts, .. } = turn;
        *self.report.faults.entry(fault.kind()).or_default() += 1;
        self.busy.insert(fault.target());
        match fault {
            Fault::KillProcess(name) => self.over.installation.kill(Some(name)),
            Fault::KillServer(server) => self.servers().kill(server).await,
            Fault::Cut(way) => self.over.proxy(way).cut(),
            Fault::Refuse(way) => {
                self.over.proxy(way).set(Mode::Refuse);
                self.over.proxy(way).cut();
            }
            Fault::Slow(way, delay) => self.over.proxy(way).set(Mode::Slow(delay)),
            Fault::Stall(way) => self.over.proxy(way).set(Mode::Stall),
            Fault::Flush => self.servers().flush_redis().await,
            Fault::RevokeTokens => self.over.company.wecom.sandbox.revoke_tokens(),
            Fault::Api(endpoint, trouble) => self.set_api(endpoint, Some(trouble)),
            Fault::Callbacks => self.set_callbacks(true),
        }
        self.going_on.push((Instant::now() + lasts, fault));
    }

    /// Ends the faults whose time is over at `moment`.
    fn end_until(&mut self, moment: Instant) {
        let (over, going_on) = self.going_on.drain(..).partition(|(end, _)| *end <= moment);
        self.going_on = going_on;
        let over: Vec<(Instant, Fault)> = over;
        for (_, fault) in over {
            self.end(fault);
        }
    }

    fn end(&mut self, fault: Fault) {
        match fault {
            Fault::KillProcess(name) => self.over.installation.launch(Some(name), &[]),
            Fault::KillServer(server) => {
                let servers = Arc::clone(self.servers());
                self.reviving.spawn(async move {
                    servers.revive(server).await;
                    fault
                });
                return;
            }
            Fault::Refuse(way) | Fault::Slow(way, _) => self.over.proxy(way).set(Mode::Pass),
            Fault::Stall(way) => {
                self.over.proxy(way).cut();
                self.over.proxy(way).set(Mode::Pass);
            }
            Fault::Api(endpoint, _) => self.set_api(endpoint, None),
            Fault::Callbacks => self.set_callbacks(false),
            Fault::Cut(_) | Fault::Flush | Fault::RevokeTokens => {}
        }
        self.is_over(fault);
    }

    /// Notes that a fault is over, and lets somebody arrive to see whether it is recovered from.
    fn is_over(&mut self, fault: Fault) {
        self.busy.remove(&fault.target());
        let (company, outside) = (Arc::clone(&self.over.company), Arc::clone(&self.over.outside));
        self.recovering.spawn(async move { (fault, recovery(&company, &outside).await) });
    }

    async fn clear_up(&mut self) {
        for (_, fault) in std::mem::take(&mut self.going_on) {
            self.end(fault);
        }
        while let Some(revived) = self.reviving.join_next().await {
            self.is_over(revived.expect("a server can be started again"));
        }
        loop {
            tokio::select! {
                recovered = self.recovering.join_next() => match recovered {
                    Some(recovered) => self.note(recovered.expect("looking does not panic")),
                    None => break,
                },
                () = tokio::time::sleep(LOOK) => {}
            }
            self.supervise();
        }
    }

    fn note(&mut self, (fault, took): (Fault, Option<Duration>)) {
        match took.map(|took| took.as_millis()) {
            None => self.report.never_recovered.push(fault.kind()),
            Some(took) if took > self.report.longest_recovery_ms => {
                self.report.longest_recovery_ms = took;
                self.report.longest_recovery_after = fault.kind();
            }
            Some(_) => {}
        }
    }

    fn servers(&self) -> &Arc<crate::servers::Servers> {
        self.over.servers.as_ref().expect("only the distributed shape has servers")
    }

    fn set_api(&self, endpoint: &'static str, trouble: Option<Trouble>) {
        let sandbox = &self.over.company.wecom.sandbox;
        let mut faults = sandbox.faults();
        let none = ApiFault::default();
        let fault = trouble.map(|trouble| match trouble {
            Trouble::Busy => ApiFault { error_rate: 0.7, ..none },
            Trouble::Slow => ApiFault { latency_ms: 1500, ..none },
            Trouble::Timeout => ApiFault { timeout_after_accept: 0.3, ..none },
            Trouble::Close => ApiFault { close_after_accept: 0.5, ..none },
        });
        match fault {
            Some(fault) => faults.api.insert(endpoint.to_owned(), fault),
            None => faults.api.remove(endpoint),
        };
        sandbox.set_faults(faults);
    }

    fn set_callbacks(&self, is_wrong: bool) {
        let sandbox = &self.over.company.wecom.sandbox;
        let mut faults = sandbox.faults();
        let wrong = CallbackFaults { duplicate: 0.5, reorder: 0.5, drop: 0.1 };
        faults.callbacks = if is_wrong { wrong } else { CallbackFaults::default() };
        sandbox.set_faults(faults);
    }
}

/// Lets people arrive, one after the other, until one has a lead with an owner; returns how long that took.
async fn recovery(company: &Company, outside: &Outside) -> Option<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let person = company.somebody();
        if company.add_members(&[person]).await != [true] {
            continue;
        }
        let customer = format!("wm-{person}");
        while begun.elapsed() < PATIENCE {
            if outside.has_owner(&customer).await {
                return Some(begun.elapsed());
            }
            tokio::time::sleep(LOOK_FOR_LEAD).await;
        }
    }
    None
}
