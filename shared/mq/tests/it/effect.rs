//! Handlers that call out: claim, call, record.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::topology::dead;
use scrm_mq::{Claim, EffectHandler, Effects, Failure, Ladder, Next, Queue};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::ContactAdded;
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use tokio::sync::{Semaphore, mpsc};

use crate::support::{FLOW, Rig, Worker, eventually, message, messages};

/// How long a claim lasts.
const LEASE: Duration = Duration::from_millis(1500);
/// Messages in hand at once.
const CONCURRENCY: usize = 8;

/// A call as it is made.
#[derive(Debug, Clone)]
struct Called {
    key: String,
    /// How often the unit was claimed.
    claims: i64,
    /// How often the message failed.
    attempt: u32,
    at: Instant,
}

/// What becomes of a call.
#[derive(Clone)]
enum Say {
    Next(Next),
    /// Success, once the gate lets it through.
    Wait(Arc<Semaphore>),
    /// Success that cannot be recorded so often.
    Unrecorded(i64),
    Panic,
}

const DONE: Say = Say::Next(Next::Done);

#[derive(Clone)]
struct Calls {
    script: Arc<dyn Fn(&Called) -> Say + Send + Sync>,
    called: mpsc::UnboundedSender<Called>,
    unrecorded: Arc<AtomicI64>,
    counts: Arc<Counts>,
    /// How long a call may take.
    lease: Duration,
}

/// What happened so often.
#[derive(Default)]
struct Counts {
    /// Claims that found somebody else calling.
    busy: AtomicUsize,
    /// Calls that are being made.
    calling: AtomicUsize,
    /// The most that were made at once.
    most: AtomicUsize,
    /// Outcomes that were to be recorded.
    recordings: AtomicUsize,
}

async fn execute<const N: usize>(txn: &Txn, sql: &str, values: [Value; N]) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    Ok(txn.execute_raw(statement).await?.rows_affected())
}

#[async_trait]
impl EffectHandler<ContactAdded> for Calls {
    type Unit = Called;
    type Outcome = Say;

    async fn claim(
        &self,
        txn: &Txn,
        event: &ContactAdded,
        envelope: &Envelope,
    ) -> Result<Claim<Called>, Failure> {
        let key = event.external_user_id.as_str();
        if key == "forbidden" {
            return Err(Failure::Reject("no such customer".to_owned()));
        }
        let want = "INSERT INTO unit VALUES ($1, 'wanted', 0, 0) ON CONFLICT DO NOTHING";
        execute(txn, want, [key.into()]).await?;
        let find = "SELECT state, lease, attempt FROM unit WHERE key = $1";
        let find = Statement::from_sql_and_values(txn.get_database_backend(), find, [key.into()]);
        let unit = txn.query_one_raw(find).await?.unwrap();
        let (state, lease): (String, i64) = (unit.try_get("", "state")?, unit.try_get("", "lease")?);
        let claims: i64 = unit.try_get("", "attempt")?;
        let until = scrm_kernel::time::from_millis(lease);
        if state == "done" {
            return Ok(Claim::Nothing);
        }
        if state == "calling" && until > txn.now() {
            self.counts.busy.fetch_add(1, Ordering::SeqCst);
            return Ok(Claim::Busy { until });
        }
        let claim = "UPDATE unit SET state = 'calling', attempt = attempt + 1, lease = $1
            WHERE key = $2 AND attempt = $3";
        let at = Instant::now();
        let lease = (txn.now() + self.lease).timestamp_millis();
        let claimed = execute(txn, claim, [lease.into(), key.into(), claims.into()]).await?;
        if claimed == 0 {
            return Ok(Claim::Busy { until: txn.now() });
        }
        let (key, attempt) = (key.to_owned(), envelope.attempt);
        Ok(Claim::Call(Called { key, claims: claims + 1, attempt, at }))
    }

    async fn call(&self, unit: &Called) -> Say {
        let said = (self.script)(unit);
        let calling = self.counts.calling.fetch_add(1, Ordering::SeqCst) + 1;
        self.counts.most.fetch_max(calling, Ordering::SeqCst);
        self.called.send(unit.clone()).ok();
        match &said {
            Say::Wait(gate) => gate.acquire().await.unwrap().forget(),
            Say::Unrecorded(times) => self.unrecorded.store(*times, Ordering::SeqCst),
            Say::Panic => panic!("for the test"),
            Say::Next(_) => {}
        }
        self.counts.calling.fetch_sub(1, Ordering::SeqCst);
        said
    }

