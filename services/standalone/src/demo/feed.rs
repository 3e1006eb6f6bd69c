//! Tells what happens, for somebody who watches in a terminal: each lead by itself, or many together.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use scrm_kernel::Clock;
use scrm_wecom_sandbox::Sandbox;

use super::screen::{Look, Screen};
use super::story::{self, Busy, Card, Names};
use crate::tally::SeenLead;

/// Leads a second that a reader can follow, and in a burst.
const READABLE: f64 = 4.0;
const BURST: f64 = 8.0;
/// How long a reader takes for one of them, in milliseconds.
const MILLIS_OF_ONE: u64 = 250;
/// How often leads are told together, when they are more than that.
const TOGETHER: Duration = Duration::from_secs(1);
/// How long a story waits for its end before it is told without.
const PATIENCE: Duration = Duration::from_secs(2);

/// Something new about a lead.
#[derive(Debug, Clone)]
pub(super) enum News {
    /// It is there.
    Arrived(SeenLead),
    /// Its welcome message came to an end.
    Greeted(SeenLead),
    /// The owner pressed «我来跟进».
    FollowedUp(SeenLead),
    /// Somebody else has it now, or somebody for the first time.
    Moved(SeenLead),
}

/// Tells of leads, in the order in which they came.
pub(super) struct Feed {
    sandbox: Sandbox,
    screen: Screen,
    /// Channels of the company by their `state`.
    channels: HashMap<String, String>,
    /// Leads whose welcome message or card is still on its way.
    open: VecDeque<Open>,
    pace: Pace,
    /// What is to be told together, and since when.
    busy: Option<(Instant, Busy)>,
}

struct Open {
    lead: SeenLead,
    card: Card,
    since: Instant,
}

impl Open {
    fn is_complete(&self) -> bool {
        let is_greeted = self.lead.welcome.is_final() || !self.lead.is_contact();
        is_greeted && (self.card != Card::Pending || self.lead.owner.is_none())
    }
}

impl Feed {
    pub(super) fn new(sandbox: Sandbox) -> Self {
        let channels = &sandbox.company().channels;
        Self {
            channels: channels.iter().map(|known| (known.state.clone(), known.name.clone())).collect(),
            sandbox,
            screen: Screen::of_stderr(),
            open: VecDeque::new(),
            pace: Pace { level: 0.0, at: Instant::now() },
            busy: None,
        }
    }

    /// Takes news in; what is complete is told by the next [`turn`](Self::turn).
    pub(super) fn take(&mut self, news: Vec<News>, now: Instant) {
        // The window of the terminal may have changed.
        self.screen = Screen::of_stderr();
        for one in news {
            match one {
                News::Arrived(lead) => self.arrived(lead, now),
                News::Greeted(lead) => self.greeted(lead, now),
                News::FollowedUp(lead) => {
                    let at = lead.followed_up_at.unwrap_or(lead.received_at);
                    self.tell_later(&lead, at, Look::Good, "{owner} 在卡片上点了「我来跟进」");
                }
                News::Moved(lead) => {
                    let at = lead.assigned_at.unwrap_or(lead.received_at);
                    self.tell_later(
                        &lead,
                        at,
                        Look::Plain,
                        &format!("归属变为 {{owner}}：{}", lead.reason.text),
                    );
                }
            }
        }
    }

    /// Tells what is complete, or has waited long enough.
    pub(super) fn turn(&mut self, now: Instant) {
        while let Some(open) = self.open.front()
            && (open.is_complete() || now.duration_since(open.since) >= PATIENCE)
        {
            self.tell_first();
        }
        if let Some((since, busy)) = self.busy.take_if(|(since, _)| now.duration_since(*since) >= TOGETHER) {
            let is_calm =
                Duration::from_millis(busy.leads as u64 * MILLIS_OF_ONE) <= now.duration_since(since);
            self.tell_together(busy);
            self.busy = (!is_calm).then(|| (now, self.busy_now()));
        }
    }

    /// Tells everything that is left.
    pub(super) fn finish(&mut self) {
        while !self.open.is_empty() {
            self.tell_first();
        }
        if let Some((_, busy)) = self.busy.take() {
            self.tell_together(busy);
        }
    }

    /// Reports whether everything is told.
    pub(super) fn is_through(&self) -> bool {
        self.open.is_empty()
    }

    /// Returns the leads whose stories lack the card.
    pub(super) fn without_card(&self) -> Vec<String> {
        let lacking = self.open.iter().filter(|open| open.card == Card::Pending && open.lead.owner.is_some());
        lacking.map(|open| open.lead.id.clone()).collect()
    }

    /// Notes what became of the card about a lead.
    pub(super) fn note_card(&mut self, lead: &str, card: Card) {
        for open in self.open.iter_mut().filter(|open| open.lead.id == lead) {
            open.card = card;
        }
    }

