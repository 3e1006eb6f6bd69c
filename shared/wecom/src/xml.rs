//! XML, read in one pass with no document types, no entities of its own, and limits on depth and count.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::tree::{BadDocument, Budget, Element};

/// One step through a document.
pub(crate) enum Step<'a> {
    /// An element begins; an empty one (`<a/>`) begins and ends.
    Open(BytesStart<'a>),
    /// A piece of the text of the innermost element; an element may have many.
    Text(Cow<'a, str>),
    /// The innermost element ends.
    Close,
}

/// Walks through a document and refuses what [`BadDocument`] lists.
pub(crate) struct Steps<'a> {
    reader: Reader<&'a [u8]>,
    budget: Budget,
    has_root: bool,
}

impl<'a> Steps<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, budget: Budget::default(), has_root: false }
    }

    /// Returns how many elements are open after the last step.
    pub(crate) fn depth(&self) -> usize {
        self.budget.depth()
    }

    /// Takes the next step; nothing is left after the root element and what may follow it.
    pub(crate) fn next(&mut self) -> Result<Option<Step<'a>>, BadDocument> {
        loop {
            let event = self.reader.read_event().map_err(|_| self.syntax())?;
            let outside = self.depth() == 0;
            let text = match event {
                Event::Start(tag) => {
                    if outside && self.has_root {
                        return Err(BadDocument::Root);
                    }
                    self.has_root = true;
                    self.budget.enter()?;
                    return Ok(Some(Step::Open(tag)));
                }
                Event::End(_) => {
                    self.budget.leave();
                    return Ok(Some(Step::Close));
                }
                Event::Text(text) => text.into_inner(),
                Event::CData(text) => text.into_inner(),
                Event::GeneralRef(reference) => resolve(&reference)?,
                Event::DocType(_) => return Err(BadDocument::Dtd),
                Event::Eof if !outside => return Err(self.syntax()),
                Event::Eof if !self.has_root => return Err(BadDocument::Root),
                Event::Eof => return Ok(None),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            };
            if !outside {
                return Ok(Some(Step::Text(text)));
            }
            if !text.trim_ascii().is_empty() {
                return Err(BadDocument::Root);
            }
        }
    }

    fn syntax(&self) -> BadDocument {
        BadDocument::Syntax(self.reader.error_position())
    }
}

/// Resolves `&amp;`, `&#38;` and the like; every other entity would need a document type.
fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, BadDocument> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| BadDocument::Entity)? {
        return Ok(Cow::Owned(character.into()));
    }
    resolve_xml_entity(reference).map(Cow::Borrowed).ok_or(BadDocument::Entity)
}

/// Reads a whole document into a tree.
pub(crate) fn parse(text: &str) -> Result<Element, BadDocument> {
    let mut steps = Steps::of(text);
    let mut root = Element::default();
    // The path from the document to the open element. Kept apart from the call stack, so depth cannot overflow it.
    let mut open: Vec<Element> = Vec::new();
    while let Some(step) = steps.next()? {
        match step {
            Step::Open(tag) => {
                let name = tag.name().as_ref().to_owned();
                open.push(Element { name, ..Element::default() });
            }
            Step::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text);
                }
            }
            Step::Close => {
                let Some(closed) = open.pop() else { continue };
                match open.last_mut() {
                    Some(parent) => parent.children.push(closed),
                    None => root = closed,
                }
            }
        }
    }
    Ok(root)
}

/// Appends `<name><![CDATA[text]]></name>`; the text may hold anything, also `]]>`.
pub(crate) fn write_cdata(xml: &mut String, name: &str, text: &str) {
    for piece in ["<", name, "><![CDATA[", &text.replace("]]>", "]]]]><![CDATA[>"), "]]></", name, ">"] {
        xml.push_str(piece);
    }
}
