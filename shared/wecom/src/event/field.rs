//! How one field of an event is read from the tree: required, optional or repeated, and of which type.

use scrm_kernel::{ExternalUserId, WecomUserId};

use super::Unreadable;
use crate::tree::Element;

/// The text is there but is no value of the type.
pub(super) struct Invalid;

/// A type that one element can hold; an empty element holds nothing.
pub(super) trait Value: Sized {
    fn of(element: &Element) -> Result<Option<Self>, Problem>;
}

/// Why an element cannot be read: its own text, or something inside it that has a name of its own.
pub(super) enum Problem {
    Here,
    Inside(Unreadable),
}

impl Problem {
    fn at(self, element: &'static str) -> Unreadable {
        match self {
            Self::Here => Unreadable::Invalid { element },
            Self::Inside(unreadable) => unreadable,
        }
    }
}

/// A type that a field of an event can have; the path is as [`Element::all`] reads it.
pub(super) trait Field: Sized {
    fn read(parent: &Element, path: &'static str) -> Result<Self, Unreadable>;
}

/// Required.
impl<T: Value> Field for T {
    fn read(parent: &Element, path: &'static str) -> Result<Self, Unreadable> {
        Option::read(parent, path)?.ok_or(Unreadable::Missing { element: path })
    }
}

/// Optional: missing and empty are the same.
impl<T: Value> Field for Option<T> {
    fn read(parent: &Element, path: &'static str) -> Result<Self, Unreadable> {
        parent.first(path).map_or(Ok(None), T::of).map_err(|problem| problem.at(path))
    }
}

/// Repeated elements; empty ones are passed over.
impl<T: Value> Field for Vec<T> {
    fn read(parent: &Element, path: &'static str) -> Result<Self, Unreadable> {
        let all = parent.all(path);
        all.into_iter()
            .filter_map(|element| T::of(element).transpose())
            .collect::<Result<_, _>>()
            .map_err(|problem| problem.at(path))
    }
}

/// What an event says about one field of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Told<T> {
    /// Nothing: it did not change, or this app may not know.
    #[default]
    Nothing,
    /// It is empty now.
    Empty,
    /// It is this now.
    Is(T),
}

impl<T> Told<T> {
    /// Returns the value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Nothing | Self::Empty => None,
        }
    }
}

impl<T: Value> Field for Told<T> {
    fn read(parent: &Element, path: &'static str) -> Result<Self, Unreadable> {
        let Some(element) = parent.first(path) else { return Ok(Self::Nothing) };
        let value = T::of(element).map_err(|problem| problem.at(path))?;
        Ok(value.map_or(Self::Empty, Self::Is))
    }
}

/// A list that WeCom writes as one text with commas, or in JSON perhaps as an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commas<T>(pub Vec<T>);

/// Missing and empty are the same.
impl<T: Scalar> Field for Commas<T> {
    fn read(parent: &Element, path: &'static str) -> Result<Self, Unreadable> {
        Ok(Option::read(parent, path)?.unwrap_or_else(|| Self(Vec::new())))
    }
}

/// Missing is `None`, empty is an empty list.
impl<T: Scalar> Field for Option<Commas<T>> {
    fn read(parent: &Element, path: &'static str) -> Result<Self, Unreadable> {
        let elements = parent.all(path);
        if elements.is_empty() {
            return Ok(None);
        }
        let pieces = elements.into_iter().flat_map(|element| element.text.split(','));
        let pieces = pieces.map(str::trim).filter(|piece| !piece.is_empty());
        let values: Result<_, Invalid> = pieces.map(T::of_text).collect();
        values.map(|values| Some(Commas(values))).map_err(|Invalid| Unreadable::Invalid { element: path })
    }
}

/// A type written as plain text.
pub(super) trait Scalar: Sized {
    fn of_text(text: &str) -> Result<Self, Invalid>;
}

/// Makes types scalars, and with that values: `String: |text| …`.
macro_rules! scalar {
    ($($type:ty: $of_text:expr;)+) => {$(
        impl $crate::event::field::Scalar for $type {
            fn of_text(text: &str) -> Result<Self, $crate::event::field::Invalid> {
                let of_text: fn(&str) -> Option<Self> = $of_text;
                of_text(text).ok_or($crate::event::field::Invalid)
            }
        }

        impl $crate::event::field::Value for $type {
            fn of(element: &$crate::tree::Element) -> Result<Option<Self>, $crate::event::field::Problem> {
                let text = element.text();
                let value = text.map(<Self as $crate::event::field::Scalar>::of_text).transpose();
                value.map_err(|$crate::event::field::Invalid| $crate::event::field::Problem::Here)
            }
        }
    )+};
}
pub(super) use scalar;

scalar! {
    String: |text| Some(text.to_owned());
    WecomUserId: |text| Self::parse(text).ok();
    ExternalUserId: |text| Self::parse(text).ok();
    u32: |text| text.parse().ok();
    u64: |text| text.parse().ok();
    i64: |text| text.parse().ok();
    f64: |text| text.parse().ok().filter(|number: &Self| number.is_finite());
}

impl<T: Value> Value for Box<T> {
    fn of(element: &Element) -> Result<Option<Self>, Problem> {
        Ok(T::of(element)?.map(Self::new))
    }
}
