//! Customers who come: by themselves, one after the other, at random moments, or because they were made to.

use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::{Lifecycle, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use crate::company::Customer;
use crate::delivery::Errand;
use crate::draw::{Draw, Topic, URL_SAFE};
use crate::error::{Error, Result};
use crate::event::{Event, Message};
use crate::record::locked;
use crate::sandbox::Sandbox;
use crate::state::{Met, Standing, Through};

/// How soon after the arrival a customer changes or leaves.
const CHURN_SOONEST: Duration = Duration::from_secs(3);
/// How much later than that it may be.
const CHURN_SPREAD: Duration = Duration::from_secs(37);

/// How customers arrive.
#[derive(Debug, Clone)]
pub struct ArrivalPlan {
    /// The mean number of arrivals per second; with 0 nobody arrives by himself.
    pub speed: f64,
    /// Whether the first one comes at once instead of after a random wait.
    pub first_at_once: bool,
    /// After how many arrivals to stop; without it, never.
    pub limit: Option<u64>,
    /// The share of customers, between 0 and 1, who change or leave a little later.
    pub churn: f64,
}

impl Default for ArrivalPlan {
    fn default() -> Self {
        Self { speed: 1.0, first_at_once: false, limit: None, churn: 0.05 }
    }
}

/// A customer who has just added a member of the company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub time: Timestamp,
    /// Who.
    pub customer: Customer,
    /// The name of the channel, if the customer came through one.
    pub channel: Option<String>,
    /// The `state` of the channel.
    pub state: Option<String>,
    /// The name of the member; the userid is the customer's `user_id`.
    pub staff_name: String,
    /// What lets the member's welcome message through; empty when the two know each other.
    pub welcome_code: String,
}

impl Sandbox {
    /// Lets customers arrive as planned until `lifecycle` stops; callbacks under way are finished.
    pub fn arrivals(&self, plan: ArrivalPlan, lifecycle: &Lifecycle) {
        let (sandbox, tasks) = (self.clone(), lifecycle.clone());
        lifecycle.spawn("sandbox arrivals", async move { sandbox.run_arrivals(&plan, &tasks).await });
    }

    async fn run_arrivals(&self, plan: &ArrivalPlan, lifecycle: &Lifecycle) -> Result<()> {
        if !(plan.speed.is_finite() && plan.speed > 0.0) {
            return Ok(());
        }
        let mut chance = Draw::fresh();
        let begun = self.shared.clock.now();
        let mut due = if plan.first_at_once { Duration::ZERO } else { wait(&mut chance, plan.speed) };
        let mut arrived = 0;
        while plan.limit.is_none_or(|limit| arrived < limit) {
            let due_at = begun + due;
            // A timer rounds up to its next tick, which would cap the speed; who is late does not wait.
            let ready = async {
                if due_at > self.shared.clock.now() {
                    self.shared.clock.sleep_until(due_at).await;
                }
                Arc::clone(&self.shared.places).acquire_owned().await
            };
            let place = tokio::select! {
                () = lifecycle.stopping() => break,
                place = ready => place.ok(),
            };
            let arrival = self.next_arrival().await?;
            arrived += 1;
            due += wait(&mut chance, plan.speed);
            let (sandbox, tasks, churn) = (self.clone(), lifecycle.clone(), plan.churn);
            lifecycle
                .spawn("sandbox customer", async move { sandbox.live(arrival, place, churn, tasks).await });
        }
        Ok(())
    }

    /// Lets the next customer of the series meet a member.
    async fn next_arrival(&self) -> Result<Arrival> {
        let customer = self.shared.company.customer(self.next_customer().await?);
        let nobody = Met { user_id: customer.user_id.clone(), state: None, channel: None, add_way: 0 };
        Ok(self.meet(customer.clone(), &Through::Anything).unwrap_or_else(|| self.met(customer, nobody).0))
    }

    /// Lets a customer, by default the next one, scan a code, and returns what `app` is told; `None` when nobody is
    /// behind the code.
    pub(crate) async fn scan(
        &self,
        app: &str,
        external_user_id: Option<&str>,
        through: &Through,
    ) -> Result<Option<Event>> {
        let customer = match external_user_id {
            Some(id) => Customer { external_user_id: id.to_owned(), ..self.shared.company.profile(id) },
            None => self.shared.company.customer(self.next_customer().await?),
        };
        let Some(arrival) = self.meet(customer, through) else { return Ok(None) };
        // Nobody has to listen.
        self.shared.arrivals.send(arrival.clone()).ok();
        Ok(Some(added(app, &arrival)))
    }

