//! What the sandbox saw with its own eyes: every callback it tried to deliver, and what a record of a call is.
//!
//! Nothing is dropped, since tests count losses from here; so callbacks are kept small.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use scrm_kernel::Timestamp;
use scrm_kernel::time::from_millis;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::company::Company;
use crate::event::Message;

/// How one attempt to deliver a callback ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The receiver answered with this HTTP status.
    Http(u16),
    /// The receiver answered with 200, but not `success`, which is what suites are to answer to 指令回调.
    NotSuccess,
    /// No answer came in time.
    Timeout,
    /// Nobody listens there.
    Refused,
    /// The connection broke before the answer was complete.
    Broken,
    /// Not sent, because of a fault that was asked for.
    Dropped,
    /// Not sent, because the app has no callback URL.
    NoUrl,
    /// Not sent, because the app does not see the member concerned.
    OutOfRange,
}

impl Answer {
    /// Says whether WeCom regards the event as delivered.
    pub fn is_accepted(self) -> bool {
        self == Self::Http(200)
    }

    /// Says whether WeCom would try again.
    pub(crate) fn is_worth_a_retry(self) -> bool {
        match self {
            Self::Http(status) => status != 200,
            Self::NotSuccess | Self::Timeout | Self::Refused | Self::Broken => true,
            Self::Dropped | Self::NoUrl | Self::OutOfRange => false,
        }
    }
}

/// A status code as a number, everything else as a word.
impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let word = match self {
            Self::Http(status) => return serializer.serialize_u16(*status),
            Self::NotSuccess => "not_success",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::Dropped => "dropped",
            Self::NoUrl => "no_url",
            Self::OutOfRange => "out_of_range",
        };
        serializer.serialize_str(word)
    }
}

/// One attempt to deliver a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallbackRecord {
    /// The place in the list, from 1.
    pub id: u64,
    /// When the attempt ended.
    pub time: Timestamp,
    /// The app that was told.
    pub app: String,
    /// WeCom's `Event`.
    pub event: String,
    /// WeCom's `ChangeType`.
    pub change_type: Option<String>,
    /// The customer concerned, as the event names it.
    pub external_user_id: Option<String>,
    /// The name of the customer, if the company has one with this id.
    pub customer: Option<String>,
    /// 1 for the first attempt, 0 when nothing was sent.
    pub attempt: u8,
    /// What came back.
    pub status: Answer,
    /// How long it took, in milliseconds.
    pub ms: u32,
}

/// One call of WeCom's API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallRecord {
    /// When it came.
    pub time: Timestamp,
    /// The HTTP method.
    pub method: String,
    /// The path, beginning with `/cgi-bin/`.
    pub path: String,
    /// The parameters in the address, undecoded; secrets are `***`.
    pub query: String,
    /// The body: JSON as it came, `null` when there was none, otherwise a description of it.
    pub body: Box<RawValue>,
    /// What the sandbox answered.
    pub answer: Box<RawValue>,
    /// How long it took, in milliseconds; unknown of calls before this was taken down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u32>,
    /// The fault that kept the answer from the caller, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A list that only grows.
pub(crate) struct Log<T>(Mutex<Vec<T>>);

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T> Log<T> {
    pub(crate) fn push(&self, entry: T) {
        locked(&self.0).push(entry);
    }

    pub(crate) fn len(&self) -> usize {
        locked(&self.0).len()
    }

    /// Shows the entries from position `from` up to `end`, at most `most` of them.
    pub(crate) fn each(&self, from: usize, end: usize, most: usize, mut show: impl FnMut(usize, &T)) {
        let entries = locked(&self.0);
        let end = end.min(entries.len()).min(from.saturating_add(most));
        for (offset, entry) in entries.get(from..end).unwrap_or_default().iter().enumerate() {
            show(from + offset, entry);
        }
    }
}

/// All attempts, and which events have arrived for certain.
#[derive(Default)]
pub(crate) struct CallbackLog {
    kept: Log<Kept>,
    index: Mutex<Index>,
}

