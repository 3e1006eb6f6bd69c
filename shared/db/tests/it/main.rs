//! The database crate, on a real database.
