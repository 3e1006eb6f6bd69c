//! What the service does by itself.

mod renew_holidays;

pub(crate) use renew_holidays::start;
