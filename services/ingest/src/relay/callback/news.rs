//! What an event tells: the message to publish, what is to be read, and how a relation stands.

use scrm_kernel::time::from_millis;
use scrm_kernel::{CorpId, ExternalUserId, MessageId, Timestamp, WecomUserId};
use scrm_proto::wecom::v1::{
    CardClicked, ContactAdded, ContactRemoved, MemberRenamed, RemovedBy, TransferFailed,
};
use scrm_proto::{Envelope, Event};
use scrm_wecom::event::{self, App, Body, Book, Contact, DeleteSource, FailReason};

use crate::domain::look::{Urgency, Wanted};
use crate::domain::relation::{Pair, Standing, Told};
use crate::relay::hint;
use crate::relay::suite::SuiteNews;
use crate::store::callback::Taken;

/// What a callback tells.
#[derive(Clone)]
pub(super) struct News {
    /// What it is called.
    pub(super) kind: &'static str,
    /// The event to publish, if any.
    pub(super) envelope: Option<Envelope>,
    /// What is to be read from WeCom.
    pub(super) looks: Vec<Wanted>,
    /// How a relation stands.
    pub(super) relation: Option<Told>,
    /// The userid that a member had, and the one they have now.
    pub(super) renamed: Option<(CorpId, WecomUserId, WecomUserId)>,
    /// What an enterprise or WeCom did with a suite.
    pub(super) suite: Option<SuiteNews>,
}

/// Returns when it happened: by its own words, otherwise when it was signed.
pub(in crate::relay) fn occurred_at(callback: &Taken, event: &event::Event) -> Timestamp {
    event.time.map_or(callback.signed_at, |seconds| from_millis(seconds.saturating_mul(1000)))
}

/// Turns an event into what it tells the enterprise and the app that it belongs to.
pub(super) fn news(callback: &Taken, event: &event::Event) -> News {
    let occurred_at = occurred_at(callback, event);
    let envelope = published(callback, &event.body, occurred_at)
        .or_else(|| clicked(callback, event, occurred_at))
        .or_else(|| renamed(callback, &event.body, occurred_at));
    let look = |subject| Wanted {
        corp: callback.corp,
        app: Some(callback.app.clone()),
        subject,
        urgency: Urgency::Fresh,
    };
    let looks = hint::subjects(&event.body).into_iter().map(look).collect();
    News {
        kind: event.body.name(),
        envelope,
        looks,
        relation: standing(callback, &event.body, occurred_at),
        renamed: new_id(callback, &event.body),
        suite: None,
    }
}

/// Returns how a relation stands since then.
fn standing(callback: &Taken, body: &Body, occurred_at: Timestamp) -> Option<Told> {
    let Body::Contact(contact) = body else { return None };
    let (user, customer, standing) = match contact {
        Contact::Added { user_id, external_user_id, .. }
        | Contact::HalfAdded { user_id, external_user_id, .. } => {
            (user_id, external_user_id, Standing::Present)
        }
        Contact::DeletedByMember { user_id, external_user_id, .. }
        | Contact::DeletedByCustomer { user_id, external_user_id } => {
            (user_id, external_user_id, Standing::Gone)
        }
        _ => return None,
    };
    let pair = Pair { user: user.clone(), customer: customer.clone() };
    let is_half = matches!(contact, Contact::HalfAdded { .. });
    Some(Told { corp: callback.corp, pair, standing, is_half, occurred_at, received_seq: callback.seq })
}

/// Returns the userid that a member had, and the one they have now.
fn new_id(callback: &Taken, body: &Body) -> Option<(CorpId, WecomUserId, WecomUserId)> {
    let Body::Book(Book::MemberUpdated { user_id, new_user_id: Some(new), .. }) = body else { return None };
    Some((callback.corp, user_id.clone(), new.clone()))
}

