//! What a storm does: how long, how much, and which fault comes when, all by its seed.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use scrm_testing::Shape;

use crate::servers::Server;

/// A storm of about a minute.
const SECONDS: u64 = 60;
/// Arrivals in a second.
const RATE: u64 = 40;
/// How many of a hundred arrive in WeCom, the others by form.
const CONTACTS: u64 = 50;
/// Milliseconds between two faults, on average.
const GAP: u64 = 1500;
/// The share of the storm in which one fault of each kind comes, on average; the rest is for those that wait for others.
const FIRST_SHARE: f64 = 0.6;
/// Of all drawn faults, at most one in this many kills the broker: it takes long to come back.
const BROKER_SHARE: u64 = 8;
/// The API of WeCom, as far as arrivals need it.
const ENDPOINTS: [&str; 5] =
    ["externalcontact/send_welcome_msg", "externalcontact/get", "message/send", "gettoken", "*"];

/// How a storm is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Decides every fault.
    pub seed: u64,
    /// How long arrivals and faults go on.
    pub duration: Duration,
    /// Arrivals in a second.
    pub rate: u64,
    /// How many of a hundred arrive in WeCom, the others by form; WeCom bears 150,000 calls of a kind in an hour.
    pub contacts: u64,
    /// The mean time between two faults.
    pub gap: Duration,
}

impl Plan {
    /// Returns what the environment says: `SCRM_STORM_SEED`, `…_SECONDS`, `…_RATE`, `…_CONTACTS`, `…_GAP_MS`;
    /// without a seed, `by_chance`.
    pub fn chosen(by_chance: u64) -> Self {
        let number = |name: &str, otherwise: u64| match scrm_config::variable(name) {
            Some(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a whole number, not {text:?}")),
            None => otherwise,
        };
        Self {
            seed: number("SCRM_STORM_SEED", by_chance),
            duration: Duration::from_secs(number("SCRM_STORM_SECONDS", SECONDS)),
            rate: number("SCRM_STORM_RATE", RATE),
            contacts: number("SCRM_STORM_CONTACTS", CONTACTS),
            gap: Duration::from_millis(number("SCRM_STORM_GAP_MS", GAP)),
        }
    }
}

/// A way from one program to another, with a proxy in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// From WeCom and from forms to ingest.
    Door,
    /// From the services to WeCom.
    Wecom,
    /// From the services to PostgreSQL.
    Database,
    /// From the services to RabbitMQ.
    Broker,
    /// From the services to Redis.
    Cache,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Wecom => "wecom",
            Self::Database => "database",
            Self::Broker => "broker",
            Self::Cache => "cache",
        }
    }
}

/// Something that goes wrong, for a while or at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// A process is killed, and started again after a while.
    KillProcess(&'static str),
    /// A server is killed, and started again after a while.
    KillServer(Server),
    /// Every connection breaks.
    Cut(Way),
    /// Connections there are break, and there are no new ones for a while.
    Refuse(Way),
    /// Everything comes later by this, for a while.
    Slow(Way, Duration),
    /// Nothing is carried for a while, then every connection breaks.
    Stall(Way),
    /// Redis forgets everything.
    Flush,
    /// WeCom ends the access tokens before their time.
    RevokeTokens,
    /// WeCom refuses calls, is slow, or does what it is asked and does not say so, for a while.
    Api(&'static str, Trouble),
    /// WeCom sends callbacks twice, in another order, or not at all, for a while.
    Callbacks,
}

/// What is wrong with an endpoint of WeCom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Most calls are refused as «busy».
    Busy,
    /// Calls take long.
    Slow,
    /// Calls are carried out and not answered.
    Timeout,
    /// Calls are carried out, and the connection breaks.
    Close,
}

