//! Looking at a broker without changing anything on it.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind};
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::plan::Plan;
use super::{Rabbit, RabbitConfig};
use crate::topology::{Topology, UNROUTED};
use crate::transport::BrokerError;

/// AMQP's code for something that is not there.
const NOT_FOUND: u16 = 404;

impl Rabbit {
    /// Returns the exchanges and queues of `topology` that are not on the broker; fails when the broker cannot be asked
    /// within `patience`. Declares nothing.
    pub async fn missing(
        config: RabbitConfig,
        topology: Topology,
        patience: Duration,
    ) -> Result<Vec<String>, BrokerError> {
        let plan = Plan { prefix: config.prefix, topology };
        let looking = async {
            let properties = ConnectionProperties::default().with_connection_name("scrm inspection".into());
            let connection = Connection::connect(config.url.expose_secret(), properties).await?;
            let missing = look(&connection, &plan).await?;
            // The channel may be closing at that moment; the connection ends all the same, with its socket.
            if let Err(error) = connection.close(200, "goodbye".into()).await {
                tracing::debug!(error = %error, "A connection to RabbitMQ ended without a goodbye");
            }
            Ok(missing)
        };
        let outcome = timeout(patience, looking).await;
        let outcome =
            outcome.map_err(|_| BrokerError(format!("RabbitMQ does not answer within {patience:?}")))?;
        outcome.map_err(|error: lapin::Error| BrokerError(error.to_string()))
    }
}

async fn look(connection: &Connection, plan: &Plan) -> lapin::Result<Vec<String>> {
    let mut missing = Vec::new();
    let mut channel = connection.create_channel().await?;
    for (exchange, kind) in
        [(plan.events(), ExchangeKind::Topic), (plan.named(UNROUTED), ExchangeKind::Fanout)]
    {
        let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let declared =
            channel.exchange_declare(exchange.as_str().into(), kind, options, FieldTable::default()).await;
        note(connection, &mut channel, declared, exchange, &mut missing).await?;
    }
    for queue in plan.queues() {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let declared =
            channel.queue_declare(queue.name.as_str().into(), options, FieldTable::default()).await;
        note(connection, &mut channel, declared.map(drop), queue.name, &mut missing).await?;
    }
    Ok(missing)
}

/// Notes what is not there. The question has then cost the channel.
async fn note(
    connection: &Connection,
    channel: &mut Channel,
    declared: lapin::Result<()>,
    name: String,
    missing: &mut Vec<String>,
) -> lapin::Result<()> {
    match declared {
        Ok(()) => Ok(()),
        Err(error) if is_not_found(&error) => {
            missing.push(name);
            *channel = connection.create_channel().await?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn is_not_found(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(problem) if problem.get_id() == NOT_FOUND)
}
