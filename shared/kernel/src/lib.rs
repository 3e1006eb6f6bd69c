#![doc = include_str!("../README.md")]

pub mod error;
pub mod id;
pub mod lifecycle;
pub mod page;
pub mod phone;
pub mod scope;
pub mod seal;
pub mod time;
pub mod wecom_id;

pub use error::{Classify, ErrorKind, FieldError};
pub use id::{CorpId, LeadId, MessageId, StaffId, SubmissionId, TouchId};
pub use lifecycle::Lifecycle;
pub use page::{Cursor, Page, PageRequest};
pub use phone::Phone;
pub use scope::{People, Scope};
pub use seal::{BlindIndex, KeyRing, Sealed};
pub use time::{Clock, Day, Timestamp};
pub use wecom_id::{ExternalUserId, WecomCorpId, WecomUserId};
