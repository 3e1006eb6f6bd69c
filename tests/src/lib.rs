#![doc = include_str!("../README.md")]

mod company;
mod installation;
mod outside;

pub use company::Company;
pub use installation::{Installation, SERVICES};
pub use outside::{Outcome, Outside};