impl Fault {
    /// Returns the kind under which it is counted.
    pub fn kind(self) -> String {
        match self {
            Self::KillProcess(name) => format!("kill {name}"),
            Self::KillServer(Server::Postgres) => "kill database".to_owned(),
            Self::KillServer(Server::Rabbit) => "kill broker".to_owned(),
            Self::KillServer(Server::Redis) => "kill cache".to_owned(),
            Self::Cut(way) => format!("cut {}", way.name()),
            Self::Refuse(way) => format!("refuse {}", way.name()),
            Self::Slow(way, _) => format!("slow {}", way.name()),
            Self::Stall(way) => format!("stall {}", way.name()),
            Self::Flush => "flush cache".to_owned(),
            Self::RevokeTokens => "revoke tokens".to_owned(),
            Self::Api(_, Trouble::Busy) => "wecom busy".to_owned(),
            Self::Api(_, Trouble::Slow) => "wecom slow".to_owned(),
            Self::Api(_, Trouble::Timeout) => "wecom timeout after accept".to_owned(),
            Self::Api(_, Trouble::Close) => "wecom close after accept".to_owned(),
            Self::Callbacks => "callbacks doubled, reordered, dropped".to_owned(),
        }
    }

    /// Returns what it stops working: two faults of one thing do not go on at the same time.
    pub fn target(self) -> String {
        match self {
            Self::KillProcess(name) => name.to_owned(),
            Self::KillServer(server) => format!("{server:?}"),
            Self::Cut(way) | Self::Refuse(way) | Self::Slow(way, _) | Self::Stall(way) => {
                format!("the way to {}", way.name())
            }
            Self::Flush => format!("{:?}", Server::Redis),
            Self::RevokeTokens => "tokens".to_owned(),
            Self::Api(endpoint, _) => endpoint.to_owned(),
            Self::Callbacks => "callbacks".to_owned(),
        }
    }
}

/// A fault, when it comes and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// After the one before.
    pub pause: Duration,
    /// What goes wrong.
    pub fault: Fault,
    /// How long; some are over at once all the same.
    pub lasts: Duration,
}

/// The endless series of faults of a seed: first one of each kind in random order, then any.
pub struct Script {
    chance: ChaCha8Rng,
    gap: Duration,
    /// Between the first ones, so that each of them comes before the storm is over.
    first_gap: Duration,
    /// Kinds that are still to come once.
    first: Vec<Fault>,
    kinds: Vec<Fault>,
    drawn: u64,
    brokers: u64,
}

impl Script {
    /// Begins the series of a plan for these processes.
    pub fn of(plan: &Plan, processes: &[&'static str]) -> Self {
        let kinds = kinds(processes);
        let mut chance = ChaCha8Rng::seed_from_u64(plan.seed);
        let mut first = kinds.clone();
        for index in (1..first.len()).rev() {
            first.swap(index, below(&mut chance, index as u64 + 1));
        }
        let most = u32::try_from(kinds.len()).expect("kinds are few");
        let first_gap = plan.gap.min(plan.duration.mul_f64(FIRST_SHARE) / most);
        Self { chance, gap: plan.gap, first_gap, first, kinds, drawn: 0, brokers: 0 }
    }

    /// Returns the kinds that come, each at least once.
    pub fn kinds(&self) -> impl Iterator<Item = String> {
        self.kinds.iter().map(|fault| fault.kind())
    }

    fn draw(&mut self) -> Fault {
        loop {
            let any = below(&mut self.chance, self.kinds.len() as u64);
            let fault = self.first.pop().unwrap_or(self.kinds[any]);
            let is_broker = fault == Fault::KillServer(Server::Rabbit);
            if !is_broker || self.brokers * BROKER_SHARE <= self.drawn {
                self.brokers += u64::from(is_broker);
                return fault;
            }
        }
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + below(&mut self.chance, to - from) as u64)
    }
}

impl Iterator for Script {
    type Item = Turn;