    fn arrived(&mut self, lead: SeenLead, now: Instant) {
        if self.is_readable(now) {
            self.open.push_back(Open { lead, card: Card::Pending, since: now });
            return;
        }
        let busy = self.busy_since(now);
        busy.leads += 1;
        busy.assigned.extend(lead.assigned_at.map(|at| at - lead.received_at));
        if lead.is_contact() && lead.welcome.is_final() {
            busy.greet(&lead);
        }
    }

    fn greeted(&mut self, lead: SeenLead, now: Instant) {
        if let Some(open) = self.open.iter_mut().find(|open| open.lead.id == lead.id) {
            open.lead = lead;
        } else if self.is_readable(now) {
            let (look, outcome) = story::greeting(&lead);
            let at = lead.welcome.at.unwrap_or(lead.received_at);
            self.tell_later(&lead, at, look, &format!("欢迎语{outcome}"));
        } else {
            self.busy_since(now).greet(&lead);
        }
    }

    /// Reports whether a reader can follow if one more is told by itself.
    fn is_readable(&mut self, now: Instant) -> bool {
        self.busy.is_none() && self.pace.admits(now)
    }

    /// Returns what is to be told together; at the beginning, what is open is told as it is.
    fn busy_since(&mut self, now: Instant) -> &mut Busy {
        if self.busy.is_none() {
            while !self.open.is_empty() {
                self.tell_first();
            }
            let note = "客户来得快，改为每秒一行；用时是中位数和最慢的";
            Screen::print(&[self.screen.paint(Look::Soft, note)]);
        }
        let begun = (now, self.busy_now());
        &mut self.busy.get_or_insert(begun).1
    }

    fn busy_now(&self) -> Busy {
        Busy { welcomes_before: self.sandbox.welcomes(), ..Busy::default() }
    }

    fn tell_first(&mut self) {
        let Some(Open { lead, card, .. }) = self.open.pop_front() else { return };
        Screen::print(&story::told(&lead, &self.names(&lead), card, self.screen));
    }

    fn tell_later(&self, lead: &SeenLead, at: i64, look: Look, what: &str) {
        let Names { customer, owner, .. } = self.names(lead);
        let what = what.replace("{owner}", owner.as_deref().unwrap_or("线索池"));
        Screen::print(&[story::later(at, &customer, look, &what, self.screen)]);
    }

    fn tell_together(&self, busy: Busy) {
        let welcomes = self.sandbox.welcomes();
        if !busy.is_empty(welcomes) {
            let now = Clock::system().now().timestamp_millis();
            Screen::print(&[busy.told(now, welcomes, self.screen)]);
        }
    }

    /// Returns what people call those of a lead; the company knows some names earlier than the services do.
    fn names(&self, lead: &SeenLead) -> Names {
        let company = self.sandbox.company();
        let id = lead.external_user_id.as_deref();
        let of_company = || Some(company.customer_by_id(id?)?.name);
        let customer = lead.name.clone().or_else(of_company).or_else(|| id.map(str::to_owned));
        let channel = match (&lead.source, &lead.channel) {
            (Some(source), _) => format!("表单 {source}"),
            (None, Some(state)) => self.channels.get(state).unwrap_or(state).clone(),
            (None, None) => "直接添加".to_owned(),
        };
        let owner = lead.owner.as_ref().map(|owner| {
            let of_company = || company.member(&owner.user_id).map(|member| member.name.clone());
            owner.name.clone().or_else(of_company).unwrap_or_else(|| owner.user_id.clone())
        });
        Names { customer: customer.unwrap_or_else(|| "没留姓名".to_owned()), channel, owner }
    }
}

/// How full a reader's attention is: a bucket that empties itself.
#[derive(Debug)]
struct Pace {
    level: f64,
    at: Instant,
}

impl Pace {
    /// Reports whether there is room for one more, and takes it.
    fn admits(&mut self, now: Instant) -> bool {
        let drained = now.duration_since(self.at).as_secs_f64() * READABLE;
        self.level = (self.level - drained).max(0.0);
        self.at = now;
        let has_room = self.level + 1.0 <= BURST;
        self.level += if has_room { 1.0 } else { 0.0 };
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns which of some leads, so many a second for ten seconds, can be followed.
    fn followed(a_second: u32) -> Vec<bool> {
        let begun = Instant::now();
        let mut pace = Pace { level: 0.0, at: begun };
        let moment = |i| begun + Duration::from_secs(i) / a_second;
        (0..u64::from(a_second) * 10).map(|i| pace.admits(moment(i))).collect()
    }

    #[test]
    fn a_few_a_second_are_told_one_by_one_and_a_flood_is_not() {
        assert!(followed(4).iter().all(|is_followed| *is_followed));
        assert!(followed(100).iter().take(8).all(|is_followed| *is_followed));
        assert!(followed(100).iter().filter(|is_followed| **is_followed).count() < 50);
    }

    #[test]
    fn who_was_flooded_can_follow_again_after_a_rest() {
        let begun = Instant::now();
        let mut pace = Pace { level: BURST, at: begun };
        assert!(!pace.admits(begun));
        assert!(pace.admits(begun + Duration::from_secs(1)));
    }
}
