//! Reading the enterprise's tags.

use scrm_kernel::access::{Action, Actor};

use super::{App, Error, Group};
use crate::store;

impl App {
    /// Lists all groups with their tags, in WeCom's order.
    pub async fn tag_groups(&self, actor: &Actor) -> Result<Vec<Group>, Error> {
        let corp = actor.allow(Action::ReadTags)?;
        Ok(store::tag::groups(self.db.reader(), corp).await?)
    }
}
