//! JSON, read into the same tree as XML: a field is an element, an array is the element repeated, null is absent.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::tree::{BadDocument, Budget, Element};

/// Reads a whole document, which must be an object, into a tree.
pub(crate) fn parse(text: &str) -> Result<Element, BadDocument> {
    let mut reader = Reader { budget: Budget::default(), refused: None };
    let mut roots = Vec::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Value { name: "", in_array: false, into: &mut roots, reader: &mut reader }
        .deserialize(&mut json)
        .and_then(|()| json.end());
    match (read, reader.refused, roots.pop()) {
        (_, Some(refused), _) => Err(refused),
        (Err(error), ..) => Err(BadDocument::Syntax(byte_of(text, &error))),
        (Ok(()), None, Some(root)) => Ok(root),
        (Ok(()), None, None) => Err(BadDocument::Root),
    }
}

/// Returns about which byte an error is at; serde tells line and column, both from 1.
fn byte_of(text: &str, error: &serde_json::Error) -> u64 {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let byte = lines.map(str::len).sum::<usize>() + error.column();
    u64::try_from(byte).unwrap_or(u64::MAX)
}

struct Reader {
    budget: Budget,
    /// The limit that was passed, which serde's own error could only tell as text.
    refused: Option<BadDocument>,
}

impl Reader {
    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.budget.enter().map_err(|refused| {
            self.refused = Some(refused);
            E::custom(refused)
        })
    }
}

/// One value, to be appended to its parent's children.
struct Value<'a> {
    name: &'a str,
    in_array: bool,
    into: &'a mut Vec<Element>,
    reader: &'a mut Reader,
}

impl Value<'_> {
    fn leaf<E: serde::de::Error>(self, text: String) -> Result<(), E> {
        self.reader.enter()?;
        self.reader.budget.leave();
        let Self { name, in_array, into, .. } = self;
        into.push(Element { name: name.to_owned(), text, children: Vec::new(), in_array });
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.leaf(u8::from(value).to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.leaf(value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.leaf(value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.leaf(value.to_string())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.leaf(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<(), E> {
        self.leaf(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { name, into, reader, .. } = self;
        reader.enter()?;
        while items.next_element_seed(Value { name, in_array: true, into, reader })?.is_some() {}
        reader.budget.leave();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self { name, in_array, into, reader } = self;
        reader.enter()?;
        let mut children = Vec::new();
        while let Some(key) = fields.next_key::<String>()? {
            fields.next_value_seed(Value { name: &key, in_array: false, into: &mut children, reader })?;
        }
        reader.budget.leave();
        into.push(Element { name: name.to_owned(), text: String::new(), children, in_array });
        Ok(())
    }
}
