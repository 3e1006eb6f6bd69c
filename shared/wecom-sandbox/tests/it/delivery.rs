//! What reaches a receiver, and what the sandbox makes of its answers.

use std::collections::{HashMap, HashSet};
use std::net::TcpListener;
use std::time::Duration;

use scrm_kernel::time::from_millis;
use scrm_kernel::{Clock, Lifecycle};
use scrm_wecom_sandbox::{Answer, ArrivalPlan, CallbackFaults, DeliveryRules, Event, Faults, Sandbox};

use crate::support::{PATIENCE, TestSandbox, reopened, text_of};

fn edited(external_user_id: &str) -> Event {
    Event::new("demo", "change_external_contact", Some("edit_external_contact"))
        .field("UserID", "lilei01")
        .field("ExternalUserID", external_user_id)
}

#[actix_web::test]
async fn a_customer_who_arrives_is_told_with_everything_that_wecom_tells() {
    let (opened, mut receiver) = TestSandbox::with_receiver();
    let mut feed = opened.sandbox.subscribe();
    let lifecycle = Lifecycle::new();
    let plan = ArrivalPlan { speed: 1e-6, first_at_once: true, limit: Some(1), churn: 0.0 };
    opened.sandbox.arrivals(plan, &lifecycle);

    let message = receiver.next().await;
    let arrival = feed.recv().await.unwrap();
    let app = opened.sandbox.app("demo").unwrap();
    for (element, expected) in [
        ("ToUserName", app.corp_id.as_str()),
        ("FromUserName", "sys"),
        ("MsgType", "event"),
        ("Event", "change_external_contact"),
        ("ChangeType", "add_external_contact"),
        ("UserID", &arrival.customer.user_id),
        ("ExternalUserID", &arrival.customer.external_user_id),
        ("WelcomeCode", &arrival.welcome_code),
        ("CreateTime", &arrival.time.timestamp().to_string()),
    ] {
        assert_eq!(text_of(&message, element), Some(expected), "{element}");
    }
    assert_eq!(text_of(&message, "State"), arrival.state.as_deref());
    assert!(arrival.welcome_code.len() >= 43);
    assert!(app.staff.contains(&arrival.customer.user_id));
    assert!(lifecycle.finish(PATIENCE).await);
    assert_eq!(opened.sandbox.acknowledged(), 1);
}

#[actix_web::test]
async fn an_event_that_is_never_taken_is_tried_three_times_and_given_up() {
    let (opened, receiver) = TestSandbox::with_receiver();
    receiver.answer(&[500, 404, 204]);
    let delivery = opened.sandbox.deliver(edited("wmA")).await.unwrap();
    assert_eq!((delivery.status, delivery.attempts), (Answer::Http(204), 3));
    assert_eq!((opened.sandbox.acknowledged(), opened.sandbox.given_up()), (0, 1));
    let messages = receiver.rest().await;
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| *message == messages[0]));
}

#[actix_web::test]
async fn an_event_counts_once_it_is_answered_200() {
    let (opened, receiver) = TestSandbox::with_receiver();
    receiver.answer(&[503]);
    let delivery = opened.sandbox.deliver(edited("wmA")).await.unwrap();
    assert_eq!((delivery.status, delivery.attempts), (Answer::Http(200), 2));
    assert_eq!((opened.sandbox.acknowledged(), opened.sandbox.given_up()), (1, 0));
    assert_eq!(receiver.rest().await.len(), 2);
}

#[actix_web::test]
async fn silence_and_absence_are_told_apart() {
    let mut opened = TestSandbox::open();
    drop(opened.sandbox);
    let rules = DeliveryRules {
        timeout: Duration::from_millis(200),
        retry_gap: Duration::ZERO,
        ..DeliveryRules::default()
    };
    opened.sandbox = Sandbox::open_with(opened.folder.path(), 7, Clock::system(), rules).unwrap();
    let none = opened.sandbox.deliver(edited("wmA")).await.unwrap();
    assert_eq!((none.status, none.attempts), (Answer::NoUrl, 0));

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    opened.sandbox.set_callback_url("demo", &url).unwrap();
    let timed_out = opened.sandbox.deliver(edited("wmA")).await.unwrap();
    assert_eq!((timed_out.status, timed_out.attempts), (Answer::Timeout, 3));

    drop(silent);
    let refused = opened.sandbox.deliver(edited("wmA")).await.unwrap();
    assert_eq!((refused.status, refused.attempts), (Answer::Refused, 3));
    assert_eq!((opened.sandbox.acknowledged(), opened.sandbox.given_up()), (0, 3));
}

#[actix_web::test]
async fn many_customers_arrive_each_once_and_all_are_counted() {
    let (opened, receiver) = TestSandbox::with_receiver();
    let lifecycle = Lifecycle::new();
    let plan = ArrivalPlan { speed: 50_000.0, first_at_once: true, limit: Some(1200), churn: 0.0 };
    opened.sandbox.arrivals(plan, &lifecycle);
    assert!(lifecycle.finish(PATIENCE).await);
    assert_eq!(opened.sandbox.acknowledged(), 1200);
    let messages = receiver.rest().await;
    let customers: HashSet<&str> =
        messages.iter().filter_map(|message| text_of(message, "ExternalUserID")).collect();
    assert_eq!((messages.len(), customers.len()), (1200, 1200));
}

