#![doc = include_str!("../README.md")]

pub mod callback;
mod json;
mod tree;
mod xml;

pub use tree::BadDocument;
