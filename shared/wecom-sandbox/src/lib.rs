#![doc = include_str!("../README.md")]

mod api;
mod app;
mod arrivals;
mod calls;
mod company;
mod control;
mod delivery;
mod draw;
mod error;
mod event;
mod fault;
mod record;
mod sandbox;
mod settings;
mod state;
mod store;

pub use app::App;
pub use arrivals::{Arrival, ArrivalPlan};
pub use company::{Channel, Company, Customer, Department, Staff, Tag, TagGroup};
pub use delivery::{Delivery, DeliveryRules, Verification};
pub use error::{Error, Result};
pub use event::Event;
pub use fault::{ApiFault, CallbackFaults, Faults};
pub use record::{Answer, CallRecord, CallbackRecord};
pub use sandbox::Sandbox;
pub use settings::{Limits, Settings};
pub use state::Visible;
