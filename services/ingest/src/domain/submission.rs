//! What a source submitted: found in its body by the mapping, checked, and brought into one spelling.

use std::fmt::Write as _;

use scrm_kernel::{ExternalUserId, FieldError, Phone};
use serde_json::Value;

use super::lead_source::{Field, Mapping, Pointer};

/// Characters of a short text at most: names, regions, products, channels.
const MOST_SHORT: usize = 100;
/// Characters of a remark at most.
const MOST_REMARK: usize = 2000;
/// Characters of a mail address at most (RFC 5321).
const MOST_EMAIL: usize = 254;
/// Characters of a union id at most; WeChat's have 28.
const MOST_UNION_ID: usize = 64;
/// Characters of a sender's id at most.
const MOST_SENDER_ID: usize = 200;

/// What a person left with a source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Submission {
    /// What they are called.
    pub name: Option<String>,
    /// Their phone.
    pub phone: Option<Phone>,
    /// Their mail address, in small letters.
    pub email: Option<String>,
    /// Where they are.
    pub region: Option<String>,
    /// What they are interested in.
    pub product: Option<String>,
    /// How they came to the sender.
    pub channel: Option<String>,
    /// What the sender notes.
    pub remark: Option<String>,
    /// WeCom's id of them.
    pub external_user_id: Option<ExternalUserId>,
    /// WeChat's id of them.
    pub union_id: Option<String>,
    /// What no field names: a JSON object.
    pub answers: String,
}

/// The sender's own id of a submission: what tells a repetition from another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderId(String);

impl SenderId {
    /// Checks an id from outside.
    pub fn parse(text: &str) -> Result<Self, String> {
        let count = text.chars().count();
        let is_visible = text.chars().all(|character| !character.is_control() && !character.is_whitespace());
        if (1..=MOST_SENDER_ID).contains(&count) && is_visible {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("must be 1 to {MOST_SENDER_ID} visible characters"))
        }
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads a body: its sender's id, which `header` tells before the body does, and what was submitted.
///
/// The error names every field that is wrong, and repeats none of what was sent.
pub fn read(
    body: &[u8],
    mapping: &Mapping,
    header: Option<&str>,
) -> Result<(SenderId, Submission), Vec<FieldError>> {
    let wrong_body = |message: &str| vec![FieldError::new("body", message)];
    // The parser goes 128 levels deep and no further, so that no body can exhaust the stack.
    let mut body: Value = serde_json::from_slice(body).map_err(|error| wrong_body(&problem_of(&error)))?;
    if !body.is_object() {
        return Err(wrong_body("must be a JSON object"));
    }
    let mut reader = Reader { body: &body, mapping, wrong: Vec::new() };
    let sender_id = reader.sender_id(header);
    let submission = Submission {
        name: reader.short(Field::Name),
        phone: reader.field(Field::Phone, |text| Phone::parse(text).map_err(|error| error.to_string())),
        email: reader.field(Field::Email, email),
        region: reader.short(Field::Region),
        product: reader.short(Field::Product),
        channel: reader.short(Field::Channel),
        remark: reader.field(Field::Remark, |text| plain(text, MOST_REMARK)),
        external_user_id: reader.field(Field::ExternalUserId, |text| {
            ExternalUserId::parse(text).map_err(|error| error.to_string())
        }),
        union_id: reader.field(Field::UnionId, union_id),
        answers: String::new(),
    };
    let wrong = reader.wrong;
    match sender_id {
        Some(sender_id) if wrong.is_empty() => {
            if !submission.can_be_reached() {
                let message = "or email, external_user_id or unionid is needed: nobody could be reached";
                return Err(vec![FieldError::new(Field::Phone.as_str(), message)]);
            }
            take_out(&mut body, mapping);
            Ok((sender_id, Submission { answers: body.to_string(), ..submission }))
        }
        _ => Err(wrong),
    }
}

impl Submission {
    fn can_be_reached(&self) -> bool {
        self.phone.is_some()
            || self.email.is_some()
            || self.external_user_id.is_some()
            || self.union_id.is_some()
    }
}

/// Finds and checks the fields of one body, and collects what is wrong.
struct Reader<'a> {
    body: &'a Value,
    mapping: &'a Mapping,
    wrong: Vec<FieldError>,
}

