//! What the service does by itself, periodically; safe in any number of replicas.

pub(crate) mod drain_pool;
pub(crate) mod follow_transfers;
pub(crate) mod forget_card_minutes;
pub(crate) mod renew_copies;
pub(crate) mod tune_channels;
