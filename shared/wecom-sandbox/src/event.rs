//! An event as WeCom tells it: the head that all share, then the fields of its kind.

use std::fmt::Write as _;

use scrm_kernel::Timestamp;
use serde_json::Value;

/// What happened, before it is encrypted.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    app: String,
    is_data: bool,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Fields { name: String, change_type: Option<String>, fields: Vec<(String, Value)> },
    Raw(String),
}

/// How an app is told: whom a message is encrypted for, and which head it has.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    /// As an app of a corp, and a suite where it is installed (数据回调).
    App { corp_id: String, agent_id: u32 },
    /// As a suite, about itself or a corp (指令回调).
    Suite { suite_id: String, corp_id: String },
}

impl Address {
    /// Returns whom messages are encrypted for.
    pub(crate) fn receiver(&self) -> &str {
        match self {
            Self::App { corp_id, .. } => corp_id,
            Self::Suite { suite_id, .. } => suite_id,
        }
    }

    /// Returns the app's number, which stands on the envelope.
    pub(crate) fn agent_id(&self) -> Option<u32> {
        match self {
            Self::App { agent_id, .. } => Some(*agent_id),
            Self::Suite { .. } => None,
        }
    }

    /// Returns the only body that WeCom takes for an answer, where not any will do.
    pub(crate) fn wanted_answer(&self) -> Option<&'static [u8]> {
        match self {
            Self::App { .. } => None,
            Self::Suite { .. } => Some(b"success"),
        }
    }

    /// Returns what all messages begin with, apart from the change type.
    fn head(&self, name: &str, now: Timestamp) -> Vec<(&'static str, Value)> {
        match self {
            Self::App { corp_id, .. } => app_head(corp_id, name, now),
            Self::Suite { suite_id, corp_id } => {
                let mut head: Vec<(&str, Value)> = vec![("SuiteId", suite_id.as_str().into())];
                // Of a corp that installs, the suite learns which one it is only from the API.
                if !matches!(name, "suite_ticket" | "create_auth" | "reset_permanent_code") {
                    head.push(("AuthCorpId", corp_id.as_str().into()));
                }
                head.extend([("InfoType", name.into()), ("TimeStamp", now.timestamp().into())]);
                head
            }
        }
    }
}

/// An event ready to be sent: what a repeat repeats byte for byte.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) app: String,
    pub(crate) address: Address,
    pub(crate) name: String,
    pub(crate) change_type: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) external_user_id: Option<String>,
    /// Whether it is about somebody whom the app does not see, and so is not sent.
    pub(crate) is_withheld: bool,
    pub(crate) xml: String,
}

impl Event {
    /// Makes an event for `app`, named by WeCom's `Event` and, if it has one, `ChangeType`.
    pub fn new(app: &str, name: &str, change_type: Option<&str>) -> Self {
        let (name, change_type) = (name.to_owned(), change_type.map(str::to_owned));
        let body = Body::Fields { name, change_type, fields: Vec::new() };
        Self { app: app.to_owned(), is_data: false, body }
    }

    /// Makes an event for `app` whose inner XML is sent as it stands, whether or not it is any.
    pub fn raw(app: &str, xml: &str) -> Self {
        Self { app: app.to_owned(), is_data: false, body: Body::Raw(xml.to_owned()) }
    }

