//! The mapping of a lead source, and what is sent to it.

use std::collections::BTreeMap;

use scrm_ingest::domain::lead_source::{Field, Mapping, Pointer};
use scrm_ingest::domain::submission::{SenderId, read};
use serde_json::Value;

/// Reads bytes as a mapping, one `field=pointer` a line, and after an empty line the body that it is applied to. Without
/// the empty line all of it is a body for the usual mapping.
///
/// # Panics
///
/// If what was accepted is not within its limits, or what was refused names no field.
pub fn webhook(data: &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (mapping, body) = match end {
        Some(end) => (mapping(&String::from_utf8_lossy(&data[..end])), &data[end + 2..]),
        None => (Mapping::default(), data),
    };
    for header in [None, Some("sender-1")] {
        apply(body, &mapping, header);
    }
}

fn mapping(text: &str) -> Mapping {
    let mut fields = BTreeMap::new();
    for line in text.lines() {
        let Some((field, pointer)) = line.split_once('=') else { continue };
        if let (Some(field), Ok(pointer)) = (Field::parse(field), Pointer::parse(pointer)) {
            fields.insert(field, pointer);
        }
    }
    Mapping(fields)
}

fn apply(body: &[u8], mapping: &Mapping, header: Option<&str>) {
    match read(body, mapping, header) {
        Ok((id, submission)) => {
            assert_eq!(SenderId::parse(id.as_str()).as_ref(), Ok(&id));
            assert!(header.is_none_or(|header| header == id.as_str()), "the header comes first");
            let answers: Value = serde_json::from_str(&submission.answers).expect("answers are JSON");
            assert!(answers.is_object(), "answers are an object");
            let is_reachable = submission.phone.is_some()
                || submission.email.is_some()
                || submission.external_user_id.is_some()
                || submission.union_id.is_some();
            assert!(is_reachable, "somebody is there");
            for short in [&submission.name, &submission.region, &submission.product, &submission.channel] {
                assert!(
                    short.as_ref().is_none_or(|text| text.chars().count() <= 100),
                    "a short text is short"
                );
            }
            assert_eq!(read(body, mapping, header), Ok((id, submission)), "reading changes nothing");
        }
        Err(wrong) => {
            assert!(!wrong.is_empty(), "an error says what is wrong");
            for error in wrong {
                let is_ours = error.field == "body" || Field::parse(&error.field).is_some();
                assert!(is_ours, "a field that nobody knows: {}", error.field);
                assert!(!error.message.is_empty(), "{} is wrong, but why?", error.field);
            }
        }
    }
}
