#![doc = include_str!("../README.md")]

pub mod demo;
pub mod folder;
pub mod serve;
mod tally;
pub mod token;
