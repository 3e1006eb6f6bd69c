//! Our own ids: UUIDv7 newtypes, one type per thing, so that no id can be passed for another.
//!
//! WeCom's ids are in [`wecom_id`](crate::wecom_id). Each type derives sea-orm's value traits here, because the
//! orphan rule forbids to do it where the columns are.

use std::fmt;
use std::str::FromStr;

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use uuid::{ContextV7, Timestamp as UuidTime, Uuid};

use crate::time::Timestamp;

/// A string that is no UUID.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not a UUID: {0:?}")]
pub struct BadId(String);

/// Keeps ids minted within one millisecond of one process in order.
static ORDER: std::sync::Mutex<ContextV7> = std::sync::Mutex::new(ContextV7::new());

/// Makes a time-ordered UUID of `now`.
fn mint(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    let order = ORDER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Uuid::new_v7(UuidTime::from_unix(&*order, millis / 1000, nanos_of(millis)))
}

fn nanos_of(millis: u64) -> u32 {
    u32::try_from(millis % 1000).unwrap_or_default() * 1_000_000
}

macro_rules! typed_id {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            Serialize, Deserialize, DeriveValueType, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id of the time `now`; ids of one process ascend.
            pub fn mint(now: Timestamp) -> Self {
                Self(mint(now))
            }

            /// Takes an id from where it was kept.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the bare UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::parse_str(text).map(Self).map_err(|_| BadId(text.to_owned()))
            }
        }

        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

typed_id! {
    /// An enterprise that uses Hongyan; stays when its WeCom corp id changes.
    CorpId;
    /// A member of the enterprise; stays when the WeCom `userid` is renamed.
    StaffId;
    /// Somebody who signs in, member of the staff or not.
    AccountId;
    /// A time for which somebody is signed in on one device.
    SessionId;
    /// A business calendar of an enterprise.
    CalendarId;
    /// A role that an enterprise made for itself.
    RoleId;
    /// A lead: one person's open interest.
    LeadId;
    /// One contact of a person with a member of the staff, through a channel.
    TouchId;
    /// The way of a customer from one member to another in WeCom.
    TransferId;
    /// A channel: one code that is printed, and who answers it.
    ChannelId;
    /// A customer, whoever of the staff has them as contact.
    CustomerId;
    /// A customer and one member of the staff.
    RelationId;
    /// A tag of the enterprise that was asked for here.
    TagWishId;
    /// Something that happened with a customer.
    TimelineId;
    /// Something that a person sent through a form, an advertisement or another system of the enterprise.
    SubmissionId;
    /// A comparison of everything that is known of an enterprise with what WeCom has.
    ReconciliationId;
    /// A file that is kept to be attached to messages.
    MediaId;
    /// An event on its way between services.
    MessageId;
    /// An event that a consumer gave up.
    DeadLetterId;
}

impl MessageId {
    /// Makes the id of a message from the hash of what it tells: the same however often it is made.
    ///
    /// Takes the first 16 bytes, of which six bits become the marks of UUID version 8; a short hash is filled up with
    /// zeros.
    pub fn of_hash(hash: &[u8]) -> Self {
        let mut bytes = [0; 16];
        for (byte, source) in bytes.iter_mut().zip(hash) {
            *byte = *source;
        }
        Self(Uuid::new_v8(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Clock;

    #[test]
    fn ids_of_one_millisecond_ascend() {
        let now = Clock::system().now();
        let ids: Vec<LeadId> = (0..1000).map(|_| LeadId::mint(now)).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn an_id_survives_its_text() {
        let id = StaffId::mint(Clock::system().now());
        assert_eq!(id.to_string().parse::<StaffId>().unwrap(), id);
        assert!("li.lei".parse::<StaffId>().is_err());
    }
}
