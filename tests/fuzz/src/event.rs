//! What is in a callback, once it is opened.

use scrm_wecom::event::{self, Body};

/// Reads bytes as the message inside a callback, whose sender is proved but whose content is not.
///
/// # Panics
///
/// If it is an event that is in no list, or an error in words of which none is ours: errors go into logs.
pub fn event(data: &[u8]) {
    parse(data);
}

pub(crate) fn parse(message: &[u8]) {
    match event::parse(message) {
        Ok(event) => {
            let name = event.body.name();
            assert!(Body::names().any(|known| known == name), "{name} is in no list");
        }
        Err(error) => {
            let text = error.to_string();
            let rest = text.strip_prefix("message cannot be read").or_else(|| text.strip_prefix("element "));
            assert!(rest.is_some(), "{text}");
        }
    }
}
