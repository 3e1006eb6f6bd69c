//! What people can be made to do: a customer scans a code, a member presses a button.

use serde_json::Value;

use super::Failure;
use super::input::{BadInput, Fields};
use crate::event::Event;
use crate::record::locked;
use crate::sandbox::Sandbox;
use crate::state::Through;

/// Something that somebody does, and that WeCom then tells about.
pub(super) enum Deed {
    /// A customer, the next one or a given one, scans a code.
    Scan { path: String, through: Through, customer: Option<String> },
    /// A member presses a button of the newest card that fits.
    Press {
        path: String,
        task_id: Option<String>,
        msgid: Option<String>,
        user_id: Option<String>,
        key: Option<String>,
    },
}

impl Deed {
    /// Reads the fields of a scan or a press; `None` if `kind` is neither.
    pub(super) fn parse(kind: &str, order: &Fields<'_>) -> Result<Option<Self>, BadInput> {
        if !matches!(kind, "scan" | "click") {
            return Ok(None);
        }
        let fields = order.object("fields")?.ok_or_else(|| order.missing("fields"))?;
        let text = |name: &str| Ok::<_, BadInput>(fields.text(name)?.map(str::to_owned));
        let path = order.bad("fields", "").field;
        if kind == "click" {
            fields.only(&["task_id", "msgid", "user_id", "key"])?;
            let (task_id, msgid) = (text("task_id")?, text("msgid")?);
            return Ok(Some(Self::Press {
                path,
                task_id,
                msgid,
                user_id: text("user_id")?,
                key: text("key")?,
            }));
        }
        fields.only(&["config_id", "state", "external_user_id"])?;
        let through = match (text("config_id")?, text("state")?) {
            (Some(_), Some(_)) => return Err(fields.bad("state", "and config_id exclude each other")),
            (Some(config_id), None) => Through::Way(config_id),
            (None, Some(state)) => Through::State(state),
            (None, None) => return Err(fields.missing("config_id")),
        };
        Ok(Some(Self::Scan { path, through, customer: text("external_user_id")? }))
    }

    /// Does it, and returns what WeCom tells `app` about it.
    pub(super) async fn done(&self, sandbox: &Sandbox, app: &str) -> Result<Event, Failure> {
        match self {
            Self::Scan { path, through, customer } => {
                sandbox.sender(app)?;
                let event = sandbox.scan(app, customer.as_deref(), through).await?;
                let field = match through {
                    Through::State(_) => "state",
                    _ => "config_id",
                };
                let nobody = || BadInput::new(format!("{path}.{field}"), "leads to no member");
                Ok(event.ok_or_else(nobody)?)
            }
            Self::Press { .. } => self.pressed(sandbox, app),
        }
    }

    fn pressed(&self, sandbox: &Sandbox, app: &str) -> Result<Event, Failure> {
        let Self::Press { path, task_id, msgid, user_id, key } = self else {
            return Err(BadInput::new("type", "is not click").into());
        };
        let sender = sandbox.sender(app)?;
        let now = sandbox.shared.clock.now().timestamp_millis();
        let corp = &mut locked(sandbox.corp(&sender.installed.corp_id));
        let is_user =
            |known: &&String| user_id.as_ref().is_none_or(|user_id| known.eq_ignore_ascii_case(user_id));
        let card = corp.cards.newest(|card| {
            card.app == app
                && task_id.as_ref().is_none_or(|task_id| card.text("task_id") == task_id)
                && msgid.as_ref().is_none_or(|msgid| &card.msgid == msgid)
                && card.users.iter().any(|known| is_user(&known))
        });
        let card = card.ok_or_else(|| BadInput::new(path, "fit no card that was sent"))?.clone();
        let keys = || {
            let buttons = card.content.get("button_list").and_then(Value::as_array).into_iter().flatten();
            buttons.filter_map(|button| button.get("key")?.as_str())
        };
        let pressed = match key {
            Some(key) => keys().find(|known| known == key),
            None => keys().next(),
        };
        let no_button = || BadInput::new(format!("{path}.key"), "is not a button of the card");
        let pressed = pressed.ok_or_else(no_button)?.to_owned();
        let member = card.users.iter().find(is_user).cloned().unwrap_or_default();
        let response_code = corp.card_code(&card.msgid, now);
        Ok(Event::new(app, "template_card_event", None)
            .field("FromUserName", member)
            .field("EventKey", pressed)
            .field("TaskId", card.text("task_id"))
            .field("CardType", card.text("card_type"))
            .field("ResponseCode", response_code)
            .field("AgentID", card.agent_id))
    }
}
