//! `POST /_control/events`: events on request, once or often, late, in any order.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use scrm_kernel::Lifecycle;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Failure;
use super::deeds::Deed;
use super::input::{self, BadInput, Fields};
use crate::app::THIRD_PARTY;
use crate::delivery::{Delivery, Errand};
use crate::event::{Event, Message};
use crate::record::locked;
use crate::sandbox::Sandbox;
use crate::state::DEALS;

/// Most copies of one event.
const MOST_TIMES: u64 = 100_000;
/// Most copies that one request sends.
const MOST_COPIES: u64 = 200_000;
/// The longest delay, in milliseconds: an hour.
const MOST_DELAY_MS: u64 = 3_600_000;

/// Change types by the event they belong to, where the word alone is clear. `create`, `update`, `delete`, `dismiss`
/// and `shuffle` are not: groups and tags both use some of them.
const CHANGE_TYPES: &[(&str, &[&str])] = &[
    (
        "change_external_contact",
        &[
            "add_external_contact",
            "add_half_external_contact",
            "edit_external_contact",
            "del_external_contact",
            "del_follow_user",
            "transfer_fail",
            "msg_audit_approved",
        ],
    ),
    (
        "change_contact",
        &[
            "create_user",
            "update_user",
            "delete_user",
            "create_party",
            "update_party",
            "delete_party",
            "update_tag",
        ],
    ),
    (
        "customer_acquisition",
        &[
            "balance_low",
            "balance_exhausted",
            "balance_increased",
            "quota_expire_soon",
            "link_unavailable",
            "delete_link",
            "friend_request",
            "open_profile",
            "customer_start_chat",
            "message_from_customer",
        ],
    ),
];
const UNCLEAR: &[&str] = &["create", "update", "delete", "dismiss", "shuffle"];

/// One object of the request.
struct Order {
    app: String,
    what: What,
    /// Whether a suite is told as an app of the company is.
    is_data: bool,
    /// Whether the state is to become what the event says.
    is_believed: bool,
    times: u64,
    delay: Duration,
    shuffle: bool,
}

impl Order {
    /// Lets an event reach the app in the way that is wanted.
    fn addressed(&self, event: Event) -> Event {
        if self.is_data { event.as_data() } else { event }
    }
}

/// What to tell.
enum What {
    /// An event as it was given, the same every time.
    Event(Event),
    /// What a suite is told about itself, once for every time.
    Deal(Event),
    /// What somebody does, once for every time.
    Deed(Deed),
}

/// One copy to be sent, and its place in the answer.
struct Copy {
    place: usize,
    delay: Duration,
    message: Message,
}

/// Sends what is asked for and answers when all is delivered or given up.
pub(super) async fn send(body: Bytes, sandbox: Data<Sandbox>) -> Result<HttpResponse, Failure> {
    let body = input::json(&body)?;
    let orders = match &body {
        Value::Array(items) => {
            let item = |(i, item)| order(&sandbox, item, &format!("events[{i}]"));
            items.iter().enumerate().map(item).collect::<Result<Vec<Order>, _>>()?
        }
        single => vec![order(&sandbox, single, "")?],
    };
    let shuffled = orders.iter().any(|order| order.shuffle);
    let copies = copies(&sandbox, orders).await?;
    // Goes on even if the caller hangs up.
    let sending = tokio::spawn(Sandbox::clone(&sandbox).send_all(copies, shuffled));
    let deliveries = sending.await.map_err(|_| Failure::Stopped)?;
    Ok(HttpResponse::Ok().json(json!({ "deliveries": deliveries })))
}

async fn copies(sandbox: &Sandbox, orders: Vec<Order>) -> Result<Vec<Copy>, Failure> {
    let wanted: u64 = orders.iter().map(|order| order.times).sum();
    if wanted > MOST_COPIES {
        return Err(BadInput::new("times", format!("make more than {MOST_COPIES} deliveries")).into());
    }
    let mut copies = Vec::new();
    for order in orders {
        let mut messages = Vec::new();
        match &order.what {
            What::Event(event) => {
                let message = sandbox.message(&order.addressed(event.clone()))?;
                if order.is_believed {
                    sandbox.believe(event);
                }
                messages.extend((0..order.times).map(|_| message.clone()));
            }
            What::Deal(event) => {
                for _ in 0..order.times {
                    messages.push(sandbox.message(&sandbox.dealt(event.clone())?)?);
                }
            }
            What::Deed(deed) => {
                for _ in 0..order.times {
                    let event = deed.done(sandbox, &order.app).await?;
                    messages.push(sandbox.told(&order.addressed(event))?);
                }
            }
        }
        for message in messages {
            copies.push(Copy { place: copies.len(), delay: order.delay, message });
        }
    }
    Ok(copies)
}

impl Sandbox {
    /// Makes true what an event says.
    pub(crate) fn believe(&self, event: &Event) {
        let now = self.shared.clock.now().timestamp_millis();
        locked(self.corp(&self.shared.company.corp_id)).believe(event, now);
    }

