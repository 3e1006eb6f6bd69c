//! Business calendars: when an enterprise works. Others are told of every change.

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CalendarId, CorpId};
use scrm_proto::directory::v1::{CalendarChanged, CalendarDay};
use sea_orm::DbErr;

use super::{App, Error};
use crate::domain::calendar::{Calendar, Draft};
use crate::store;

impl App {
    /// Returns the calendars of the enterprise. Who looks for the first time finds the usual one.
    pub async fn calendars(&self, actor: &Actor) -> Result<Vec<Calendar>, Error> {
        let corp = actor.allow(Action::ReadCalendars)?;
        let known = store::calendar::all(self.db.reader(), corp).await?;
        if !known.is_empty() {
            return Ok(known);
        }
        let txn = self.db.begin().await?;
        store::roster::lock(&txn, corp).await?;
        ensure_one(&txn, corp).await?;
        let calendars = store::calendar::all(&txn, corp).await?;
        txn.commit().await?;
        Ok(calendars)
    }

    /// Returns one calendar.
    pub async fn calendar(&self, actor: &Actor, id: CalendarId) -> Result<Calendar, Error> {
        let corp = actor.allow(Action::ReadCalendars)?;
        let found = store::calendar::find(self.db.reader(), corp, id).await?;
        found.ok_or(Error::CalendarNotFound(id))
    }

    /// Makes a calendar; the first one of an enterprise is its default.
    pub async fn create_calendar(&self, actor: &Actor, draft: Draft) -> Result<Calendar, Error> {
        let corp = actor.allow(Action::ManageCalendars)?;
        let draft = checked(draft)?;
        let txn = self.db.begin().await?;
        store::roster::lock(&txn, corp).await?;
        ensure_one(&txn, corp).await?;
        let calendar = Calendar { id: CalendarId::mint(txn.now()), version: 1, is_default: false, draft };
        store::calendar::insert(&txn, corp, &calendar).await?;
        tell(&txn, corp, &calendar, false).await?;
        txn.commit().await?;
        noted("create", actor, &calendar);
        Ok(calendar)
    }

    /// Changes a calendar that still is as in `version`.
    pub async fn change_calendar(
        &self,
        actor: &Actor,
        id: CalendarId,
        version: i64,
        draft: Draft,
    ) -> Result<Calendar, Error> {
        let corp = actor.allow(Action::ManageCalendars)?;
        let draft = checked(draft)?;
        let txn = self.db.begin().await?;
        let before = locked(&txn, corp, id, version).await?;
        let calendar = Calendar { version: version + 1, draft, ..before };
        store::calendar::save(&txn, &calendar).await?;
        tell(&txn, corp, &calendar, false).await?;
        txn.commit().await?;
        noted("change", actor, &calendar);
        Ok(calendar)
    }

    /// Makes a calendar that still is as in `version` the one that counts where nothing else is said.
    pub async fn prefer_calendar(
        &self,
        actor: &Actor,
        id: CalendarId,
        version: i64,
    ) -> Result<Calendar, Error> {
        let corp = actor.allow(Action::ManageCalendars)?;
        let txn = self.db.begin().await?;
        let before = locked(&txn, corp, id, version).await?;
        if before.is_default {
            return Ok(before);
        }
        store::calendar::unmark_default(&txn, corp).await?;
        let calendar = Calendar { version: version + 1, is_default: true, ..before };
        store::calendar::save(&txn, &calendar).await?;
        for known in store::calendar::all(&txn, corp).await? {
            tell(&txn, corp, &known, false).await?;
        }
        txn.commit().await?;
        noted("prefer", actor, &calendar);
        Ok(calendar)
    }

    /// Removes a calendar that still is as in `version`; the default one stays.
    pub async fn remove_calendar(&self, actor: &Actor, id: CalendarId, version: i64) -> Result<(), Error> {
        let corp = actor.allow(Action::ManageCalendars)?;
        let txn = self.db.begin().await?;
        let calendar = locked(&txn, corp, id, version).await?;
        if calendar.is_default {
            return Err(Error::DefaultCalendar);
        }
        store::calendar::remove(&txn, corp, id).await?;
        let gone = Calendar { version: version + 1, ..calendar };
        tell(&txn, corp, &gone, true).await?;
        txn.commit().await?;
        noted("remove", actor, &gone);
        Ok(())
    }

    /// Tells once more of calendars whose days come from a table of holidays that this version has replaced.
    pub(crate) async fn renew_holidays(&self) -> Result<(), DbErr> {
        for corp in store::calendar::corps_behind(self.db.reader()).await? {
            let txn = self.db.begin().await?;
            store::roster::lock(&txn, corp).await?;
            for before in store::calendar::behind(&txn, corp).await? {
                let calendar = Calendar { version: before.version + 1, ..before };
                store::calendar::save(&txn, &calendar).await?;
                tell(&txn, corp, &calendar, false).await?;
            }
            txn.commit().await?;
        }
        Ok(())
    }
}

/// Gives an enterprise with a locked roster the usual calendar, if it has none.
pub(super) async fn ensure_one(txn: &Txn, corp: CorpId) -> Result<(), DbErr> {
    if store::calendar::is_there(txn, corp).await? {
        return Ok(());
    }
    let id = CalendarId::mint(txn.now());
    let draft = Draft::of_a_new_enterprise();
    let calendar = Calendar { id, version: 1, is_default: true, draft };
    store::calendar::insert(txn, corp, &calendar).await?;
    tell(txn, corp, &calendar, false).await
}

/// Returns a calendar that still is as in `version`, and locks the roster, in which calendars change.
async fn locked(txn: &Txn, corp: CorpId, id: CalendarId, version: i64) -> Result<Calendar, Error> {
    store::roster::lock(txn, corp).await?;
    let calendar = store::calendar::find(txn, corp, id).await?.ok_or(Error::CalendarNotFound(id))?;
    if calendar.version == version { Ok(calendar) } else { Err(Error::CalendarChanged(calendar.version)) }
}

fn checked(draft: Draft) -> Result<Draft, Error> {
    let problems = draft.problems();
    if problems.is_empty() { Ok(draft) } else { Err(Error::InvalidFields(problems)) }
}

async fn tell(txn: &Txn, corp: CorpId, calendar: &Calendar, removed: bool) -> Result<(), DbErr> {
    let draft = &calendar.draft;
    let day = |(date, day): (_, crate::domain::calendar::Exception)| CalendarDay {
        date: chrono::NaiveDate::to_string(&date),
        hours: day.hours.to_string(),
    };
    let event = CalendarChanged {
        corp_id: corp.to_string(),
        calendar_id: calendar.id.to_string(),
        version: calendar.version,
        name: draft.name.clone(),
        time_zone: draft.zone.name().to_owned(),
        week: draft.week.iter().map(ToString::to_string).collect(),
        days: draft.exceptions().into_iter().map(day).collect(),
        is_default: calendar.is_default,
        removed,
    };
    outbox::put(txn, corp, &Cause::here(txn.now()), &event).await?;
    Ok(())
}

fn noted(what: &'static str, actor: &Actor, calendar: &Calendar) {
    let (corp, by, id) = (actor.corp, actor.subject.as_str(), calendar.id);
    tracing::info!(audit = what, corp.id = %corp, by, calendar.id = %id, "{by}: {what} calendar {id}");
}
