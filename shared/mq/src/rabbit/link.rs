//! A connection to the broker that is made anew when it is lost, and channels on it.
//!
//! The client can recover a connection by itself, but after a broker was killed under load the flow did not go on in
//! two of six trials (lapin 4.12.3). So it is not asked to: whoever needs a channel and finds the connection broken
//! makes another one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use lapin::{Channel, Connection, ConnectionProperties, Event};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::plan::Plan;
use crate::transport::BrokerError;

/// How long the broker may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long the first connection may take: the broker may be starting too.
const FIRST_PATIENCE: Duration = Duration::from_mins(1);
/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_millis(500);

/// A connection.
///
/// There is one for publishing and one for consuming: a broker short of memory stops reading from those who publish,
/// and acknowledgements must get through.
pub(super) struct Link {
    url: SecretString,
    purpose: &'static str,
    plan: Arc<Plan>,
    connection: Mutex<Option<Connection>>,
}

impl Link {
    /// Connects; a broker that does not listen yet is waited for.
    pub(super) async fn open(
        url: SecretString,
        purpose: &'static str,
        plan: Arc<Plan>,
    ) -> Result<Self, BrokerError> {
        let link = Self { url, purpose, plan, connection: Mutex::default() };
        let begun = Instant::now();
        let connection = loop {
            match timeout(PATIENCE, link.connect()).await {
                Ok(Ok(connection)) => break connection,
                Ok(Err(error)) if !error.is_io_error() || begun.elapsed() > FIRST_PATIENCE => {
                    return Err(BrokerError(error.to_string()));
                }
                Ok(Err(error)) => tracing::warn!(purpose, error = %error, "Cannot connect, trying again"),
                Err(_) => return Err(BrokerError(format!("RabbitMQ does not answer within {PATIENCE:?}"))),
            }
            tokio::time::sleep(PAUSE).await;
        };
        *link.connection.lock().await = Some(connection);
        Ok(link)
    }

    /// Opens a channel, on a new connection if the old one is lost.
    pub(super) async fn channel(&self) -> Result<Channel, BrokerError> {
        let mut kept = self.connection.lock().await;
        let opening = async {
            let working = kept.take().filter(|connection| connection.status().connected());
            let connection = if let Some(connection) = working {
                connection
            } else {
                let connection = self.connect().await?;
                // Nothing is missing, unless the broker lost its data too.
                self.plan.declare(&connection.create_channel().await?).await?;
                connection
            };
            let channel = connection.create_channel().await?;
            Ok((connection, channel))
        };
        // A connection on which this fails is not kept.
        let (connection, channel) = timeout(PATIENCE, opening)
            .await
            .map_err(|_| BrokerError(format!("no channel within {PATIENCE:?}")))?
            .map_err(|error: lapin::Error| BrokerError(error.to_string()))?;
        *kept = Some(connection);
        Ok(channel)
    }

    /// Says goodbye.
    pub(super) async fn close(&self) -> Result<(), BrokerError> {
        let kept = self.connection.lock().await.take();
        let Some(connection) = kept.filter(|connection| connection.status().connected()) else {
            return Ok(());
        };
        match timeout(PATIENCE, connection.close(200, "goodbye".into())).await {
            Err(_) => Err(BrokerError("RabbitMQ does not say goodbye".to_owned())),
            Ok(outcome) => {
                // A subscription may have been closing its channel at that moment. The connection ends all the same,
                // with its socket.
                if let Err(error) = outcome {
                    tracing::debug!(error = %error, "A connection to RabbitMQ ended without a goodbye");
                }
                Ok(())
            }
        }
    }

    async fn connect(&self) -> lapin::Result<Connection> {
        let name = format!("scrm {} {}", self.purpose, self.plan.prefix);
        let properties = ConnectionProperties::default().with_connection_name(name.trim_end().into());
        let connection = Connection::connect(self.url.expose_secret(), properties).await?;
        tracing::info!(purpose = self.purpose, "Connected to RabbitMQ");
        tokio::spawn(watch(connection.events_listener(), self.purpose));
        Ok(connection)
    }
}

/// Tells people what becomes of a connection; ends with it.
async fn watch(events: impl futures::Stream<Item = Event>, purpose: &'static str) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Event::ConnectionBlocked(reason) => {
                tracing::warn!(purpose, reason, "RabbitMQ takes no messages at the moment");
            }
            Event::ConnectionUnblocked => tracing::info!(purpose, "RabbitMQ takes messages again"),
            Event::Error(error) => tracing::warn!(purpose, error = %error, "Connection to RabbitMQ lost"),
            _ => {}
        }
    }
}
