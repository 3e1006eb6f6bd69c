//! Reading leads.

use scrm_kernel::{Cursor, ExternalUserId, LeadId, Page, PageRequest, Phone, Scope};

use super::{App, Error};
use crate::domain::lead::Lead;
use crate::store;

/// Kind of the blind index of phones, as ingest makes it.
const PHONE_INDEX: &str = "phone";

/// Which leads are asked for; all of them when nothing is said.
#[derive(Debug, Clone, Default)]
pub struct LeadFilter {
    /// The lead of this customer.
    pub person: Option<ExternalUserId>,
    /// Leads of whoever has this phone.
    pub phone: Option<Phone>,
    /// Leads of this source.
    pub source: Option<String>,
}

impl App {
    /// Lists the leads that `scope` sees, newest first.
    pub async fn leads(
        &self,
        scope: &Scope,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Result<Page<Lead>, Error> {
        let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
        let index = |phone: &Phone| self.keys.blind_index(scope.corp, PHONE_INDEX, phone.as_str());
        let wanted = store::lead::Wanted {
            person: filter.person.as_ref(),
            phone: filter.phone.as_ref().map(index),
            source: filter.source.as_deref(),
        };
        Ok(store::lead::list(self.db.reader(), scope, &wanted, page, before).await?)
    }

    /// Returns one lead.
    pub async fn lead(&self, scope: &Scope, id: LeadId) -> Result<Lead, Error> {
        store::lead::find(self.db.reader(), scope, id).await?.ok_or(Error::LeadNotFound(id))
    }
}