    async fn record(&self, txn: &Txn, unit: &Called, said: &Say) -> Result<Next, Failure> {
        self.counts.recordings.fetch_add(1, Ordering::SeqCst);
        let next = if let Say::Next(next) = said { next.clone() } else { Next::Done };
        let state = if next == Next::Done { "done" } else { "wanted" };
        let record = "UPDATE unit SET state = $1 WHERE key = $2 AND attempt = $3";
        let recorded =
            execute(txn, record, [state.into(), unit.key.as_str().into(), unit.claims.into()]).await?;
        assert_eq!(recorded, 1);
        if matches!(said, Say::Unrecorded(_)) && self.unrecorded.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Err(Failure::Retry("not now".to_owned()));
        }
        Ok(next)
    }

    async fn given_up(&self, txn: &Txn, event: &ContactAdded, _: &Envelope) -> Result<(), Failure> {
        let note = "UPDATE unit SET state = 'given up' WHERE key = $1";
        execute(txn, note, [event.external_user_id.as_str().into()]).await?;
        if event.external_user_id == "unnoted" {
            Err(Failure::Reject("for the test".to_owned()))
        } else {
            Ok(())
        }
    }
}

impl Rig {
    fn call_out(
        &self,
        queue: Queue,
        script: impl Fn(&Called) -> Say + Send + Sync + 'static,
    ) -> Worker<Called> {
        self.call_out_counting(queue, Arc::default(), LEASE, script)
    }

    fn call_out_counting(
        &self,
        queue: Queue,
        counts: Arc<Counts>,
        lease: Duration,
        script: impl Fn(&Called) -> Say + Send + Sync + 'static,
    ) -> Worker<Called> {
        let (called, received) = mpsc::unbounded_channel();
        let handler = Calls { script: Arc::new(script), called, unrecorded: Arc::default(), counts, lease };
        let db = self.db.clone();
        self.keep_running(received, move |broker, lifecycle| {
            Effects::new(queue, db.clone(), CONCURRENCY).on(handler.clone()).run(broker, lifecycle)
        })
    }

    async fn count(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.db.reader().get_database_backend(), sql);
        self.db.reader().query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap()
    }

    async fn done(&self) -> i64 {
        self.count("SELECT count(*) AS n FROM unit WHERE state = 'done'").await
    }

    async fn given_up(&self) -> i64 {
        self.count("SELECT count(*) AS n FROM unit WHERE state = 'given up'").await
    }

    async fn wait_for_done(&self, count: i64) {
        eventually(&format!("{count} units are done"), async || self.done().await >= count).await;
        assert_eq!(self.done().await, count);
    }

    async fn remembered(&self) -> i64 {
        self.count("SELECT count(*) AS n FROM inbox").await
    }
}

/// Returns messages about so many units, one each.
fn units(count: i64) -> Vec<Envelope> {
    messages(count, count)
}

#[tokio::test]
async fn each_unit_is_called_once_however_often_its_message_comes() {
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig.call_out(FLOW, |_| DONE);
    let published = units(40);
    rig.publish(published.clone()).await;
    rig.wait_for_done(40).await;
    worker.take(40).await;

    rig.publish(published).await;
    // Another message about a unit that is done needs no call either.
    rig.publish(vec![message("key-3", 100)]).await;
    eventually("the other one is remembered", async || rig.remembered().await == 41).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    assert!(worker.stop().await.is_empty());
    rig.finish().await;
}

#[tokio::test]
async fn many_messages_about_one_unit_call_it_once() {
    let rig = Rig::start(&[FLOW]).await;
    let (gate, counts) = (Arc::new(Semaphore::new(0)), Arc::new(Counts::default()));
    // The others come back when it is over: longer than a slow machine needs for the call, shorter than anyone's patience.
    let lease = Duration::from_secs(8);
    let mut worker = rig.call_out_counting(FLOW, Arc::clone(&counts), lease, {
        let gate = Arc::clone(&gate);
        move |_| Say::Wait(Arc::clone(&gate))
    });
    rig.publish(messages(1, 12)).await;
    worker.next().await;
    // The others wait for it.
    eventually("the others found it busy", async || counts.busy.load(Ordering::SeqCst) >= 11).await;
    gate.add_permits(1);
    eventually("all are remembered", async || rig.remembered().await == 12).await;
    assert_eq!(rig.done().await, 1);
    assert!(worker.stop().await.is_empty());
    rig.finish().await;
}