    /// Adds an element: text, number, an object of elements, or an array of repeated ones.
    ///
    /// An element of the head, for instance `FromUserName`, is replaced.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Body::Fields { fields, .. } = &mut self.body {
            fields.push((name.to_owned(), value.into()));
        }
        self
    }

    /// Tells a suite as an app of the company is told (数据回调); for such an app it changes nothing.
    #[must_use]
    pub fn as_data(mut self) -> Self {
        self.is_data = true;
        self
    }

    /// Says whether a suite is told as an app of the company is.
    pub(crate) fn is_data(&self) -> bool {
        self.is_data
    }

    /// Returns the app that is told.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// Returns WeCom's `Event` and `ChangeType`; `None` when the XML was given as a whole.
    pub(crate) fn kind(&self) -> Option<(&str, Option<&str>)> {
        match &self.body {
            Body::Fields { name, change_type, .. } => Some((name, change_type.as_deref())),
            Body::Raw(_) => None,
        }
    }

    /// Returns an element that was added.
    pub(crate) fn value(&self, field: &str) -> Option<&Value> {
        match &self.body {
            Body::Fields { fields, .. } => {
                fields.iter().find(|(name, _)| name == field).map(|(_, value)| value)
            }
            Body::Raw(_) => None,
        }
    }

    /// Returns the text of an element that was added.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.value(field).and_then(Value::as_str)
    }

    /// Writes the message that goes to `address` at `now`.
    pub(crate) fn message(&self, address: Address, now: Timestamp) -> Message {
        let (name, change_type, xml) = match &self.body {
            Body::Fields { name, change_type, fields } => (
                name.clone(),
                change_type.clone(),
                written(address.head(name, now), change_type.as_deref(), fields),
            ),
            Body::Raw(xml) => {
                let name = text_of(xml, "Event").or_else(|| text_of(xml, "InfoType"));
                (name.unwrap_or_default(), text_of(xml, "ChangeType"), xml.clone())
            }
        };
        let (user_id, external_user_id) = (text_of(&xml, "UserID"), text_of(&xml, "ExternalUserID"));
        let (app, is_withheld) = (self.app.clone(), false);
        Message { app, address, name, change_type, user_id, external_user_id, is_withheld, xml }
    }
}

fn app_head(corp_id: &str, name: &str, now: Timestamp) -> Vec<(&'static str, Value)> {
    let mut head: Vec<(&str, Value)> = vec![("ToUserName", corp_id.into())];
    // Customer service names no sender (WeCom document 94670).
    if name != "kf_msg_or_event" {
        head.push(("FromUserName", "sys".into()));
    }
    head.push(("CreateTime", now.timestamp().into()));
    head.push(("MsgType", "event".into()));
    if name == "msgaudit_notify" {
        head.push(("AgentID", 2_000_004.into()));
    }
    head.push(("Event", name.into()));
    head
}

