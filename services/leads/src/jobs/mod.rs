//! What is done from time to time.

pub(crate) mod tune_channels;
