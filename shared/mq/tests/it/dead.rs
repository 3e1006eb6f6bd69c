//! What consumers gave up: handed out, put back, kept until a person decides.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use scrm_db::inbox;
use scrm_kernel::{DeadLetterId, KeyRing, PageRequest};
use scrm_mq::keeper::{Chosen, DeadLetter, Filter, Office, Refusal, State};
use scrm_mq::topology::dead;
use scrm_mq::{Keeper, Ladder, Queue, Settlement};
use scrm_proto::Envelope;
use sea_orm::{ConnectionTrait as _, Statement};
use tokio::sync::mpsc;

use crate::rabbit::stranger;
use crate::support::{
    FLOW, Rig, Step, Worker, corp, effects_of, eventually, in_time, is_distributed, message, messages,
};

/// Another consumer of the same events.
const OTHER: Queue = Queue { name: "test.other", ..FLOW };
/// Fails once and is dead.
const STRICT: Queue = Queue { name: "test.strict", ladder: Ladder::Custom(&[]), ..FLOW };

/// The keys of every keeper of a test.
fn keys() -> KeyRing {
    static KEYS: OnceLock<KeyRing> = OnceLock::new();
    KEYS.get_or_init(KeyRing::generate).clone()
}

/// Starts a keeper again and again until it is stopped.
fn keep(rig: &Rig, queue: Queue) -> (Worker<()>, Office) {
    let keeper = Keeper::of_queues(vec![queue], rig.db.clone(), keys());
    let office = keeper.office().clone();
    let (_, nothing) = mpsc::unbounded_channel();
    (rig.keep_running(nothing, move |broker, lifecycle| keeper.clone().run(broker, lifecycle)), office)
}

/// Returns the kept letters, oldest first.
async fn kept(office: &Office, state: Option<State>) -> Vec<DeadLetter> {
    let (filter, mut all, mut before) = (Filter { state, queue: None }, Vec::new(), None);
    loop {
        let page = PageRequest { limit: 200, cursor: None };
        let page = office.list(corp(), &filter, &page, before).await.unwrap();
        all.extend(page.items);
        let Some(next) = page.next_cursor else { break };
        before = Some(next.key().unwrap());
    }
    all.reverse();
    all
}

/// Waits until so many letters are in a state, and returns them.
async fn wait_for_kept(rig: &Rig, office: &Office, state: State, count: i64) -> Vec<DeadLetter> {
    let sql = format!("SELECT count(*) AS found FROM dead_letter WHERE state = '{}'", state.as_str());
    eventually(&format!("{count} letters are {}", state.as_str()), async || {
        let counting = Statement::from_string(rig.db.reader().get_database_backend(), sql.as_str());
        let row = rig.db.reader().query_one_raw(counting).await.unwrap().unwrap();
        row.try_get::<i64>("", "found").unwrap() == count
    })
    .await;
    kept(office, Some(state)).await
}

/// Puts a message without an envelope into the queue.
async fn put_garbage(rig: &Rig) {
    if is_distributed() {
        let (_connection, channel) = stranger().await;
        let queue = rig.name_on_rabbit(FLOW.name);
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let sent = channel.basic_publish("".into(), queue.as_str().into(), options, b"\x00\xff", properties);
        sent.await.unwrap();
        return;
    }
    let file = format!("sqlite://{}", rig.broker_file().display());
    let rows = sea_orm::Database::connect(file).await.unwrap();
    let sql = "INSERT INTO message (queue, due_at, attempt, head, body, queued_at)
        VALUES ('test.flow', 0, 0, 'no envelope', x'00ff', 0)";
    rows.execute_unprepared(sql).await.unwrap();
    rows.close().await.unwrap();
}

