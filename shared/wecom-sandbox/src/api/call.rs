//! A call as an endpoint sees it, and how an endpoint answers or refuses.

use std::borrow::Cow;
use std::collections::HashMap;

use actix_web::web::Bytes;
use scrm_kernel::Timestamp;
use serde_json::{Map, Value, json};

use super::page::Page;
use crate::app::App;
use crate::state::Corp;

/// A call whose token is good.
pub(crate) struct Call<'a> {
    pub(crate) now: Timestamp,
    pub(crate) app: &'a App,
    pub(crate) query: &'a HashMap<String, String>,
    pub(crate) body: &'a Map<String, Value>,
}

/// Why WeCom does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) errcode: i64,
    message: Cow<'static, str>,
}

/// What an endpoint answers; `errcode` 0 is added to it.
pub(crate) type Answered = Result<Value, Refusal>;

/// What goes back over the wire.
pub(crate) enum Reply {
    Json(Value),
    File { content_type: String, filename: String, bytes: Bytes },
}

impl Refusal {
    pub(crate) fn new(errcode: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self { errcode, message: message.into() }
    }

    /// Refuses a parameter (40058).
    pub(crate) fn parameter(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(40058, message)
    }

    pub(crate) fn json(&self) -> Value {
        let Self { errcode, message } = self;
        let more = format!("more info at https://open.work.weixin.qq.com/devtool/query?e={errcode}");
        json!({ "errcode": errcode, "errmsg": format!("{message}, {more}") })
    }
}

impl From<Answered> for Reply {
    fn from(answered: Answered) -> Self {
        match answered {
            Ok(Value::Object(mut answer)) => {
                answer.entry("errcode").or_insert_with(|| 0.into());
                answer.entry("errmsg").or_insert_with(|| "ok".into());
                Self::Json(Value::Object(answer))
            }
            Ok(other) => Self::Json(other),
            Err(refusal) => Self::Json(refusal.json()),
        }
    }
}

impl<'a> Call<'a> {
    /// Returns the present second since 1970.
    pub(crate) fn second(&self) -> i64 {
        self.now.timestamp()
    }

    /// Returns the present millisecond since 1970.
    pub(crate) fn millis(&self) -> i64 {
        self.now.timestamp_millis()
    }

    /// Returns a parameter of the address; an empty one is as good as none.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns a field of the body; `null` is as good as none.
    pub(crate) fn field(&self, name: &str) -> Option<&'a Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    /// Returns a text of the body.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let text = |value: &'a Value| {
            value.as_str().ok_or_else(|| Refusal::parameter(format!("{name} must be a string")))
        };
        self.field(name).map(text).transpose()
    }

    /// Returns a text that may not be missing or empty; `errcode` says what WeCom calls that.
    pub(crate) fn needed(&self, name: &str, errcode: i64) -> Result<&'a str, Refusal> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| Refusal::new(errcode, format!("missing {name}")))
    }

    /// Returns a text of at most `most` characters.
    pub(crate) fn short(&self, name: &str, most: usize) -> Result<Option<&'a str>, Refusal> {
        match self.text(name)? {
            Some(text) if text.chars().count() > most => {
                Err(Refusal::parameter(format!("{name} exceeds {most} characters")))
            }
            text => Ok(text),
        }
    }

    /// Returns a list of texts; none is as good as an empty one.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&'a str>, Refusal> {
        let bad = || Refusal::parameter(format!("{name} must be a list of strings"));
        let Some(value) = self.field(name) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(bad)?;
        items.iter().map(|item| item.as_str().ok_or_else(bad)).collect()
    }

    /// Returns a number; WeCom takes digits in quotation marks too.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let number = |value: &Value| {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
            number.ok_or_else(|| Refusal::parameter(format!("{name} must be a whole number")))
        };
        self.field(name).map(number).transpose()
    }

    /// Returns how many entries a page may have.
    pub(crate) fn limit(&self, most: u64, default: u64) -> Result<usize, Refusal> {
        match self.number("limit")?.unwrap_or(default) {
            0 => Ok(usize::try_from(default).unwrap_or(usize::MAX)),
            limit if limit <= most => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
            _ => Err(Refusal::parameter(format!("limit exceeds {most}"))),
        }
    }

    /// Returns the page that the cursor of the body leads to.
    pub(crate) fn page(&self, corp: &mut Corp, limit: usize) -> Result<Page, Refusal> {
        Page::asked(corp, self.text("cursor")?.unwrap_or_default(), limit)
    }
}