    fn meet(&self, customer: Customer, through: &Through) -> Option<Arrival> {
        let met = locked(self.corp(&self.shared.company.corp_id)).lead(&customer, through)?;
        let (mut arrival, is_new) = self.met(customer, met);
        if !is_new {
            // Who already chats with the member is not greeted again.
            arrival.welcome_code.clear();
        }
        Some(arrival)
    }

    /// Makes a customer and a member friends; says whether they are only now.
    fn met(&self, mut customer: Customer, met: Met) -> (Arrival, bool) {
        let time = self.shared.clock.now();
        let welcome_code = locked(&self.shared.chance).text(URL_SAFE, 43);
        let mut corp = locked(self.corp(&self.shared.company.corp_id));
        let is_new = corp.befriend(&customer.external_user_id, &met, time.timestamp_millis());
        if is_new {
            let now = time.timestamp_millis();
            corp.allow_welcome(&welcome_code, &met.user_id, &customer.external_user_id, now);
        }
        let staff_name = corp.book.find(&met.user_id).map(|member| member.name.clone()).unwrap_or_default();
        customer.user_id = met.user_id;
        let (channel, state) = (met.channel, met.state);
        (Arrival { time, customer, channel, state, staff_name, welcome_code }, is_new)
    }

    async fn next_customer(&self) -> Result<u64> {
        {
            let mut store = locked(&self.shared.store);
            if store.reserved() > 0 {
                return store.next_customer();
            }
        }
        let sandbox = self.clone();
        let reserving = tokio::task::spawn_blocking(move || locked(&sandbox.shared.store).next_customer());
        reserving.await.map_err(|_| Error::Stopped)?
    }

    /// What happens to one customer, from the arrival to what comes of it.
    async fn live(
        &self,
        arrival: Arrival,
        permit: Option<OwnedSemaphorePermit>,
        churn: f64,
        lifecycle: Lifecycle,
    ) -> Result<()> {
        // Nobody has to listen.
        self.shared.arrivals.send(arrival.clone()).ok();
        let added = self.told(&added(&self.first_app(), &arrival))?;
        self.send(added, Errand { lifecycle: lifecycle.clone(), permit, first_attempt: None }).await;

        let mut chance = Draw::scripted(self.shared.company.seed(), Topic::Churn, arrival.customer.number);
        if !chance.chance(churn) {
            return Ok(());
        }
        self.pause(CHURN_SOONEST + CHURN_SPREAD.mul_f64(chance.unit()), &lifecycle).await;
        if !lifecycle.is_stopping() {
            let changed = self.changed(&arrival.customer, &mut chance)?;
            self.send(changed, Errand { lifecycle, ..Errand::default() }).await;
        }
        Ok(())
    }

    fn changed(&self, customer: &Customer, chance: &mut Draw) -> Result<Message> {
        let (user_id, external_user_id) = (&customer.user_id, &customer.external_user_id);
        let mut corp = locked(self.corp(&self.shared.company.corp_id));
        let change_type = match chance.below(10) {
            0..6 => {
                corp.edit(user_id, external_user_id);
                "edit_external_contact"
            }
            6..9 => {
                corp.part(user_id, external_user_id, Standing::LeftByCustomer);
                "del_follow_user"
            }
            _ => {
                corp.part(user_id, external_user_id, Standing::Over);
                "del_external_contact"
            }
        };
        drop(corp);
        let event = Event::new(&self.first_app(), "change_external_contact", Some(change_type));
        self.told(&concerning(event, customer))
    }
}

fn added(app: &str, arrival: &Arrival) -> Event {
    let event = Event::new(app, "change_external_contact", Some("add_external_contact"));
    let event = concerning(event, &arrival.customer);
    let event = match &arrival.state {
        Some(state) => event.field("State", state.as_str()),
        None => event,
    };
    if arrival.welcome_code.is_empty() {
        return event;
    }
    event.field("WelcomeCode", arrival.welcome_code.as_str())
}

fn concerning(event: Event, customer: &Customer) -> Event {
    event
        .field("UserID", customer.user_id.as_str())
        .field("ExternalUserID", customer.external_user_id.as_str())
}

/// Draws the time to the next arrival: independent arrivals have exponential gaps.
fn wait(chance: &mut Draw, speed: f64) -> Duration {
    let seconds = -(1.0 - chance.unit()).ln() / speed;
    Duration::from_secs_f64(seconds.clamp(0.0, 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_have_the_mean_that_the_speed_says() {
        let mut chance = Draw::scripted(1, Topic::Company, 0);
        let total: Duration = (0..20_000).map(|_| wait(&mut chance, 500.0)).sum();
        assert!((38.0..42.0).contains(&total.as_secs_f64()), "{total:?}");
    }
}