/// Returns the event that tells of `body`; none for what no contract names yet.
fn published(callback: &Taken, body: &Body, occurred_at: Timestamp) -> Option<Envelope> {
    let Body::Contact(contact) = body else { return None };
    match contact {
        Contact::Added { user_id, external_user_id, state, welcome_code, .. } => {
            let added = added(callback, user_id, external_user_id, state.as_ref(), welcome_code.as_ref());
            Some(envelope(callback, occurred_at, &added))
        }
        Contact::HalfAdded { user_id, external_user_id, state, welcome_code } => {
            let added = added(callback, user_id, external_user_id, state.as_ref(), welcome_code.as_ref());
            Some(envelope(callback, occurred_at, &ContactAdded { half: true, ..added }))
        }
        Contact::DeletedByMember { user_id, external_user_id, source } => {
            let by = match source {
                Some(DeleteSource::Transfer) => RemovedBy::Transfer,
                _ => RemovedBy::Member,
            };
            Some(envelope(callback, occurred_at, &removed(callback, user_id, external_user_id, by)))
        }
        Contact::DeletedByCustomer { user_id, external_user_id } => {
            let removed = removed(callback, user_id, external_user_id, RemovedBy::Customer);
            Some(envelope(callback, occurred_at, &removed))
        }
        Contact::TransferFailed { user_id, external_user_id, reason } => {
            let failed = transfer_failed(callback, user_id, external_user_id, reason.as_ref());
            Some(envelope(callback, occurred_at, &failed))
        }
        _ => None,
    }
}

/// Returns the event of a pressed button. A card without a name is none of ours.
fn clicked(callback: &Taken, event: &event::Event, occurred_at: Timestamp) -> Option<Envelope> {
    let Body::App(App::CardClicked { key, task_id, response_code, .. }) = &event.body else { return None };
    let clicked = CardClicked {
        corp_id: callback.corp.to_string(),
        app: callback.app.clone(),
        user_id: event.member()?.as_str().to_owned(),
        task_id: task_id.clone().filter(|task_id| !task_id.is_empty())?,
        button_key: key.clone().unwrap_or_default(),
        response_code: response_code.clone(),
    };
    Some(envelope(callback, occurred_at, &clicked))
}

/// Returns the event of a member's new id: a fact that cannot be read afterwards.
fn renamed(callback: &Taken, body: &Body, occurred_at: Timestamp) -> Option<Envelope> {
    let (corp, former, new) = new_id(callback, body)?;
    let renamed = MemberRenamed {
        corp_id: corp.to_string(),
        user_id: new.as_str().to_owned(),
        former_user_id: former.as_str().to_owned(),
    };
    Some(envelope(callback, occurred_at, &renamed))
}

fn added(
    callback: &Taken,
    user_id: &WecomUserId,
    external_user_id: &ExternalUserId,
    state: Option<&String>,
    welcome_code: Option<&String>,
) -> ContactAdded {
    ContactAdded {
        corp_id: callback.corp.to_string(),
        app: callback.app.clone(),
        user_id: user_id.as_str().to_owned(),
        external_user_id: external_user_id.as_str().to_owned(),
        state: state.cloned().unwrap_or_default(),
        welcome_code: welcome_code.cloned().unwrap_or_default(),
        half: false,
    }
}

fn removed(
    callback: &Taken,
    user_id: &WecomUserId,
    external_user_id: &ExternalUserId,
    by: RemovedBy,
) -> ContactRemoved {
    ContactRemoved {
        corp_id: callback.corp.to_string(),
        app: callback.app.clone(),
        user_id: user_id.as_str().to_owned(),
        external_user_id: external_user_id.as_str().to_owned(),
        by: by.into(),
    }
}

fn transfer_failed(
    callback: &Taken,
    user_id: &WecomUserId,
    external_user_id: &ExternalUserId,
    reason: Option<&FailReason>,
) -> TransferFailed {
    let reason = match reason {
        Some(FailReason::CustomerRefused) => "customer_refused",
        Some(FailReason::LimitExceeded) => "customer_limit_exceed",
        Some(FailReason::Other(word)) => word,
        None => "",
    };
    TransferFailed {
        corp_id: callback.corp.to_string(),
        app: callback.app.clone(),
        user_id: user_id.as_str().to_owned(),
        external_user_id: external_user_id.as_str().to_owned(),
        reason: reason.to_owned(),
    }
}

fn envelope<E: Event>(callback: &Taken, occurred_at: Timestamp, event: &E) -> Envelope {
    let original = MessageId::of_hash(&callback.hash);
    Envelope {
        message_id: callback.replay_id.unwrap_or(original),
        kind: E::KIND.to_owned(),
        corp: callback.corp,
        key: event.key().to_owned(),
        occurred_at,
        received_at: Some(callback.received_at),
        received_seq: Some(callback.seq),
        traceparent: callback.traceparent.clone(),
        replay_of: callback.replay_id.map(|_| original),
        attempt: 0,
        body: event.encode_to_vec().into(),
    }
}
