//! In which shape a test runs.

/// Which databases and broker the product stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// SQLite files and a broker in the process.
    Embedded,
    /// PostgreSQL and RabbitMQ.
    Distributed,
}

impl Shape {
    /// Returns the shape that `SCRM_TEST_SHAPE` names.
    pub fn chosen() -> Self {
        match scrm_config::variable("SCRM_TEST_SHAPE").as_deref() {
            None | Some("embedded") => Self::Embedded,
            Some("distributed") => Self::Distributed,
            Some(other) => panic!("SCRM_TEST_SHAPE is {other:?}; it may be embedded or distributed"),
        }
    }
}
