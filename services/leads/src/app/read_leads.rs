//! Reading leads.

use scrm_kernel::{Cursor, ExternalUserId, LeadId, Page, PageRequest, Scope};

use super::{App, Error};
use crate::domain::lead::Lead;
use crate::store;

impl App {
    /// Lists the leads that `scope` sees, newest first.
    pub async fn leads(
        &self,
        scope: &Scope,
        person: Option<&ExternalUserId>,
        page: &PageRequest,
    ) -> Result<Page<Lead>, Error> {
        let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
        Ok(store::lead::list(self.db.reader(), scope, person, page, before).await?)
    }

    /// Returns one lead.
    pub async fn lead(&self, scope: &Scope, id: LeadId) -> Result<Lead, Error> {
        store::lead::find(self.db.reader(), scope, id).await?.ok_or(Error::LeadNotFound(id))
    }
}
