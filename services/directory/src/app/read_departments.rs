//! Reading departments.

use scrm_kernel::CorpId;

use super::{App, Error};
use crate::domain::department::Known;
use crate::store;

impl App {
    /// Returns the departments that are there, by number.
    pub async fn departments(&self, corp: CorpId) -> Result<Vec<Known>, Error> {
        let all = store::department::all(self.db.reader(), corp).await?;
        Ok(all.into_iter().filter(|known| !known.is_removed).collect())
    }
}
