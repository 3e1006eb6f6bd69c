//! Reads the bodies of control requests by hand, so that every mistake is told with the field's name.

use serde_json::{Map, Value};

/// A field that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub(crate) struct BadInput {
    /// Path of the field as in the request, `body` for the whole.
    pub(crate) field: String,
    message: String,
}

impl BadInput {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Reads a body.
pub(crate) fn json(body: &[u8]) -> Result<Value, BadInput> {
    serde_json::from_slice(body).map_err(|error| BadInput::new("body", format!("is not JSON: {error}")))
}

/// The members of an object, and where in the request it stands.
pub(crate) struct Fields<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value, path: &str) -> Result<Self, BadInput> {
        let members = value
            .as_object()
            .ok_or_else(|| BadInput::new(if path.is_empty() { "body" } else { path }, "must be an object"))?;
        Ok(Self { members, path: path.to_owned() })
    }

    pub(crate) fn members(&self) -> &'a Map<String, Value> {
        self.members
    }

    /// Refuses members of other names: a typing error must not pass for a default.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), BadInput> {
        match self.members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(self.bad(name, format!("is not known; known are {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    pub(crate) fn bad(&self, name: &str, message: impl Into<String>) -> BadInput {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        BadInput::new(path, message)
    }

    pub(crate) fn missing(&self, name: &str) -> BadInput {
        self.bad(name, "is missing")
    }

    /// Returns a member; `null` is as good as none.
    fn member(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, BadInput> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| self.bad(name, "must be text"));
        self.member(name).map(text).transpose()
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, BadInput> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| self.bad(name, "must be true or false"));
        self.member(name).map_or(Ok(false), flag)
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<Fields<'a>>, BadInput> {
        self.member(name).map(|value| Self::of(value, &self.bad(name, "").field)).transpose()
    }

    /// Returns a list of texts, by default an empty one.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&'a str>, BadInput> {
        let bad = || self.bad(name, "must be a list of texts");
        let Some(value) = self.member(name) else { return Ok(Vec::new()) };
        value.as_array().ok_or_else(bad)?.iter().map(|text| text.as_str().ok_or_else(bad)).collect()
    }

    /// Returns a list of numbers, by default an empty one.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<u32>, BadInput> {
        let bad = || self.bad(name, "must be a list of whole numbers");
        let number =
            |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(bad);
        let Some(value) = self.member(name) else { return Ok(Vec::new()) };
        value.as_array().ok_or_else(bad)?.iter().map(number).collect()
    }

    /// Returns a whole number within `range`, or `default` when there is none.
    pub(crate) fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, BadInput> {
        let Some(value) = self.member(name) else { return Ok(default) };
        value.as_u64().filter(|number| range.contains(number)).ok_or_else(|| {
            self.bad(name, format!("must be a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// Returns a whole number, which may be negative.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, BadInput> {
        let integer = |value: &Value| value.as_i64().ok_or_else(|| self.bad(name, "must be a whole number"));
        self.member(name).map(integer).transpose()
    }

    /// Returns a share between 0 and 1, by default 0.
    pub(crate) fn rate(&self, name: &str) -> Result<f64, BadInput> {
        let rate = |value: &Value| {
            let rate = value.as_f64().filter(|rate| (0.0..=1.0).contains(rate));
            rate.ok_or_else(|| self.bad(name, "must be a number from 0 to 1"))
        };
        self.member(name).map_or(Ok(0.0), rate)
    }
}