    fn next(&mut self) -> Option<Turn> {
        let gap = if self.first.is_empty() { self.gap } else { self.first_gap };
        let fault = match self.draw() {
            Fault::Slow(way, _) => Fault::Slow(way, self.millis(5, 300)),
            Fault::Api(_, trouble) => {
                let any = below(&mut self.chance, ENDPOINTS.len() as u64);
                Fault::Api(ENDPOINTS[any], trouble)
            }
            fault => fault,
        };
        self.drawn += 1;
        let twice_the_gap = u64::try_from(gap.as_millis() * 2).unwrap_or(u64::MAX).max(1);
        let lasts = match fault {
            Fault::Cut(_) | Fault::Flush | Fault::RevokeTokens => Duration::ZERO,
            Fault::KillProcess(_) | Fault::KillServer(_) => self.millis(0, 3000),
            Fault::Stall(_) => self.millis(500, 8000),
            _ => self.millis(500, 5000),
        };
        Some(Turn { pause: self.millis(0, twice_the_gap), fault, lasts })
    }
}

/// Returns one fault of each kind that the shape has.
fn kinds(processes: &[&'static str]) -> Vec<Fault> {
    let ways: &[Way] = match Shape::chosen() {
        Shape::Embedded => &[Way::Door, Way::Wecom],
        Shape::Distributed => &[Way::Door, Way::Wecom, Way::Database, Way::Broker, Way::Cache],
    };
    let mut kinds: Vec<Fault> = processes.iter().map(|&name| Fault::KillProcess(name)).collect();
    for &way in ways {
        kinds.extend([
            Fault::Cut(way),
            Fault::Refuse(way),
            Fault::Slow(way, Duration::ZERO),
            Fault::Stall(way),
        ]);
    }
    let troubles = [Trouble::Busy, Trouble::Slow, Trouble::Timeout, Trouble::Close];
    kinds.extend(troubles.map(|trouble| Fault::Api("*", trouble)));
    kinds.extend([Fault::RevokeTokens, Fault::Callbacks]);
    if Shape::chosen() == Shape::Distributed {
        kinds.extend([Server::Postgres, Server::Rabbit, Server::Redis].map(Fault::KillServer));
        kinds.push(Fault::Flush);
    }
    kinds
}

/// Draws a number below `end`.
fn below(chance: &mut ChaCha8Rng, end: u64) -> usize {
    usize::try_from(chance.next_u64() % end).expect("numbers of faults and milliseconds are small")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::installation::SERVICES;

    const PLAN: Plan = Plan {
        seed: 7,
        duration: Duration::from_secs(SECONDS),
        rate: 0,
        contacts: 0,
        gap: Duration::from_millis(GAP),
    };

    #[test]
    fn a_seed_is_one_storm() {
        let turns = |seed| Script::of(&Plan { seed, ..PLAN }, &["scrm"]).take(100).collect::<Vec<_>>();
        assert_eq!(turns(1), turns(1));
        assert_ne!(turns(1), turns(2));
    }

    #[test]
    fn every_kind_comes_and_the_broker_is_spared() {
        let processes = ["ingest", "leads"];
        let turns: Vec<Turn> = Script::of(&PLAN, &processes).take(400).collect();
        let some = kinds(&processes).len();
        let first: BTreeSet<String> = turns[..some].iter().map(|turn| turn.fault.kind()).collect();
        assert_eq!(first.len(), some);
        let killed = |turn: &&Turn| turn.fault == Fault::KillServer(Server::Rabbit);
        assert!(turns.iter().filter(killed).count() <= 51);
        let pauses: Duration = turns.iter().map(|turn| turn.pause).sum();
        assert!((1200..1800).contains(&(pauses / 400).as_millis()), "{pauses:?}");
    }
    #[test]
    fn one_of_each_kind_comes_before_the_storm_is_over() {
        for seed in 0..1000 {
            let script = Script::of(&Plan { seed, ..PLAN }, &SERVICES);
            let kinds = script.kinds().count();
            let last: Duration = script.take(kinds).map(|turn| turn.pause).sum();
            assert!(last < PLAN.duration * 9 / 10, "seed {seed}: {last:?}");
        }
    }
}