impl Reader<'_> {
    fn sender_id(&mut self, header: Option<&str>) -> Option<SenderId> {
        let Some(header) = header else {
            let had_wrong = self.wrong.len();
            let id = self.field(Field::Id, SenderId::parse);
            if id.is_none() && self.wrong.len() == had_wrong {
                let message = "is needed: in the header X-Scrm-Id, or where the mapping says";
                self.wrong.push(FieldError::new(Field::Id.as_str(), message));
            }
            return id;
        };
        let parsed = SenderId::parse(header);
        parsed.map_err(|message| self.wrong.push(FieldError::new(Field::Id.as_str(), message))).ok()
    }

    fn short(&mut self, field: Field) -> Option<String> {
        self.field(field, |text| plain(text, MOST_SHORT))
    }

    /// Returns what a field says; none when it is absent or empty, or wrong, which is noted.
    fn field<T>(&mut self, field: Field, check: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let pointer = self.mapping.0.get(&field)?;
        let text = match self.body.pointer(pointer.as_str()) {
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => {
                self.note(field, pointer, "must be text or a number");
                return None;
            }
        };
        if text.is_empty() {
            return None;
        }
        check(&text).map_err(|message| self.note(field, pointer, &message)).ok()
    }

    fn note(&mut self, field: Field, pointer: &Pointer, message: &str) {
        self.wrong.push(FieldError::new(field.as_str(), format!("{message} (at {})", pointer.as_str())));
    }
}

/// Checks a text for people: control characters become spaces, and it must not be longer than `most` characters.
fn plain(text: &str, most: usize) -> Result<String, String> {
    if text.chars().count() > most {
        return Err(format!("is longer than {most} characters"));
    }
    let text = text.replace(|character: char| character.is_control() && character != '\n', " ");
    Ok(text.trim().to_owned())
}

fn email(text: &str) -> Result<String, String> {
    let bad = || "is no mail address".to_owned();
    let (local, domain) = text.rsplit_once('@').ok_or_else(bad)?;
    let is_plain = !text.contains(|character: char| character.is_control() || character.is_whitespace());
    let fits = text.chars().count() <= MOST_EMAIL && !local.is_empty() && domain.len() >= 3;
    if is_plain && fits && domain.contains('.') { Ok(text.to_lowercase()) } else { Err(bad()) }
}

fn union_id(text: &str) -> Result<String, String> {
    let is_plain = text.len() <= MOST_UNION_ID && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(format!("must be 1 to {MOST_UNION_ID} visible ASCII characters"))
    }
}

/// Takes the mapped fields out of a body: what is left are the answers.
fn take_out(body: &mut Value, mapping: &Mapping) {
    for pointer in mapping.0.values() {
        let Some((parent, last)) = pointer.as_str().rsplit_once('/') else { continue };
        match body.pointer_mut(parent) {
            Some(Value::Object(fields)) => {
                fields.remove(&last.replace("~1", "/").replace("~0", "~"));
            }
            // The others keep their places.
            Some(Value::Array(_)) => {
                if let Some(value) = body.pointer_mut(pointer.as_str()) {
                    *value = Value::Null;
                }
            }
            _ => {}
        }
    }
}

