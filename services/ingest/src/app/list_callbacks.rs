//! What arrived, without the bodies.

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{Page, PageRequest};

use super::{App, Error};
use crate::domain::callback::{Callback, State};
use crate::store;

impl App {
    /// Lists the callbacks of an enterprise, newest first.
    pub async fn callbacks(
        &self,
        actor: &Actor,
        state: Option<State>,
        page: &PageRequest,
    ) -> Result<Page<Callback>, Error> {
        let corp = actor.allow(Action::ReadCallbacks)?;
        let before = page.cursor.as_ref().map(scrm_kernel::Cursor::key).transpose()?;
        Ok(store::callback::list(self.db.reader(), corp, state, page, before).await?)
    }
}