/// An attempt in few bytes.
pub(crate) struct Kept {
    time: i64,
    who: Who,
    kind: u32,
    ms: u32,
    status: Answer,
    attempt: u8,
}

enum Who {
    Nobody,
    Customer(u64),
    Stranger(Box<str>),
}

#[derive(Default)]
struct Index {
    kinds: Vec<Kind>,
    kind_ids: HashMap<Kind, u32>,
    /// Hashes of the decrypted messages that were answered 200.
    accepted: HashSet<u128>,
    given_up: u64,
    retried: u64,
}

/// App, event and change type.
type Kind = (String, String, Option<String>);

impl CallbackLog {
    /// Notes how an attempt ended.
    pub(crate) fn note(
        &self,
        company: &Company,
        message: &Message,
        attempt: u8,
        status: Answer,
        time: Timestamp,
        ms: u32,
    ) {
        let who = match &message.external_user_id {
            None => Who::Nobody,
            Some(id) => match company.customer_by_id(id) {
                Some(customer) => Who::Customer(customer.number),
                None => Who::Stranger(id.as_str().into()),
            },
        };
        let kind = {
            let mut index = locked(&self.index);
            index.retried += u64::from(attempt > 1);
            if status.is_accepted() {
                index.accepted.insert(fingerprint(&message.xml));
            }
            index.kind_id((message.app.clone(), message.name.clone(), message.change_type.clone()))
        };
        self.kept.push(Kept { time: time.timestamp_millis(), who, kind, ms, status, attempt });
    }

    /// Notes that an event will not be tried again although nobody took it.
    pub(crate) fn note_given_up(&self) {
        locked(&self.index).given_up += 1;
    }

    /// Counts the distinct events that were answered 200.
    pub(crate) fn acknowledged(&self) -> u64 {
        locked(&self.index).accepted.len() as u64
    }

    /// Counts the deliveries that ended without a 200.
    pub(crate) fn given_up(&self) -> u64 {
        locked(&self.index).given_up
    }

    /// Counts the attempts that were not the first.
    pub(crate) fn retried(&self) -> u64 {
        locked(&self.index).retried
    }

    /// Returns the list itself.
    pub(crate) fn kept(&self) -> &Log<Kept> {
        &self.kept
    }

    /// Returns an attempt as it is shown; `position` is its place in the list, from 0.
    pub(crate) fn shown(&self, company: &Company, position: usize, kept: &Kept) -> CallbackRecord {
        let (app, event, change_type) = locked(&self.index).kinds[kept.kind as usize].clone();
        let (external_user_id, customer) = match &kept.who {
            Who::Nobody => (None, None),
            Who::Stranger(id) => (Some(id.to_string()), None),
            Who::Customer(number) => {
                let customer = company.customer(*number);
                (Some(customer.external_user_id), Some(customer.name))
            }
        };
        CallbackRecord {
            id: position as u64 + 1,
            time: from_millis(kept.time),
            app,
            event,
            change_type,
            external_user_id,
            customer,
            attempt: kept.attempt,
            status: kept.status,
            ms: kept.ms,
        }
    }
}

impl Kept {
    /// Returns when the attempt ended.
    pub(crate) fn time(&self) -> Timestamp {
        from_millis(self.time)
    }
}

impl Index {
    fn kind_id(&mut self, kind: Kind) -> u32 {
        if let Some(id) = self.kind_ids.get(&kind) {
            return *id;
        }
        let id = u32::try_from(self.kinds.len()).expect("far fewer kinds than that are ever sent");
        self.kinds.push(kind.clone());
        self.kind_ids.insert(kind, id);
        id
    }
}

/// Identifies a message by its content, as a receiver may do too.
fn fingerprint(xml: &str) -> u128 {
    let hash = digest(&SHA256, xml.as_bytes());
    let (front, _) = hash.as_ref().split_at(16);
    u128::from_le_bytes(front.try_into().expect("a hash has more than 16 bytes"))
}

/// Locks; a panic elsewhere leaves these lists usable.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
