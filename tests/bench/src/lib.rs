#![doc = include_str!("../README.md")]

pub mod busy;
pub mod callback;
pub mod cores;
pub mod figure;
pub mod floor;
pub mod load;
pub mod ours;
pub mod peers;
pub mod place;
pub mod program;
pub mod runs;
pub mod servers;
pub mod stolen;
