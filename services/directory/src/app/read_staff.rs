//! Reading who works here.

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{Cursor, Page, PageRequest, StaffId};

use super::{App, Error};
use crate::domain::department;
use crate::domain::staff::{Member, State};
use crate::store;

/// Which members are asked for; all of them when nothing is said.
#[derive(Debug, Clone, Default)]
pub struct StaffFilter {
    /// Who stands so.
    pub state: Option<State>,
    /// Who belongs to this department or to one below it.
    pub department: Option<i64>,
    /// Whose name, alias or id has this in it.
    pub text: Option<String>,
}

impl App {
    /// Lists the members that `scope` sees, in the order in which they were entered.
    pub async fn staff(
        &self,
        actor: &Actor,
        filter: &StaffFilter,
        page: &PageRequest,
    ) -> Result<Page<Member>, Error> {
        let scope = &actor.scope(Action::ReadStaff)?;
        let after = page.cursor.as_ref().map(Cursor::key).transpose()?;
        let departments = match filter.department {
            Some(top) => {
                let all = store::department::all(self.db.reader(), scope.corp).await?;
                Some(department::subtree(&all, top))
            }
            None => None,
        };
        let wanted = store::staff::Wanted {
            state: filter.state,
            departments: departments.as_ref(),
            text: filter.text.as_deref(),
        };
        Ok(store::staff::list(self.db.reader(), scope, &wanted, page, after).await?)
    }

    /// Returns one member.
    pub async fn member(&self, actor: &Actor, id: StaffId) -> Result<Member, Error> {
        let scope = &actor.scope(Action::ReadStaff)?;
        store::staff::find(self.db.reader(), scope, id).await?.ok_or(Error::StaffNotFound(id))
    }
}
