//! What arrived, without the bodies.

use scrm_kernel::{CorpId, Page, PageRequest};

use super::{App, Error};
use crate::domain::callback::{Callback, State};
use crate::store;

impl App {
    /// Lists the callbacks of an enterprise, newest first.
    pub async fn callbacks(
        &self,
        corp: CorpId,
        state: Option<State>,
        page: &PageRequest,
    ) -> Result<Page<Callback>, Error> {
        let before = page.cursor.as_ref().map(scrm_kernel::Cursor::key).transpose()?;
        Ok(store::callback::list(self.db.reader(), corp, state, page, before).await?)
    }
}