async fn resumes_after_a_crash(crash: impl AsyncFnOnce(&mut Rig, Worker<Called>)) {
    let mut rig = Rig::start(&[FLOW]).await;
    let gate = Arc::new(Semaphore::new(0));
    let mut worker = rig.call_out(FLOW, move |_| Say::Wait(Arc::clone(&gate)));
    rig.publish(vec![message("a", 1)]).await;
    let first = worker.next().await;
    crash(&mut rig, worker).await;

    let mut worker = rig.call_out(FLOW, |_| DONE);
    let second = worker.next().await;
    assert_eq!((first.claims, second.claims), (1, 2));
    assert_eq!(second.attempt, 0, "to wait for a lease is no failure");
    let waited = second.at - first.at;
    assert!(waited + Duration::from_millis(100) >= LEASE, "called again after {waited:?}");
    rig.wait_for_done(1).await;
    assert!(worker.stop().await.is_empty());
    rig.finish().await;
}

#[tokio::test]
async fn a_call_whose_consumer_died_is_resumed_after_its_lease() {
    resumes_after_a_crash(async |_, worker| worker.kill().await).await;
}

#[tokio::test]
async fn a_call_whose_process_died_is_resumed_after_its_lease() {
    resumes_after_a_crash(async |rig, worker| {
        worker.kill().await;
        rig.crash().await;
    })
    .await;
}

#[tokio::test]
async fn a_call_that_fails_climbs_the_ladder_and_is_then_a_dead_letter() {
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig.call_out(FLOW, |_| Say::Next(Next::Retry("45009".to_owned())));
    rig.publish(vec![message("a", 1)]).await;
    let calls = worker.take(3).await;
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(calls.iter().map(|call| call.claims).collect::<Vec<_>>(), [1, 2, 3]);
    for (pair, rung) in calls.windows(2).zip(FLOW.ladder.rungs()) {
        let waited = pair[1].at - pair[0].at;
        assert!(waited + Duration::from_millis(20) >= *rung, "{waited:?}");
    }
    let letters = rig.take_dead(FLOW, 1).await;
    assert_eq!((letters[0].0.attempt, letters[0].1.as_str()), (2, "45009"));
    assert_eq!(rig.given_up().await, 1);
    assert_eq!(rig.remembered().await, 0, "redriven, it is tried again");
    assert!(worker.stop().await.is_empty());
    rig.finish().await;
}

#[tokio::test]
async fn what_will_never_work_is_a_dead_letter_at_once() {
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig.call_out(FLOW, |_| Say::Next(Next::Dead("40096".to_owned())));
    rig.publish(vec![message("a", 1)]).await;
    assert_eq!(worker.next().await.key, "a");
    assert_eq!(rig.take_dead(FLOW, 1).await[0].1, "40096");
    rig.publish(vec![message("forbidden", 2)]).await;
    assert_eq!(rig.take_dead(FLOW, 1).await[0].1, "no such customer");
    rig.publish(vec![Envelope { body: vec![0xff; 9].into(), ..message("b", 3) }]).await;
    assert_eq!(rig.take_dead(FLOW, 1).await[0].1, "body is not a wecom.v1.contact_added");
    assert!(worker.stop().await.is_empty());
    rig.finish().await;
}