/// Says where a body is no JSON, without repeating any of it.
fn problem_of(error: &serde_json::Error) -> String {
    let mut problem = match error.classify() {
        serde_json::error::Category::Eof => "ends too early".to_owned(),
        _ if error.to_string().starts_with("recursion limit") => "is nested too deeply".to_owned(),
        _ => "is no JSON".to_owned(),
    };
    write!(problem, " (line {}, column {})", error.line(), error.column()).ok();
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(fields: &[(Field, &str)]) -> Mapping {
        Mapping(fields.iter().map(|(field, pointer)| (*field, Pointer::parse(pointer).unwrap())).collect())
    }

    fn wrong(body: &str, mapping: &Mapping) -> Vec<String> {
        let errors = read(body.as_bytes(), mapping, Some("1")).unwrap_err();
        errors.into_iter().map(|error| format!("{} {}", error.field, error.message)).collect()
    }

    #[test]
    fn fields_are_found_by_their_pointers_and_the_rest_are_answers() {
        let mapping = mapping(&[
            (Field::Id, "/meta/id"),
            (Field::Name, "/contact/0/名字"),
            (Field::Phone, "/contact/0/phone"),
            (Field::Email, "/a~1b"),
            (Field::Remark, "/list/1"),
        ]);
        let body = r#"{"meta": {"id": 77}, "contact": [{"名字": " 王芳 ", "phone": 13800138000, "age": 30}],
            "a/b": "Fang@Example.com", "list": ["x", "call\u0000 me", "y"], "budget": "10万"}"#;
        let (id, submission) = read(body.as_bytes(), &mapping, None).unwrap();
        assert_eq!(id.as_str(), "77");
        assert_eq!(submission.name.as_deref(), Some("王芳"));
        assert_eq!(submission.phone.as_ref().unwrap().as_str(), "+8613800138000");
        assert_eq!(submission.email.as_deref(), Some("fang@example.com"));
        assert_eq!(submission.remark.as_deref(), Some("call  me"));
        let answers: Value = serde_json::from_str(&submission.answers).unwrap();
        let rest = serde_json::json!({
            "meta": {}, "contact": [{"age": 30}], "list": ["x", null, "y"], "budget": "10万",
        });
        assert_eq!(answers, rest);
    }

    #[test]
    fn every_wrong_field_is_named_and_nothing_sent_is_repeated() {
        let body = r#"{"name": ["no"], "phone": "12345", "email": "nobody", "external_user_id": "a\u0000b",
            "unionid": "é", "region": {}, "remark": true}"#;
        let wrong = wrong(body, &Mapping::default());
        for field in ["name", "phone", "email", "external_user_id", "unionid", "region", "remark"] {
            assert_eq!(wrong.iter().filter(|line| line.starts_with(field)).count(), 1, "{field}: {wrong:?}");
        }
        assert_eq!(wrong.len(), 7);
        assert!(!wrong.concat().contains("12345"), "{wrong:?}");
    }

    #[test]
    fn somebody_must_be_reachable_and_the_body_an_object() {
        let mapping = Mapping::default();
        for body in [r#"{"name": "王芳"}"#, r#"{"phone": ""}"#, "{}"] {
            assert!(wrong(body, &mapping)[0].starts_with("phone "), "{body}");
        }
        for body in ["", "[]", "1", "{", "{\"a\": \u{0}}", "\u{feff}{}"] {
            assert!(wrong(body, &mapping)[0].starts_with("body "), "{body}");
        }
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(wrong(&deep, &mapping)[0].starts_with("body is nested too deeply"));
    }

    #[test]
    fn an_id_is_needed_and_the_header_comes_first() {
        let body = br#"{"id": "body", "phone": "13800138000"}"#;
        let id_of = |header| read(body, &Mapping::default(), header).map(|(id, _)| id.0);
        assert_eq!(id_of(None), Ok("body".to_owned()));
        assert_eq!(id_of(Some("header")), Ok("header".to_owned()));
        assert_eq!(id_of(Some("")).unwrap_err()[0].field, "id");
        assert_eq!(id_of(Some(&"x".repeat(201))).unwrap_err()[0].field, "id");
        let without = read(br#"{"phone": "13800138000"}"#, &Mapping::default(), None);
        assert_eq!(without.unwrap_err()[0].field, "id");
    }
}
