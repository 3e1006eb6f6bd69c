//! The three forms in which events are written down as tables: families, records, choices.
//!
//! One row holds an event's names on the wire, its name here, its fields with their elements, and their
//! documentation; reading, naming and dispatch follow from it, so no event can be declared and then forgotten in one of
//! them. A field is required unless its type says otherwise (`Option`, `Vec`, `Told`, `Commas`); required are only the
//! fields without which nobody could act on the event.

/// A family of events: `Variant = "our_name", "Event" / "ChangeType" { field: Type = "Element", … };`
///
/// `Debug` prints the name only: events hold names, phone numbers, messages and tickets, which no log may show.
macro_rules! family {
    ($(#[$doc:meta])+ pub enum $family:ident {$(
        $(#[$event_doc:meta])+
        $variant:ident = $name:literal, $event:literal $(/ $change:literal)? $({$(
            $(#[$field_doc:meta])+
            $field:ident: $type:ty = $path:literal,
        )+})?;
    )+}) => {
        $(#[$doc])+
        #[derive(Clone, PartialEq)]
        pub enum $family {$(
            $(#[$event_doc])+
            $variant $({$(
                $(#[$field_doc])+
                $field: $type,
            )+})?,
        )+}

        impl $family {
            /// Every name that [`name`](Self::name) returns.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// Returns the event's stable name.
            pub fn name(&self) -> &'static str {
                match self {$(
                    Self::$variant { .. } => $name,
                )+}
            }

            /// Reads the event if it belongs to this family.
            pub(super) fn read(
                kind: super::Kind<'_>,
                root: &crate::tree::Element,
            ) -> Result<Option<Self>, super::Unreadable> {
                $(if kind.is($event, [$($change)?].as_slice()) {
                    return Ok(Some(Self::$variant $({$(
                        $field: super::field::Field::read(root, $path)?,
                    )+})?));
                })+
                Ok(None)
            }
        }

        impl std::fmt::Debug for $family {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

/// A part of an event: `field: Type = "Element",`. `Debug` prints no content.
macro_rules! record {
    ($(#[$doc:meta])+ pub struct $record:ident {$(
        $(#[$field_doc:meta])+
        $field:ident: $type:ty = $path:literal,
    )+}) => {
        $(#[$doc])+
        #[derive(Clone, PartialEq)]
        pub struct $record {$(
            $(#[$field_doc])+
            pub $field: $type,
        )+}

        impl super::field::Value for $record {
            fn of(element: &crate::tree::Element) -> Result<Option<Self>, super::field::Problem> {
                if element.children.is_empty() {
                    return Ok(None);
                }
                Ok(Some(Self {$(
                    $field: super::field::Field::read(element, $path).map_err(super::field::Problem::Inside)?,
                )+}))
            }
        }

        impl std::fmt::Debug for $record {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($record), "(..)"))
            }
        }
    };
}

/// One of a few texts, or another one that WeCom may add: `Variant = "text",`.
macro_rules! choice {
    ($(#[$doc:meta])+ pub enum $choice:ident {$(
        $(#[$variant_doc:meta])+
        $variant:ident = $text:literal,
    )+}) => {
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $choice {
            $($(#[$variant_doc])+ $variant,)+
            /// Anything else, as WeCom wrote it.
            Other(String),
        }

        super::field::scalar! {
            $choice: |text| Some(match text {
                $($text => Self::$variant,)+
                other => Self::Other(other.to_owned()),
            });
        }
    };
}

pub(super) use {choice, family, record};
