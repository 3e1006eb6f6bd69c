//! What somebody may do, and with whose things.
//!
//! An [`Action`] is what is allowed, a [`Reach`] with whose things: leads, customers and other things belong to members of
//! the staff. A role gives actions, each within a [`DataScope`]; together, and for one person, the roles come to
//! [`Permissions`], which travel in the token. Use cases ask the [`Actor`]: `allow` for what belongs to the enterprise,
//! `scope` for what belongs to people, which comes back as a filter for the query.

mod action;
mod actor;
mod reach;
mod role;

pub use action::{Action, UnknownAction};
pub use actor::{Actor, Asked, NotAllowed, Permissions};
pub use reach::{DataScope, Reach};
pub use role::{BuiltIn, Grant};
