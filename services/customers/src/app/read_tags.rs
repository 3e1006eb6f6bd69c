//! Reading the enterprise's tags.

use scrm_kernel::CorpId;

use super::{App, Error, Group};
use crate::store;

impl App {
    /// Lists all groups with their tags, in WeCom's order.
    pub async fn tag_groups(&self, corp: CorpId) -> Result<Vec<Group>, Error> {
        Ok(store::tag::groups(self.db.reader(), corp).await?)
    }
}
