//! One sample of every event, with invented values, and what it must be read as.

mod app;
mod approval;
mod book;
mod contact;
mod suite;

use scrm_kernel::{ExternalUserId, WecomUserId};
use scrm_wecom::event::Body;

/// The part of an event that both envelopes share.
pub(crate) struct Sample {
    /// Name on the wire; messages are marked `message text`.
    pub(crate) event: &'static str,
    pub(crate) change_type: Option<&'static str>,
    /// Elements after the head, in any order.
    pub(crate) inner: String,
    pub(crate) body: Body,
}

impl Sample {
    fn new(event: &'static str, change_type: &'static str, inner: &str, body: Body) -> Self {
        let change_type = Some(change_type).filter(|name| !name.is_empty());
        Self { event, change_type, inner: inner.to_owned(), body }
    }
}

pub(crate) fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    samples.extend(contact::samples());
    samples.extend(book::samples());
    samples.extend(app::samples());
    samples.extend(approval::samples());
    samples.extend(suite::samples());
    for (event, change_type) in [
        ("change_external_contact", Some("change_external_profile")),
        ("change_external_contact", None),
        ("living_status_change", None),
        ("change_school_contact", Some("create_student")),
    ] {
        let body = Body::Unknown { event: event.to_owned(), change_type: change_type.map(str::to_owned) };
        samples.push(Sample { event, change_type, inner: "<UserID></UserID>".to_owned(), body });
    }
    samples
}

fn staff(id: &str) -> WecomUserId {
    WecomUserId::parse(id).unwrap()
}

fn customer(id: &str) -> ExternalUserId {
    ExternalUserId::parse(id).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "samples are full of optional texts")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}
