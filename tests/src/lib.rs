#![doc = include_str!("../README.md")]

mod administrator;
mod company;
mod installation;
mod outside;
mod power;
mod proxy;
mod servers;
pub mod storm;
mod tokens;

pub use administrator::{Administrator, Deeds};
pub use company::{Company, Ways};
pub use installation::{Installation, SERVICES, Surroundings};
pub use outside::{Outcome, Outside};
pub use power::Disk;
pub use proxy::{Mode, Proxy};
pub use servers::{Server, Servers};
pub use tokens::Tokens;
