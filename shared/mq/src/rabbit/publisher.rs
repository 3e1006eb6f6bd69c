//! Publishes in order, up to 200 messages at a time, and knows of each whether the broker has it safe.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};
use scrm_kernel::crash;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::link::{Link, PATIENCE};

/// Messages on their way to the broker.
const WINDOW: usize = 200;

/// A message to publish.
pub(super) struct Outgoing {
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) properties: BasicProperties,
    pub(super) body: Bytes,
}

/// Publishes over one channel.
pub(super) struct Publisher {
    link: Arc<Link>,
    channel: Mutex<Option<Channel>>,
}

impl Publisher {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link, channel: Mutex::new(None) }
    }

    /// Publishes in order, and returns of each message whether it is safe in every queue that wants it.
    ///
    /// After one that could not be sent, the rest are not sent either, for they would overtake it.
    pub(super) async fn publish(&self, messages: &[Outgoing]) -> Vec<Result<(), String>> {
        if messages.is_empty() {
            return Vec::new();
        }
        // Held to the end: which message the broker returned is certain only within one batch.
        let mut kept = self.channel.lock().await;
        let channel = match self.usable(kept.take()).await {
            Ok(channel) => channel,
            Err(error) => return vec![Err(error); messages.len()],
        };
        let mut batch = Batch::default();
        for message in messages {
            if let Err(error) = batch.send(&channel, message).await {
                batch.trouble = Some(error);
                break;
            }
        }
        crash::point("rabbit.sent");
        while batch.confirm_oldest().await {}
        crash::point("rabbit.confirmed");
        if batch.trouble.is_none() {
            *kept = Some(channel);
        }
        batch.outcomes(messages)
    }

    /// Returns a channel that confirms: the one kept, as long as it works.
    async fn usable(&self, kept: Option<Channel>) -> Result<Channel, String> {
        if let Some(channel) = kept.filter(|channel| channel.status().connected()) {
            return Ok(channel);
        }
        let channel = self.link.channel().await.map_err(|error| error.to_string())?;
        let selecting = channel.confirm_select(ConfirmSelectOptions::default());
        timeout(PATIENCE, selecting)
            .await
            .map_err(|_| "no answer to confirm.select".to_owned())?
            .map_err(|error| error.to_string())?;
        Ok(channel)
    }
}

/// One call of [`Publisher::publish`].
#[derive(Default)]
struct Batch {
    waiting: VecDeque<PublisherConfirm>,
    /// What became of the messages sent so far, in order.
    confirmed: Vec<Result<(), String>>,
    /// Ids of messages that found no queue. The broker returns a message before it acknowledges it, but the client
    /// may attach it to the acknowledgement of another one of the batch.
    returned: Vec<Option<ShortString>>,
    /// Why the batch was not sent to its end.
    trouble: Option<String>,
}

impl Batch {
    async fn send(&mut self, channel: &Channel, message: &Outgoing) -> Result<(), String> {
        if self.waiting.len() >= WINDOW {
            self.confirm_oldest().await;
            if let Some(trouble) = self.trouble.take() {
                return Err(trouble);
            }
        }
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let sending = channel.basic_publish(
            message.exchange.clone(),
            message.routing_key.clone(),
            options,
            &message.body,
            message.properties.clone(),
        );
        let confirm = timeout(PATIENCE, sending)
            .await
            .map_err(|_| "the broker takes no message".to_owned())?
            .map_err(|error| error.to_string())?;
        self.waiting.push_back(confirm);
        Ok(())
    }

    /// Waits for the oldest confirm; `false` when there is none to wait for.
    async fn confirm_oldest(&mut self) -> bool {
        let Some(confirm) = self.waiting.pop_front() else { return false };
        // After trouble, what has not come by now is not waited for.
        let patience = if self.trouble.is_some() { std::time::Duration::ZERO } else { PATIENCE };
        let outcome = match timeout(patience, confirm).await {
            Err(_) => {
                self.trouble.get_or_insert_with(|| "the broker does not confirm".to_owned());
                Err("the broker does not confirm".to_owned())
            }
            Ok(Err(error)) => {
                self.trouble.get_or_insert_with(|| error.to_string());
                Err(error.to_string())
            }
            Ok(Ok(confirmation)) => {
                let taken = confirmation.is_ack();
                self.note_returned(confirmation);
                if taken { Ok(()) } else { Err("the broker refused it".to_owned()) }
            }
        };
        self.confirmed.push(outcome);
        true
    }

    fn note_returned(&mut self, confirmation: Confirmation) {
        if let Some(message) = confirmation.take_message() {
            self.returned.push(message.delivery.properties.message_id().clone());
        }
    }

    fn outcomes(self, messages: &[Outgoing]) -> Vec<Result<(), String>> {
        let not_sent = self.trouble.unwrap_or_else(|| "not sent".to_owned());
        let mut outcomes = self.confirmed;
        outcomes.resize(messages.len(), Err(not_sent));
        for (outcome, message) in outcomes.iter_mut().zip(messages) {
            if self.returned.contains(message.properties.message_id()) {
                *outcome = Err(format!("no queue for {:?}", message.routing_key.as_str()));
            }
        }
        outcomes
    }
}
