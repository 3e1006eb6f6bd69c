//! A decoded document, XML or JSON, as a small tree of named elements, and the limits it must keep.
//!
//! WeCom writes the same element names in both formats, so everything after this module is written once.

use crate::{json, xml};

/// Levels of nesting; WeCom's deepest event has six.
pub(crate) const MAX_DEPTH: usize = 32;
/// Elements in one document; a full member list of a group chat has about five hundred.
pub(crate) const MAX_ELEMENTS: usize = 10_000;

/// Why a document cannot be read. Never holds any of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDocument {
    /// Not UTF-8.
    #[error("is not UTF-8")]
    Encoding,
    /// Begins neither like XML nor like JSON.
    #[error("is neither XML nor JSON")]
    Format,
    /// Not well-formed.
    #[error("is not well-formed near byte {0}")]
    Syntax(u64),
    /// Declares a document type, which WeCom never does and attackers do.
    #[error("declares a document type")]
    Dtd,
    /// Uses an entity that XML itself does not define.
    #[error("uses an entity of its own")]
    Entity,
    /// Has no root element, more than one, or text outside it.
    #[error("is not one element")]
    Root,
    /// Nested deeper than the limit.
    #[error("is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Holds more elements than the limit.
    #[error("has more than {MAX_ELEMENTS} elements")]
    TooMany,
}

/// Counts levels and elements while a document is read.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    depth: usize,
    elements: usize,
}

impl Budget {
    pub(crate) fn enter(&mut self) -> Result<(), BadDocument> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > MAX_DEPTH {
            return Err(BadDocument::TooDeep);
        }
        if self.elements > MAX_ELEMENTS {
            return Err(BadDocument::TooMany);
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }
}

/// One element: its own text and the elements inside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
    /// A member of a JSON array, which has no name of its own.
    pub(crate) in_array: bool,
}

impl Element {
    /// Reads a document of either format.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, BadDocument> {
        match Format::of(document)? {
            Format::Xml(text) => xml::parse(text),
            Format::Json(text) => json::parse(text),
        }
    }

    /// Returns the element's text without surrounding whitespace, or nothing if it is empty.
    pub(crate) fn text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// Returns the elements at `path`: `a/b` steps inward, `a|b` prefers a spelling that holds something, and the empty
    /// path is the element itself.
    ///
    /// Names compare without regard to case, because WeCom's own documents vary it. A JSON array may stand where XML
    /// has a container with items: then the step from container to item is no step.
    pub(crate) fn all(&self, path: &str) -> Vec<&Self> {
        let mut best = Vec::new();
        for spelling in path.split('|') {
            let found = self.walk(spelling);
            if found.iter().any(|element| element.text().is_some() || !element.children.is_empty()) {
                return found;
            }
            if best.is_empty() {
                best = found;
            }
        }
        best
    }

    fn walk(&self, path: &str) -> Vec<&Self> {
        let mut found = vec![self];
        for name in path.split('/').filter(|name| !name.is_empty()) {
            found = found.iter().flat_map(|element| element.step(self, name)).collect();
        }
        found
    }

    /// Returns the first element at `path`, read as [`all`](Self::all) reads it.
    pub(crate) fn first(&self, path: &str) -> Option<&Self> {
        self.all(path).first().copied()
    }

    fn step<'t>(&'t self, start: &Self, name: &str) -> Vec<&'t Self> {
        let found: Vec<_> =
            self.children.iter().filter(|child| child.name.eq_ignore_ascii_case(name)).collect();
        let stands_for_item = self.in_array && !std::ptr::eq(self, start);
        if found.is_empty() && stands_for_item { vec![self] } else { found }
    }
}

/// The two formats, told apart by their first character.
pub(crate) enum Format<'a> {
    Xml(&'a str),
    Json(&'a str),
}

impl<'a> Format<'a> {
    pub(crate) fn of(document: &'a [u8]) -> Result<Self, BadDocument> {
        let text = std::str::from_utf8(document).map_err(|_| BadDocument::Encoding)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii();
        match text.as_bytes().first() {
            Some(b'<') => Ok(Self::Xml(text)),
            Some(b'{') => Ok(Self::Json(text)),
            _ => Err(BadDocument::Format),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'t>(root: &'t Element, path: &str) -> Vec<&'t str> {
        root.all(path).iter().filter_map(|element| element.text()).collect()
    }

    #[test]
    fn both_formats_give_the_same_tree() {
        let xml = b"<xml>\n<A> <![CDATA[ 1 ]]> </A><Empty/><B><C>x</C><C>y&amp;z</C></B></xml>";
        let json = br#"{"A": 1, "Empty": "", "B": {"C": ["x", "y&z"]}, "N": null}"#;
        for document in [&xml[..], &json[..]] {
            let root = Element::parse(document).unwrap();
            assert_eq!(texts(&root, "a"), ["1"]);
            assert_eq!(texts(&root, "B/C"), ["x", "y&z"]);
            assert_eq!(texts(&root, "Missing|B/c"), ["x", "y&z"]);
            assert_eq!(texts(&root, "Empty|A"), ["1"]);
            assert!(root.first("N").is_none());
        }
    }

    #[test]
    fn a_json_array_may_replace_container_and_items() {
        let root = Element::parse(br#"{"List": [{"Id": 1}, {"Id": 2}, {}], "Names": ["a", "b"]}"#).unwrap();
        assert_eq!(texts(&root, "List/Item/Id"), ["1", "2"]);
        assert_eq!(texts(&root, "Names/Name"), ["a", "b"]);
        let item = root.first("List/Item").unwrap();
        assert!(item.first("").is_some_and(|same| same == item));
        assert!(item.first("Other").is_none());
    }

    #[test]
    fn what_is_no_document_is_told_apart() {
        use BadDocument::{Dtd, Encoding, Entity, Format, Root, Syntax, TooDeep, TooMany};
        let deep_json = format!("{{\"a\":{}", "[".repeat(200_000));
        let cases: [(&[u8], BadDocument); 16] = [
            (b"", Format),
            (b"hello", Format),
            (b"<xml>\xff</xml>", Encoding),
            (b"{\"a\":\"\xff\"}", Encoding),
            (b"<!DOCTYPE x [<!ENTITY e \"v\">]><x>&e;</x>", Dtd),
            (b"<x>&e;</x>", Entity),
            (b"<x>&#0;</x>", Entity),
            (b"<x/><y/>", Root),
            (b"<x/>y", Root),
            (b"<?xml version=\"1.0\"?>", Root),
            (b"<x><y></x>", Syntax(0)),
            (b"<x><y>", Syntax(0)),
            (b"{\"a\":1} x", Syntax(0)),
            (&b"<x>".repeat(200_000), TooDeep),
            (deep_json.as_bytes(), TooDeep),
            (&[&b"<x>"[..], &b"<y/>".repeat(20_000)].concat(), TooMany),
        ];
        for (document, expected) in cases {
            let bad = Element::parse(document).unwrap_err();
            let start = document.get(..40).unwrap_or(document);
            assert_eq!(
                std::mem::discriminant(&bad),
                std::mem::discriminant(&expected),
                "{bad:?} for {start:?}"
            );
        }
    }
}
