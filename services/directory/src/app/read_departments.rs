//! Reading departments.

use scrm_kernel::access::{Action, Actor};

use super::{App, Error};
use crate::domain::department::Known;
use crate::store;

impl App {
    /// Returns the departments that are there, by number.
    pub async fn departments(&self, actor: &Actor) -> Result<Vec<Known>, Error> {
        let corp = actor.allow(Action::ReadStaff)?;
        let all = store::department::all(self.db.reader(), corp).await?;
        Ok(all.into_iter().filter(|known| !known.is_removed).collect())
    }
}
