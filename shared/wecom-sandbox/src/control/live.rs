//! What a watcher asks for again and again: the company as it is now, and what is new since the last time.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::record::{CallbackRecord, locked};
use crate::sandbox::Sandbox;
use crate::state::{Corp, Relation, Standing};

/// Entries of each list in one answer, by default and at most.
const ENTRIES: usize = 60;
const MOST_ENTRIES: usize = 500;
/// How many contact ways are shown, the newest.
const MOST_WAYS: usize = 50;

/// What the watcher has seen.
#[derive(Deserialize)]
pub(super) struct Seen {
    /// `run` of the answer before; what was seen in another one does not count.
    run: Option<String>,
    /// How many callbacks.
    #[serde(default)]
    callbacks: usize,
    /// How many calls.
    #[serde(default)]
    calls: usize,
    /// `changes` of the messages.
    #[serde(default)]
    messages: u64,
    /// How many entries of each list the watcher wants at most.
    most: Option<usize>,
}

/// Answers what is new: of each list the newest entries that the watcher has not seen, the oldest first.
pub(super) async fn news(seen: Query<Seen>, sandbox: Data<Sandbox>) -> HttpResponse {
    let Seen { run, callbacks, calls, messages, most } = seen.into_inner();
    let most = most.unwrap_or(ENTRIES).min(MOST_ENTRIES);
    let is_same = run.as_deref() == Some(sandbox.shared.run.as_str());
    let begin = |seen: usize, end: usize| {
        let seen = if is_same { seen.min(end) } else { 0 };
        seen.max(end.saturating_sub(most))
    };

    let log = &sandbox.shared.callbacks;
    let end = log.kept().len();
    let first_callback = begin(callbacks, end);
    let mut new_callbacks: Vec<CallbackRecord> = Vec::new();
    log.kept().each(first_callback, end, most, |position, kept| {
        new_callbacks.push(log.shown(&sandbox.shared.company, position, kept));
    });

    let end = sandbox.shared.calls.len();
    let first_call = begin(calls, end);
    let mut new_calls: Vec<Box<RawValue>> = Vec::new();
    sandbox.shared.calls.each(first_call, end, most, |line| new_calls.extend(serde_json::from_slice(line)));

    let counters = counters(&sandbox);
    let corp = locked(sandbox.corp(&sandbox.company().corp_id));
    let changes = corp.phones.changes;
    let are_new = !is_same || changes != messages;
    let new_messages: Option<Vec<_>> = are_new.then(|| corp.phones.newest(most).collect());
    HttpResponse::Ok().json(json!({
        "run": sandbox.shared.run,
        "counters": counters,
        "callbacks": { "first": first_callback, "items": new_callbacks },
        "calls": { "first": first_call, "items": new_calls },
        "messages": { "changes": changes, "items": new_messages },
    }))
}

/// Counts what happened.
pub(super) fn counters(sandbox: &Sandbox) -> Value {
    let (callbacks, calls) = (&sandbox.shared.callbacks, &sandbox.shared.calls);
    let corp = locked(sandbox.corp(&sandbox.company().corp_id));
    json!({
        "acknowledged": callbacks.acknowledged(),
        "given_up": callbacks.given_up(),
        "attempts": callbacks.kept().len(),
        "retried": callbacks.retried(),
        "calls": calls.len(),
        "failed_calls": calls.failed(),
        "customers": corp.relations.customers(),
        "contact_ways": corp.ways.count(),
        "tags": corp.tags.count(),
        "welcomes": corp.phones.welcomes,
        "messages": corp.phones.messages,
        "vanished": corp.phones.vanished,
        "cards": corp.cards.count(),
    })
}

/// Answers what the company is like now, whatever its script says.
pub(super) async fn corp(sandbox: Data<Sandbox>) -> HttpResponse {
    let company = sandbox.company();
    let corp = &*locked(sandbox.corp(&company.corp_id));
    let members = corp.book.members().map(|member| {
        json!({
            "user_id": member.user_id, "name": member.name, "departments": member.departments,
            "position": member.position, "is_leader": member.is_leader,
            "customers": corp.relations.friends(&member.user_id),
        })
    });
    let groups = corp.tags.groups.iter().filter(|group| !group.deleted).map(|group| {
        let tags = group.live().map(|tag| json!({ "id": tag.id, "name": tag.name }));
        json!({ "id": group.id, "name": group.name, "tags": tags.collect::<Vec<_>>() })
    });
    let count = corp.ways.count();
    let live = corp.ways.from(0).map(|(_, way)| way).skip(count.saturating_sub(MOST_WAYS));
    let ways = live.map(|way| {
        json!({
            "config_id": way.config_id, "state": way.text("state"), "remark": way.text("remark"),
            "members": way.members(&corp.book), "customers": way.handed,
        })
    });
    HttpResponse::Ok().json(json!({
        "name": company.name,
        "corp_id": company.corp_id,
        "departments": corp.book.departments,
        "members": members.collect::<Vec<_>>(),
        "channels": company.channels,
        "contact_ways": ways.collect::<Vec<_>>(),
        "tag_groups": groups.collect::<Vec<_>>(),
        "contacts": corp.relations.recent().map(|relation| contact(corp, relation)).collect::<Vec<_>>(),
    }))
}

fn contact(corp: &Corp, relation: &Relation) -> Value {
    let tags = relation.tags.iter().filter_map(|id| corp.tags.find(id)).map(|(_, tag)| tag.name.as_str());
    let standing = match relation.standing {
        Standing::Friends => "friends",
        Standing::LeftByCustomer => "left_by_customer",
        Standing::Over => "over",
    };
    json!({
        "user_id": relation.user_id,
        "external_user_id": relation.external_user_id,
        "customer": corp.company.profile(&relation.external_user_id).name,
        "state": relation.state,
        "standing": standing,
        "created_at": relation.created_at,
        "remark": relation.remark,
        "description": relation.description,
        "tags": tags.collect::<Vec<_>>(),
    })
}