fn written(
    mut head: Vec<(&'static str, Value)>,
    change_type: Option<&str>,
    fields: &[(String, Value)],
) -> String {
    head.extend(change_type.map(|change_type| ("ChangeType", change_type.into())));
    head.retain(|(element, _)| !fields.iter().any(|(field, _)| field == element));

    let mut xml = "<xml>".to_owned();
    for (element, value) in &head {
        write_element(&mut xml, element, value);
    }
    for (element, value) in fields {
        write_element(&mut xml, element, value);
    }
    xml.push_str("</xml>");
    xml
}

/// Writes one element as WeCom does: text in CDATA, numbers bare.
fn write_element(xml: &mut String, name: &str, value: &Value) {
    let written = match value {
        Value::Array(values) => {
            for value in values {
                write_element(xml, name, value);
            }
            Ok(())
        }
        Value::Object(elements) => {
            xml.push('<');
            xml.push_str(name);
            xml.push('>');
            for (name, value) in elements {
                write_element(xml, name, value);
            }
            write!(xml, "</{name}>")
        }
        Value::Null => write!(xml, "<{name}></{name}>"),
        Value::String(text) => {
            // A CDATA section cannot hold its own end, so it is split there.
            let text = text.replace("]]>", "]]]]><![CDATA[>");
            write!(xml, "<{name}><![CDATA[{text}]]></{name}>")
        }
        Value::Bool(_) | Value::Number(_) => write!(xml, "<{name}>{value}</{name}>"),
    };
    written.expect("a string takes whatever is written");
}

/// Finds the text of an element, for the record only: whoever sends raw XML may send nonsense.
fn text_of(xml: &str, element: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once(&format!("</{element}>"))?;
    let text = text.trim();
    let text = text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>")).unwrap_or(text);
    Some(text.chars().take(128).collect())
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;
    use serde_json::json;

    use super::*;

    fn demo() -> Address {
        Address::App { corp_id: "ww1".to_owned(), agent_id: 1 }
    }

    #[test]
    fn an_added_contact_reads_as_in_wecoms_documents() {
        let message = Event::new("demo", "change_external_contact", Some("add_external_contact"))
            .field("UserID", "zhangsan")
            .field("ExternalUserID", "wmA")
            .message(demo(), from_millis(1_403_610_513_999));
        assert_eq!(
            message.xml,
            "<xml><ToUserName><![CDATA[ww1]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>\
             <CreateTime>1403610513</CreateTime><MsgType><![CDATA[event]]></MsgType>\
             <Event><![CDATA[change_external_contact]]></Event>\
             <ChangeType><![CDATA[add_external_contact]]></ChangeType>\
             <UserID><![CDATA[zhangsan]]></UserID><ExternalUserID><![CDATA[wmA]]></ExternalUserID></xml>"
        );
        assert_eq!(message.external_user_id.as_deref(), Some("wmA"));
    }

    #[test]
    fn a_suite_reads_the_same_event_under_another_head() {
        let suite = || Address::Suite { suite_id: "dk1".to_owned(), corp_id: "ww1".to_owned() };
        let event = Event::new("template", "change_external_contact", Some("add_external_contact"));
        assert_eq!(
            event.field("UserID", "zhangsan").message(suite(), from_millis(1_403_610_513_999)).xml,
            "<xml><SuiteId><![CDATA[dk1]]></SuiteId><AuthCorpId><![CDATA[ww1]]></AuthCorpId>\
             <InfoType><![CDATA[change_external_contact]]></InfoType><TimeStamp>1403610513</TimeStamp>\
             <ChangeType><![CDATA[add_external_contact]]></ChangeType>\
             <UserID><![CDATA[zhangsan]]></UserID></xml>"
        );
        let ticket = Event::new("template", "suite_ticket", None).message(suite(), from_millis(0));
        assert_eq!(
            ticket.xml,
            "<xml><SuiteId><![CDATA[dk1]]></SuiteId><InfoType><![CDATA[suite_ticket]]></InfoType>\
             <TimeStamp>0</TimeStamp></xml>"
        );
    }

    #[test]
    fn fields_nest_repeat_and_replace_the_head() {
        let message = Event::new("demo", "template_card_event", None)
            .field("FromUserName", "lilei")
            .field("CreateTime", 7)
            .field("SelectedItems", json!({"SelectedItem": [{"QuestionKey": "a]]>b"}, {"QuestionKey": ""}]}))
            .message(demo(), from_millis(0));
        assert_eq!(
            message.xml,
            "<xml><ToUserName><![CDATA[ww1]]></ToUserName><MsgType><![CDATA[event]]></MsgType>\
             <Event><![CDATA[template_card_event]]></Event><FromUserName><![CDATA[lilei]]></FromUserName>\
             <CreateTime>7</CreateTime><SelectedItems><SelectedItem><QuestionKey><![CDATA[a]]]]><![CDATA[>b]]>\
             </QuestionKey></SelectedItem><SelectedItem><QuestionKey><![CDATA[]]></QuestionKey></SelectedItem>\
             </SelectedItems></xml>"
        );
    }

    #[test]
    fn raw_xml_is_sent_as_it_stands() {
        let xml = "<xml> <Event> e </Event><ExternalUserID><![CDATA[wmB]]></ExternalUserID>";
        let message = Event::raw("demo", xml).message(demo(), from_millis(0));
        assert_eq!((message.xml.as_str(), message.name.as_str()), (xml, "e"));
        assert_eq!((message.change_type, message.external_user_id.as_deref()), (None, Some("wmB")));
    }
}
