//! What the service does by itself, periodically; safe in any number of replicas.

pub(crate) mod errand;
pub(crate) mod forget_callbacks;
pub(crate) mod forget_reconciliations;
pub(crate) mod forget_submissions;
pub(crate) mod look;
pub(crate) mod reconcile;
