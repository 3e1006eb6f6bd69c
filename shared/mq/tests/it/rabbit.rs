//! What only RabbitMQ can have: queues of other makers, messages of other senders, passwords.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use scrm_mq::rabbit::{Rabbit, RabbitConfig};
use scrm_mq::topology::dead;
use scrm_mq::{BrokerError, Topology};

use crate::support::{FLOW, Rig, Step, in_time, is_distributed, message, shared_rabbit};

/// Connects as somebody else's program does.
pub(crate) async fn stranger() -> (Connection, Channel) {
    let connection = Connection::connect(&shared_rabbit(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

async fn connect(url: String, prefix: &str) -> Result<Rabbit, BrokerError> {
    let config = RabbitConfig { url: url.into(), prefix: prefix.to_owned() };
    in_time("an answer of the broker", Rabbit::connect(config, Topology::of(vec![FLOW]))).await
}

#[tokio::test]
async fn what_is_no_message_of_ours_is_a_dead_letter() {
    if !is_distributed() {
        return;
    }
    let rig = Rig::start(&[FLOW]).await;
    let (_connection, channel) = stranger().await;
    let queue = rig.name_on_rabbit(FLOW.name);
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    channel.basic_publish("".into(), queue.as_str().into(), options, b"hello", properties).await.unwrap();
    rig.publish(vec![message("a", 1)]).await;
    let worker = rig.consume(FLOW, |_| Step::Handle);

    rig.wait_for_handled(FLOW, 1).await;
    rig.wait_for_messages(&dead(FLOW.name), 1).await;
    worker.stop().await;
    let name = rig.name_on_rabbit(&dead(FLOW.name));
    assert_eq!(channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap(), 1);
    rig.finish().await;
}

#[tokio::test]
async fn a_queue_that_is_there_with_other_arguments_is_refused() {
    if !is_distributed() {
        return;
    }
    let (_connection, channel) = stranger().await;
    let name = "test-refused.test.flow";
    let options = QueueDeclareOptions::durable();
    channel.queue_declare(name.into(), options, FieldTable::default()).await.unwrap();

    let error = connect(shared_rabbit(), "test-refused.").await.err().unwrap();
    assert!(error.to_string().contains("PRECONDITION_FAILED"), "{error}");
    for queue in ["test.flow", "scrm.unrouted"] {
        let name = format!("test-refused.{queue}");
        channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_without_telling_it() {
    if !is_distributed() {
        return;
    }
    let url = shared_rabbit().replacen("scrm:", "scrm:wrong", 1);
    let error = connect(url, "test-password.").await.err().unwrap();
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
}

#[tokio::test]
async fn who_inspects_finds_what_is_missing_and_declares_nothing() {
    if !is_distributed() {
        return;
    }
    let rig = Rig::start(&[FLOW]).await;
    let inspect = async || {
        let config = RabbitConfig { url: shared_rabbit().into(), prefix: rig.name_on_rabbit("") };
        Rabbit::missing(config, Topology::of(vec![FLOW]), Duration::from_secs(30)).await.unwrap()
    };
    assert_eq!(inspect().await, Vec::<String>::new());
    let (_connection, channel) = stranger().await;
    let lost = [rig.name_on_rabbit(FLOW.name), rig.name_on_rabbit(&dead(FLOW.name))];
    for queue in &lost {
        channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(inspect().await, lost);
    }
    rig.finish().await;
}
