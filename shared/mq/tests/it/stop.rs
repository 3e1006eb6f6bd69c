//! How a consumer stops.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::support::{FLOW, Rig, Step, effects_of, messages};

#[tokio::test]
async fn a_consumer_asked_to_stop_finishes_what_it_has_begun_and_leaves_the_rest_to_the_next() {
    let rig = Rig::start(&[FLOW]).await;
    let gate = Arc::new(Semaphore::new(0));
    let mut worker = rig.consume(FLOW, {
        let gate = Arc::clone(&gate);
        move |_| Step::Wait(Arc::clone(&gate))
    });
    let published = messages(50, 50);
    rig.publish(published.clone()).await;

    let mut begun = vec![worker.next().await];
    worker.ask_to_stop();
    gate.add_permits(50);
    begun.extend(worker.stop().await);
    assert!(begun.len() < 50, "a consumer that stops takes up nothing new");
    rig.wait_for_handled(FLOW, i64::try_from(begun.len()).unwrap()).await;

    let mut next = rig.consume(FLOW, |_| Step::Handle);
    let rest = next.take(50 - begun.len()).await;
    rig.wait_for_handled(FLOW, 50).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&published));
    let numbers: BTreeSet<i64> = begun.iter().chain(&rest).map(|seen| seen.number).collect();
    assert_eq!(numbers.len(), 50, "a message was given out twice");
    assert!(rest.iter().all(|seen| seen.envelope.attempt == 0), "giving a message back is no failure");
    assert!(next.stop().await.is_empty());
    rig.finish().await;
}
