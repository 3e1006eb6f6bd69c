//! Customers, their relations and tags, and how they follow what is told of them. Pure.

pub mod customer;
pub mod happening;
pub mod record;
pub mod staff;
pub mod standing;
pub mod tag_sync;
pub mod tag_wish;
pub mod tagging;

#[cfg(test)]
mod tests;