    /// Sends copies: in their order, or all at once in random order. Delays count from now.
    async fn send_all(self, mut copies: Vec<Copy>, shuffled: bool) -> Vec<Delivery> {
        if shuffled {
            locked(&self.shared.chance).shuffle(&mut copies);
        }
        // Who is to be late must not hold up the others.
        copies.sort_by_key(|copy| copy.delay);
        let begun = self.shared.clock.now();
        let mut sending: Vec<(usize, JoinHandle<Delivery>)> = Vec::with_capacity(copies.len());
        for Copy { place, delay, message } in copies {
            if !delay.is_zero() {
                self.shared.clock.sleep_until(begun + delay).await;
            }
            let (first_attempt, ended) = oneshot::channel();
            let errand =
                Errand { lifecycle: Lifecycle::new(), permit: None, first_attempt: Some(first_attempt) };
            let sandbox = self.clone();
            sending.push((place, tokio::spawn(async move { sandbox.send(message, errand).await })));
            if !shuffled {
                // The channel closes when the first attempt has ended; retries do not hold up the next event.
                ended.await.ok();
            }
        }
        sending.sort_by_key(|(place, _)| *place);
        let mut deliveries = Vec::with_capacity(sending.len());
        for (_, delivery) in sending {
            deliveries.extend(delivery.await);
        }
        deliveries
    }
}

/// Reads an order; nothing happens unless all of them can be carried out.
fn order(sandbox: &Sandbox, item: &Value, path: &str) -> Result<Order, Failure> {
    let fields = Fields::of(item, path)?;
    fields.only(&["app", "as", "type", "fields", "xml", "times", "delay_ms", "shuffle", "keep_state"])?;
    let app = fields.text("app")?.ok_or_else(|| fields.missing("app"))?;
    let is_believed = !fields.flag("keep_state")?;
    let order = Order {
        app: app.to_owned(),
        what: match what(app, &fields)? {
            What::Event(event) if is_believed && is_deal(&event) => What::Deal(event),
            what => what,
        },
        is_data: is_data(&fields)?,
        is_believed,
        times: fields.number("times", 1..=MOST_TIMES, 1)?,
        delay: Duration::from_millis(fields.number("delay_ms", 0..=MOST_DELAY_MS, 0)?),
        shuffle: fields.flag("shuffle")?,
    };
    let sender = sandbox.sender(app)?;
    let is_deal = matches!(order.what, What::Deal(_));
    if is_deal && !sender.is_suite() {
        return Err(fields.bad("type", "is only told to suites").into());
    }
    if order.is_data && sender.shown.kind != THIRD_PARTY {
        return Err(fields.bad("as", "is for suites of kind third_party").into());
    }
    if order.is_data && is_deal {
        return Err(fields.bad("as", "is not for what a suite is told about itself").into());
    }
    Ok(order)
}

/// Reads what is to be told.
fn what(app: &str, order: &Fields<'_>) -> Result<What, BadInput> {
    match (order.text("type")?, order.text("xml")?) {
        (_, Some(_)) if order.object("fields")?.is_some() => {
            Err(order.bad("xml", "and fields exclude each other"))
        }
        (_, Some(xml)) => Ok(What::Event(Event::raw(app, xml))),
        (Some(kind), None) => match Deed::parse(kind, order)? {
            Some(deed) => Ok(What::Deed(deed)),
            None => Ok(What::Event(described(app, kind, order)?)),
        },
        (None, None) => Err(order.missing("type")),
    }
}

/// Says whether an event tells a suite about itself.
fn is_deal(event: &Event) -> bool {
    event.kind().is_some_and(|(name, change_type)| change_type.is_none() && DEALS.contains(&name))
}

/// Says whether a suite is to be told as an app of the company is (数据回调).
fn is_data(order: &Fields<'_>) -> Result<bool, BadInput> {
    match order.text("as")? {
        None => Ok(false),
        Some("data") => Ok(true),
        Some(_) => Err(order.bad("as", "must be data")),
    }
}

/// Reads an event that is given by its type and fields.
fn described(app: &str, kind: &str, order: &Fields<'_>) -> Result<Event, BadInput> {
    let (name, change_type) = match kind.split_once('/') {
        Some((name, change_type)) => (name, Some(change_type)),
        None if UNCLEAR.contains(&kind) => {
            let message = format!("must name its event too, for instance change_external_tag/{kind}");
            return Err(order.bad("type", message));
        }
        None => match CHANGE_TYPES.iter().find(|(_, types)| types.contains(&kind)) {
            Some((name, _)) => (*name, Some(kind)),
            None => (kind, None),
        },
    };
    if !is_word(name) || !change_type.is_none_or(is_word) {
        let message =
            "must be an event, a change type, or both as event/change_type, of letters, digits and _";
        return Err(order.bad("type", message));
    }
    let mut event = Event::new(app, name, change_type);
    if let Some(fields) = order.object("fields")? {
        for (element, value) in fields.members() {
            writable(&fields, element, value)?;
            event = event.field(element, value.clone());
        }
    }
    Ok(event)
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Checks that an element and everything below it can stand in XML.
fn writable(fields: &Fields<'_>, element: &str, value: &Value) -> Result<(), BadInput> {
    if !is_word(element) || element.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(fields.bad(element, "is not the name of an element"));
    }
    match value {
        Value::String(text) if text.contains(is_no_xml) => {
            Err(fields.bad(element, "holds a character that XML does not allow; use xml to send it"))
        }
        Value::Array(values) => values.iter().try_for_each(|value| writable(fields, element, value)),
        Value::Object(members) => {
            let below = Fields::of(value, &fields.bad(element, "").field)?;
            members.iter().try_for_each(|(element, value)| writable(&below, element, value))
        }
        _ => Ok(()),
    }
}

fn is_no_xml(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}