#[tokio::test]
async fn a_redriven_message_comes_into_its_queue_alone_as_it_was_at_first() {
    let rig = Rig::start(&[FLOW, OTHER]).await;
    let mut worker = rig.consume(FLOW, |_| Step::Handle);
    let told = message("a", 1);
    let outcomes = rig.broker().redrive(&FLOW, vec![told.clone()]).await;
    assert_eq!(outcomes, [Ok(())]);
    assert_eq!(worker.next().await.envelope, told);
    rig.wait_for_handled(FLOW, 1).await;
    assert_eq!(rig.messages_in(OTHER.name).await, 0);
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn dead_letters_are_handed_out_with_their_reason_and_come_again_until_they_are_settled() {
    let rig = Rig::start(&[FLOW]).await;
    let worker = rig.consume(FLOW, |_| Step::Reject("no such corp"));
    let told = message("a", 1);
    rig.publish(vec![told.clone()]).await;
    for settlement in [Settlement::Release, Settlement::Done] {
        let mut letters = rig.broker().dead_letters(&FLOW, 10).await.unwrap();
        let letter = in_time("a dead letter", letters.deliveries.recv()).await.unwrap();
        assert_eq!(letter.envelope.as_ref().unwrap(), &told);
        assert_eq!(letter.reason.as_deref(), Some("no such corp"));
        letter.settle(settlement.clone());
        if settlement == Settlement::Done {
            rig.wait_for_messages(&dead(FLOW.name), 0).await;
        }
        letters.finish().await;
    }
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_letter_is_kept_redriven_and_then_handled_once() {
    let rig = Rig::start(&[STRICT]).await;
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let worker =
        rig.consume(
            STRICT,
            move |_| {
                if mended.load(Ordering::SeqCst) { Step::Handle } else { Step::Retry("broken") }
            },
        );
    let (keeper, office) = keep(&rig, STRICT);
    let told = message("a", 7);
    rig.publish(vec![told.clone()]).await;

    let letter = wait_for_kept(&rig, &office, State::Waiting, 1).await.remove(0);
    assert_eq!(
        (letter.message_id, letter.kind.as_str(), letter.key.as_str()),
        (told.message_id, told.kind.as_str(), "a")
    );
    assert_eq!((letter.queue.as_str(), letter.reason.as_str(), letter.deaths), (STRICT.name, "broken", 1));
    assert_eq!(letter.received_seq, Some(7));
    assert_eq!(office.body(corp(), letter.id).await.unwrap().unwrap(), told.body);
    rig.wait_for_messages(&dead(STRICT.name), 0).await;

    // In vain: it dies again, and waits again.
    office.redrive(corp(), letter.id, "li.lei").await.unwrap();
    eventually("it died again", async || {
        kept(&office, Some(State::Waiting)).await.iter().any(|row| row.deaths == 2)
    })
    .await;
    is_mended.store(true, Ordering::SeqCst);
    office.redrive(corp(), letter.id, "li.lei").await.unwrap();
    let redriven = wait_for_kept(&rig, &office, State::Redriven, 1).await.remove(0);
    assert_eq!(redriven.resolved_by.as_deref(), Some("li.lei"));
    rig.wait_for_handled(STRICT, 1).await;

    let refusal = office.redrive(corp(), letter.id, "li.lei").await.unwrap_err();
    assert!(matches!(refusal, Refusal::Decided(State::Redriven)), "{refusal}");
    keeper.stop().await;
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn doubles_of_a_letter_are_one_and_those_of_a_handled_message_none() {
    let rig = Rig::start(&[STRICT]).await;
    let worker = rig.consume(STRICT, |_| Step::Reject("never"));
    let (told, done) = (message("a", 1), message("b", 2));
    // As when a confirmation is lost, and the message comes and dies once more.
    rig.publish(vec![told.clone(), told.clone(), done.clone(), told.clone()]).await;
    rig.wait_for_messages(&dead(STRICT.name), 4).await;
    worker.stop().await;
    let txn = rig.db.begin().await.unwrap();
    assert!(inbox::enter(&txn, STRICT.name, done.message_id).await.unwrap());
    txn.commit().await.unwrap();

    let (keeper, office) = keep(&rig, STRICT);
    wait_for_kept(&rig, &office, State::Waiting, 1).await;
    rig.wait_for_messages(&dead(STRICT.name), 0).await;
    let letters = kept(&office, None).await;
    assert_eq!(
        letters.iter().map(|letter| (letter.key.as_str(), letter.deaths)).collect::<Vec<_>>(),
        [("a", 1)]
    );

    let letter = office.discard(corp(), letters[0].id, "han.meimei", "a test").await.unwrap();
    assert_eq!((letter.state, letter.version), (State::Discarded, 2));
    assert_eq!(letter.resolved_reason.as_deref(), Some("a test"));
    // What is given up stays so, however often it comes.
    let worker = rig.consume(STRICT, |_| Step::Reject("never"));
    rig.publish(vec![told]).await;
    rig.wait_for_messages(STRICT.name, 0).await;
    rig.wait_for_messages(&dead(STRICT.name), 0).await;
    assert_eq!(kept(&office, Some(State::Discarded)).await.len(), 1);
    worker.stop().await;
    keeper.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_crash_between_commit_and_acknowledgement_keeps_a_letter_once() {
    let mut rig = Rig::start(&[STRICT]).await;
    let worker = rig.consume(STRICT, |_| Step::Reject("never"));
    rig.publish(messages(10, 50)).await;
    rig.wait_for_messages(&dead(STRICT.name), 50).await;
    worker.stop().await;
    // The keeper is killed as soon as rows are there, whatever the broker was told.
    let (keeper, office) = keep(&rig, STRICT);
    eventually("a letter is kept", async || !kept(&office, None).await.is_empty()).await;
    keeper.kill().await;
    rig.crash().await;

    let (keeper, office) = keep(&rig, STRICT);
    rig.wait_for_messages(&dead(STRICT.name), 0).await;
    let letters = wait_for_kept(&rig, &office, State::Waiting, 50).await;
    assert!(letters.iter().all(|letter| letter.deaths == 1));
    keeper.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn letters_on_their_way_back_when_everything_crashes_are_handled_once_each() {
    let mut rig = Rig::start(&[STRICT]).await;
    let worker = rig.consume(STRICT, |_| Step::Retry("broken"));
    let told = messages(10, 200);
    rig.publish(told.clone()).await;
    let (keeper, office) = keep(&rig, STRICT);
    wait_for_kept(&rig, &office, State::Waiting, 200).await;
    worker.stop().await;
    let chosen = Chosen::Queue(STRICT.name.to_owned());
    assert_eq!(office.redrive_all(corp(), &chosen, "li.lei", 150).await.unwrap(), 150);
    assert_eq!(office.redrive_all(corp(), &chosen, "li.lei", 150).await.unwrap(), 50);
    eventually("some are back", async || !kept(&office, Some(State::Redriven)).await.is_empty()).await;
    keeper.kill().await;
    rig.crash().await;
    // As if the process had died before it could mark what it had put back.
    let undo = "UPDATE dead_letter SET state = 'redriving', leased_until = NULL";
    rig.db.writer().execute_unprepared(undo).await.unwrap();

    let (keeper, office) = keep(&rig, STRICT);
    let worker = rig.consume(STRICT, |_| Step::Handle);
    wait_for_kept(&rig, &office, State::Redriven, 200).await;
    rig.wait_for_handled(STRICT, 200).await;
    assert_eq!(rig.effects(STRICT).await, effects_of(&told));
    rig.wait_for_messages(STRICT.name, 0).await;
    worker.stop().await;
    keeper.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_thousand_undecodable_messages_end_up_listed() {
    let rig = Rig::start(&[FLOW]).await;
    let worker = rig.consume(FLOW, |_| Step::Handle);
    let (keeper, office) = keep(&rig, FLOW);
    let undecodable = |message| Envelope { body: vec![0xff; 9].into(), ..message };
    rig.publish(messages(50, 1000).into_iter().map(undecodable).collect()).await;
    let letters = wait_for_kept(&rig, &office, State::Waiting, 1000).await;
    assert!(letters.iter().all(|letter| letter.reason == "body is not a wecom.v1.contact_added"));
    worker.stop().await;
    keeper.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn text_that_a_database_cannot_hold_is_kept_and_goes_back_as_it_was() {
    let rig = Rig::start(&[STRICT]).await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let mut worker = rig.consume(STRICT, move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => Step::Reject("a\u{0}b"),
        _ => Step::Handle,
    });
    let (keeper, office) = keep(&rig, STRICT);
    let told = Envelope { key: "k\u{0}y".to_owned(), ..message("a", 1) };
    rig.publish(vec![told.clone()]).await;
    let letter = wait_for_kept(&rig, &office, State::Waiting, 1).await.remove(0);
    assert_eq!((letter.key.as_str(), letter.reason.as_str()), ("k\u{fffd}y", "a\u{fffd}b"));
    office.redrive(corp(), letter.id, "li.lei").await.unwrap();
    assert_eq!(worker.next().await.envelope, told);
    assert_eq!(worker.next().await.envelope, told);
    rig.wait_for_handled(STRICT, 1).await;
    wait_for_kept(&rig, &office, State::Redriven, 1).await;
    worker.stop().await;
    keeper.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn what_is_no_message_of_ours_is_kept_and_can_only_be_discarded() {
    let mut rig = Rig::start(&[FLOW]).await;
    put_garbage(&rig).await;
    // The file of the embedded broker belongs to one process: it finds the garbage when it opens it.
    rig.crash().await;
    let worker = rig.consume(FLOW, |_| Step::Handle);
    let (keeper, office) = keep(&rig, FLOW);
    rig.publish(vec![message("a", 1)]).await;
    rig.wait_for_handled(FLOW, 1).await;
    let letter = wait_for_kept(&rig, &office, State::Waiting, 1).await.remove(0);
    assert!(!letter.is_readable && !letter.reason.is_empty(), "{letter:?}");
    assert_eq!(office.body(corp(), letter.id).await.unwrap(), None, "it may be anybody's");
    let refusal = office.redrive(corp(), letter.id, "li.lei").await.unwrap_err();
    assert!(matches!(refusal, Refusal::Unreadable), "{refusal}");
    office.discard(corp(), letter.id, "li.lei", "garbage").await.unwrap();
    let unknown = DeadLetterId::mint(rig.db.clock().now() + Duration::from_secs(1));
    assert!(matches!(office.read(corp(), unknown).await, Err(Refusal::NotFound(_))));
    worker.stop().await;
    keeper.stop().await;
    rig.finish().await;
}
