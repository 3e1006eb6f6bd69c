//! The names of what is measured.

/// Values asked for, by outcome: `hit`, `miss`, or `unavailable` when Redis was not there to ask.
pub(crate) const READS: &str = "scrm_cache_reads_total";
/// Operations that Redis did not do, by operation; those that were not even tried included.
pub(crate) const FAILURES: &str = "scrm_cache_failures_total";
