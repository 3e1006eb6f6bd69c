//! What arrived becomes events: stored rows on their way to the broker, after they were answered.

mod callback;
mod hint;
mod submission;
mod suite;

pub(crate) use callback::Callbacks;
pub(crate) use submission::Submissions;
