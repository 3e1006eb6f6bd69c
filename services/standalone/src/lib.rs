#![doc = include_str!("../README.md")]

pub mod access;
pub mod dead;
pub mod demo;
pub mod doctor;
pub mod folder;
pub mod installation;
mod operator;
pub mod reconcile;
pub mod republish;
pub mod serve;
pub mod setup_code;
mod shown;
mod tally;
pub mod token;
