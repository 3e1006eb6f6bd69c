//! To whom a callback belongs.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scrm_db::Db;
use scrm_kernel::{CorpId, WecomCorpId};
use scrm_wecom::event::{Body, Event};
use sea_orm::DbErr;

use crate::store;
use crate::store::callback::Taken;

/// Why a callback to an app belongs to nobody.
const OTHER_CORP: &str = "ToUserName or AuthCorpId names another enterprise than that of the app";

/// Finds it, and keeps what was looked up and never changes.
pub(super) struct Places {
    db: Db,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What WeCom calls enterprises. Once connected, one is called that for ever.
    names: HashMap<CorpId, WecomCorpId>,
    /// Whether an address is a suite's.
    suites: HashMap<String, bool>,
    /// The enterprise here and its app, by suite and by what WeCom calls the enterprise.
    places: HashMap<(String, String), Place>,
}

/// To whom a callback belongs: an enterprise, and as which of its apps it is spoken to.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) corp: CorpId,
    pub(super) app: String,
}

impl Places {
    pub(super) fn in_db(db: Db) -> Self {
        Self { db, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what WeCom calls an enterprise, if it is connected.
    async fn name(&self, corp: CorpId) -> Result<Option<WecomCorpId>, DbErr> {
        let known = self.known().names.get(&corp).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let name = store::corp::find(self.db.reader(), corp).await?.and_then(|corp| corp.wecom_id);
        if let Some(name) = &name {
            self.known().names.insert(corp, name.clone());
        }
        Ok(name)
    }

    /// Reports whether a callback came to a suite, and not to an app.
    pub(super) async fn is_of_suite(&self, callback: &Taken) -> Result<bool, DbErr> {
        let known = self.known().suites.get(&callback.app).copied();
        if let Some(is_suite) = known {
            return Ok(is_suite);
        }
        let is_suite = store::address::is_suite(self.db.reader(), &callback.app).await?;
        self.known().suites.insert(callback.app.clone(), is_suite);
        Ok(is_suite)
    }

    /// Returns to whom an event belongs, or why to nobody.
    pub(super) async fn of(&self, callback: &Taken, event: &Event) -> Result<Result<Place, String>, DbErr> {
        let here = Place { corp: callback.corp, app: callback.app.clone() };
        if !self.is_of_suite(callback).await? {
            let name = self.name(callback.corp).await?;
            let is_other = event.corp.as_deref().zip(name).is_some_and(|(told, name)| told != name.as_str());
            return Ok(if is_other { Err(OTHER_CORP.to_owned()) } else { Ok(here) });
        }
        let Some(corp) = event.corp.clone().filter(|_| !matches!(event.body, Body::Suite(_))) else {
            return Ok(Ok(here)); // It concerns the suite itself.
        };
        let key = (callback.app.clone(), corp);
        let known = self.known().places.get(&key).cloned();
        if let Some(place) = known {
            return Ok(Ok(place));
        }
        let found = store::authorization::place(self.db.reader(), &key.0, &key.1).await?;
        let Some((corp, app)) = found else { return Ok(Err(store::callback::NO_PLACE.to_owned())) };
        let place = Place { corp, app: app.as_str().to_owned() };
        self.known().places.insert(key, place.clone());
        Ok(Ok(place))
    }
}
