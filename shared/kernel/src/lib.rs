#![doc = include_str!("../README.md")]

pub mod access;
pub mod crash;
pub mod error;
pub mod id;
pub mod lifecycle;
pub mod money;
pub mod pace;
pub mod page;
pub mod phone;
pub mod scope;
pub mod seal;
pub mod time;
pub mod wecom_id;
pub mod work_calendar;

pub use access::{Action, Actor, NotAllowed, Permissions};
pub use error::{Classify, ErrorKind, FieldError};
pub use id::{
    AccountId, CalendarId, ChannelId, CorpId, CustomerId, DeadLetterId, LeadId, MediaId, MessageId,
    ReconciliationId, RelationId, RoleId, SessionId, StaffId, SubmissionId, TagWishId, TimelineId, TouchId,
    TransferId,
};
pub use lifecycle::Lifecycle;
pub use money::{Currency, Money, MoneyError};
pub use pace::Pace;
pub use page::{Cursor, Page, PageRequest};
pub use phone::Phone;
pub use scope::{People, Scope};
pub use seal::{BlindIndex, KeyRing, Sealed};
pub use time::{Clock, Day, Timestamp};
pub use wecom_id::{ExternalUserId, WecomCorpId, WecomUserId};
pub use work_calendar::{CalendarError, Hours, WorkCalendar};