#[actix_web::test]
async fn customers_who_came_change_or_leave() {
    const CUSTOMERS: usize = 60;
    let clock = Clock::mock(from_millis(1_772_413_200_000));
    let (opened, mut receiver) = TestSandbox::with_receiver_at(clock.clone());
    let lifecycle = Lifecycle::new();
    let limit = Some(CUSTOMERS as u64);
    opened.sandbox.arrivals(ArrivalPlan { speed: 10.0, first_at_once: true, limit, churn: 1.0 }, &lifecycle);
    let (mut came, mut changed) = (HashMap::new(), HashMap::new());
    while changed.len() < CUSTOMERS {
        let Ok(message) = tokio::time::timeout(Duration::from_millis(20), receiver.next()).await else {
            clock.advance(Duration::from_secs(1));
            continue;
        };
        let [kind, user, customer] = ["ChangeType", "UserID", "ExternalUserID"]
            .map(|name| text_of(&message, name).unwrap().to_owned());
        if kind == "add_external_contact" {
            assert!(came.insert(customer, user).is_none(), "{message}");
        } else {
            assert_eq!(came.get(&customer), Some(&user), "{message}");
            assert!(changed.insert(customer, kind).is_none(), "{message}");
        }
    }
    let kinds: HashSet<&str> = changed.values().map(String::as_str).collect();
    assert_eq!(kinds, HashSet::from(["edit_external_contact", "del_follow_user", "del_external_contact"]));
    assert!(lifecycle.finish(PATIENCE).await);
    assert_eq!(opened.sandbox.acknowledged(), 2 * CUSTOMERS as u64);
}

#[test]
fn without_rules_of_ones_own_it_waits_and_tries_as_wecom_does() {
    let rules = DeliveryRules::default();
    assert_eq!((rules.timeout, rules.attempts), (Duration::from_secs(5), 3));
}

#[actix_web::test]
async fn nobody_arrives_at_speed_0_and_arrivals_stop_when_asked() {
    let (opened, receiver) = TestSandbox::with_receiver();
    let idle = Lifecycle::new();
    let nobody = ArrivalPlan { speed: 0.0, first_at_once: true, ..ArrivalPlan::default() };
    opened.sandbox.arrivals(nobody, &idle);
    assert!(idle.finish(PATIENCE).await);
    assert_eq!(opened.sandbox.acknowledged(), 0);

    let rare = Lifecycle::new();
    opened.sandbox.arrivals(ArrivalPlan { speed: 1e-9, ..ArrivalPlan::default() }, &rare);
    rare.stop();
    assert!(rare.finish(PATIENCE).await);
    assert_eq!(receiver.rest().await.len(), 0);
}

#[actix_web::test]
async fn faults_drop_and_double_callbacks() {
    let (opened, receiver) = TestSandbox::with_receiver();
    let faults = |callbacks| Faults { callbacks, ..Faults::default() };
    opened.sandbox.set_faults(faults(CallbackFaults { drop: 1.0, ..CallbackFaults::default() }));
    assert_eq!(opened.sandbox.deliver(edited("wmA")).await.unwrap().status, Answer::Dropped);

    let doubled = CallbackFaults { duplicate: 1.0, reorder: 1.0, ..CallbackFaults::default() };
    opened.sandbox.set_faults(faults(doubled));
    assert_eq!(opened.sandbox.deliver(edited("wmB")).await.unwrap().status, Answer::Http(200));
    assert_eq!(opened.sandbox.acknowledged(), 1);
    let messages = receiver.rest().await;
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0], messages[1]);
    let seen: Vec<(u8, Answer)> =
        opened.sandbox.callbacks().iter().map(|record| (record.attempt, record.status)).collect();
    assert_eq!(seen, [(0, Answer::Dropped), (1, Answer::Http(200)), (1, Answer::Http(200))]);
}

#[actix_web::test]
async fn a_restart_keeps_credentials_and_sends_no_customer_again() {
    let (opened, mut receiver) = TestSandbox::with_receiver();
    let app = opened.sandbox.app("demo").unwrap();
    let TestSandbox { folder, sandbox } = opened;
    let plan = ArrivalPlan { speed: 1000.0, first_at_once: true, limit: Some(5), churn: 0.0 };
    let mut seen = HashSet::new();
    let mut sandbox = Some(sandbox);
    for _ in 0..2 {
        let opened = sandbox.take().unwrap_or_else(|| reopened(&folder, 99));
        assert!(opened.app("demo").unwrap() == app, "the credentials have changed");
        let lifecycle = Lifecycle::new();
        opened.arrivals(plan.clone(), &lifecycle);
        for _ in 0..5 {
            let message = receiver.next().await;
            assert!(seen.insert(text_of(&message, "ExternalUserID").unwrap().to_owned()));
        }
        assert!(lifecycle.finish(PATIENCE).await);
    }
}
