//! How a channel is kept in columns.

use scrm_kernel::{Hours, WecomUserId};
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::channel::{Place, Plan, Shortfall, Week};
use crate::domain::channel_draft::Settings;
use crate::domain::channel_sync::{Channel, State, Way, WaySync};
use crate::store::entity::channel::Model;
use crate::store::entity::channel_staff;

#[derive(Serialize, Deserialize)]
struct WayRow {
    users: Vec<WecomUserId>,
    remark: String,
    skip_verify: bool,
}

fn json_of(way: &Way) -> Result<Value, DbErr> {
    let Way { users, remark, skip_verify } = way.clone();
    serde_json::to_value(WayRow { users, remark, skip_verify })
        .map_err(|error| DbErr::Json(error.to_string()))
}

fn way_of(json: Value) -> Option<Way> {
    let WayRow { users, remark, skip_verify } = serde_json::from_value(json).ok()?;
    Some(Way { users, remark, skip_verify })
}

/// Returns the columns of a channel that is there.
pub(super) fn row_of(channel: &Channel) -> Result<Model, DbErr> {
    let (Settings { name, remark, skip_verify, plan, tags }, sync) = (&channel.settings, &channel.sync);
    Ok(Model {
        id: channel.id,
        corp_id: channel.corp,
        name: name.clone(),
        state: channel.tag.clone(),
        remark: remark.clone(),
        skip_verify: *skip_verify,
        is_on: plan.is_on,
        tags: tags.as_slice().into(),
        backup_user_id: plan.backup.as_ref().map(ToString::to_string),
        version: channel.version,
        shortfall: channel.shortfall.map(|shortfall| shortfall.code().to_owned()),
        config_id: sync.config_id.clone(),
        qr_code: channel.qr_code.clone(),
        sync_state: sync.state.as_str().to_owned(),
        attempt: sync.attempt,
        lease_until: sync.lease_until,
        called_at: sync.called_at,
        unclear_since: sync.unclear_since,
        wanted: json_of(&sync.wanted)?,
        applied: sync.applied.as_ref().map(json_of).transpose()?,
        is_sure: sync.is_sure,
        is_ended: sync.is_ended,
        problem: sync.problem.clone(),
        created_at: channel.created_at,
        updated_at: channel.updated_at,
        gone_at: None,
    })
}

/// Returns the rows of a channel's staff.
pub(super) fn staff_rows(channel: &Channel) -> Vec<channel_staff::Model> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let row = |(position, place): (i32, &Place)| channel_staff::Model {
        corp_id: channel.corp,
        channel_id: channel.id,
        user_key: place.user.folded(),
        user_id: place.user.as_str().to_owned(),
        position,
        weight: number(place.weight),
        daily_cap: place.daily_cap.map(number),
        week: place.week.as_ref().map(|week| week.0.each_ref().map(ToString::to_string).join(";")),
    };
    (0..).zip(&channel.settings.plan.staff).map(row).collect()
}

/// Returns the channel that some columns hold.
pub(super) fn channel_of(row: Model, staff: &[channel_staff::Model]) -> Result<Channel, DbErr> {
    let id = row.id;
    let bad =
        move |column: &str| DbErr::Custom(format!("channel {id}: column {column} holds no valid value"));
    let user = |text: &str, column: &str| WecomUserId::parse(text).map_err(|_| bad(column));
    let shortfall = row.shortfall.as_deref();
    let applied = row.applied.map(|json| way_of(json).ok_or_else(|| bad("applied")));
    let staff = staff.iter().map(|place| place_of(place).ok_or_else(|| bad("staff")));
    let tags = serde_json::from_value(row.tags).map_err(|_| bad("tags"))?;
    let plan = Plan {
        is_on: row.is_on,
        staff: staff.collect::<Result<_, _>>()?,
        backup: row.backup_user_id.as_deref().map(|text| user(text, "backup_user_id")).transpose()?,
    };
    let sync = WaySync {
        state: State::parse(&row.sync_state).ok_or_else(|| bad("sync_state"))?,
        attempt: row.attempt,
        lease_until: row.lease_until,
        called_at: row.called_at,
        config_id: row.config_id,
        unclear_since: row.unclear_since,
        wanted: way_of(row.wanted).ok_or_else(|| bad("wanted"))?,
        applied: applied.transpose()?,
        is_sure: row.is_sure,
        is_ended: row.is_ended,
        problem: row.problem,
    };
    Ok(Channel {
        id,
        corp: row.corp_id,
        tag: row.state,
        settings: Settings { name: row.name, remark: row.remark, skip_verify: row.skip_verify, plan, tags },
        version: row.version,
        shortfall: shortfall
            .map(|code| Shortfall::parse(code).ok_or_else(|| bad("shortfall")))
            .transpose()?,
        sync,
        qr_code: row.qr_code,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn place_of(row: &channel_staff::Model) -> Option<Place> {
    let week = row.week.as_deref().map(|text| {
        let days: Result<Vec<Hours>, _> = text.split(';').map(str::parse).collect();
        days.ok()?.try_into().ok().map(Week)
    });
    let daily_cap = row.daily_cap.map(u32::try_from).transpose().ok()?;
    Some(Place {
        user: WecomUserId::parse(&row.user_id).ok()?,
        weight: u32::try_from(row.weight).ok()?,
        daily_cap,
        week: match week {
            Some(week) => Some(week?),
            None => None,
        },
    })
}