#[tokio::test]
async fn what_is_given_up_is_noted_before_it_is_a_dead_letter() {
    const ONCE: Queue = Queue { ladder: Ladder::Custom(&[]), ..FLOW };
    let rig = Rig::start(&[ONCE]).await;
    let worker = rig.call_out(ONCE, |call| match call.key.as_str() {
        "refused" => Say::Next(Next::Dead("40096".to_owned())),
        "unrecorded" => Say::Unrecorded(5),
        "panics" => Say::Panic,
        _ => Say::Next(Next::Retry("45009".to_owned())),
    });
    for (key, count) in [("refused", 1), ("unrecorded", 2), ("panics", 3), ("fails", 4), ("unnoted", 4)] {
        rig.publish(vec![message(key, count)]).await;
        rig.take_dead(ONCE, 1).await;
        assert_eq!(rig.given_up().await, count, "{key}: what cannot be noted is a dead letter all the same");
    }
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_call_that_panics_is_unclear_and_comes_again_after_its_lease() {
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig.call_out(FLOW, |call| if call.claims == 1 { Say::Panic } else { DONE });
    rig.publish(vec![message("a", 1)]).await;
    let (first, second) = (worker.next().await, worker.next().await);
    assert_eq!((second.claims, second.attempt), (2, 1));
    assert!(second.at - first.at + Duration::from_millis(100) >= LEASE);
    rig.wait_for_done(1).await;
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn slow_calls_do_not_hold_up_the_others_and_are_no_more_than_allowed() {
    let rig = Rig::start(&[FLOW]).await;
    let (gate, slow) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = Arc::new(Counts::default());
    let mut worker = rig.call_out_counting(FLOW, Arc::clone(&counts), LEASE, {
        let (gate, slow) = (Arc::clone(&gate), Arc::clone(&slow));
        move |call| {
            let is_slow = call.key.starts_with("slow");
            slow.fetch_add(usize::from(is_slow), Ordering::SeqCst);
            if is_slow { Say::Wait(Arc::clone(&gate)) } else { DONE }
        }
    });
    let about =
        |name: &'static str, count| (0..count).map(move |number| message(&format!("{name}{number}"), number));
    // All but one place is taken; the rest goes through that one.
    rig.publish(about("slow", 7).collect()).await;
    worker.take(7).await;
    rig.publish(about("quick", 30).collect()).await;
    rig.wait_for_done(30).await;
    rig.publish(about("slower", 20).collect()).await;
    eventually("all places are taken", async || slow.load(Ordering::SeqCst) >= CONCURRENCY).await;

    gate.add_permits(27);
    rig.wait_for_done(57).await;
    assert_eq!(counts.most.load(Ordering::SeqCst), CONCURRENCY);
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_consumer_asked_to_stop_finishes_its_calls_and_begins_no_more() {
    let rig = Rig::start(&[FLOW]).await;
    let gate = Arc::new(Semaphore::new(0));
    let mut worker = rig.call_out(FLOW, {
        let gate = Arc::clone(&gate);
        move |_| Say::Wait(Arc::clone(&gate))
    });
    rig.publish(units(20)).await;
    let begun = worker.take(CONCURRENCY).await;
    worker.ask_to_stop();
    assert_eq!(rig.done().await, 0);
    gate.add_permits(20);
    assert!(worker.stop().await.is_empty());
    rig.wait_for_done(8).await;

    let mut next = rig.call_out(FLOW, |_| DONE);
    let rest = next.take(12).await;
    rig.wait_for_done(20).await;
    assert!(begun.iter().chain(&rest).all(|call| (call.claims, call.attempt) == (1, 0)));
    assert!(next.stop().await.is_empty());
    rig.finish().await;
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_called_again() {
    let rig = Rig::start(&[FLOW]).await;
    let gate = Arc::new(Semaphore::new(0));
    let counts = Arc::new(Counts::default());
    let mut worker = rig.call_out_counting(FLOW, Arc::clone(&counts), LEASE, {
        let gate = Arc::clone(&gate);
        move |call| if call.key == "a" { Say::Wait(Arc::clone(&gate)) } else { Say::Unrecorded(2) }
    });
    rig.publish(vec![message("a", 1)]).await;
    worker.next().await;
    let rename = async |from: &str, to: &str| {
        rig.db.writer().execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.unwrap();
    };
    rename("unit", "away").await;
    gate.add_permits(1);
    eventually("recording failed", async || counts.recordings.load(Ordering::SeqCst) >= 1).await;
    rename("away", "unit").await;
    rig.wait_for_done(1).await;

    rig.publish(vec![message("b", 2)]).await;
    rig.wait_for_done(2).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    assert_eq!(worker.stop().await.len(), 1);
    rig.finish().await;
}

#[tokio::test]
async fn what_can_never_be_recorded_fails_in_the_end() {
    const ONCE: Queue = Queue { ladder: Ladder::Custom(&[Duration::from_millis(100)]), ..FLOW };
    let rig = Rig::start(&[ONCE]).await;
    let worker = rig.call_out(ONCE, |call| if call.claims == 1 { Say::Unrecorded(5) } else { DONE });
    rig.publish(vec![message("a", 1)]).await;
    rig.wait_for_done(1).await;
    rig.wait_for_messages(ONCE.name, 0).await;
    assert_eq!(rig.messages_in(&dead(ONCE.name)).await, 0);
    let calls = worker.stop().await;
    assert_eq!(calls.iter().map(|call| (call.claims, call.attempt)).collect::<Vec<_>>(), [(1, 0), (2, 1)]);
    rig.finish().await;
}

#[tokio::test]
async fn units_are_done_whatever_fails_on_the_way() {
    let mut rig = Rig::start_alone(&[FLOW]).await;
    let worker = rig.call_out(FLOW, |call| match call.key.len() % 2 {
        0 if call.claims == 1 => Say::Next(Next::Retry("at first".to_owned())),
        _ => DONE,
    });
    let published = units(300);
    let relay = rig.publish_meanwhile(published.chunks(50).map(<[_]>::to_vec).collect());
    eventually("the flow has begun", async || rig.done().await >= 30).await;
    rig.kill_broker().await;
    relay.await.unwrap();
    rig.wait_for_done(300).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    let mut recorded = BTreeMap::<String, i64>::new();
    for call in worker.stop().await {
        let claims = recorded.entry(call.key).or_default();
        *claims = call.claims.max(*claims);
    }
    assert_eq!(recorded.len(), 300);
    rig.finish().await;
}
