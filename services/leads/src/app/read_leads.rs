//! Reading leads, with what is known of the customer and of the welcome message.

use std::collections::HashMap;

use scrm_kernel::{Cursor, ExternalUserId, LeadId, Page, PageRequest, Scope, Timestamp};

use super::{App, Error};
use crate::domain::lead::Lead;
use crate::domain::welcome::State;
use crate::store;

/// A lead as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadView {
    /// The lead.
    pub lead: Lead,
    /// The customer's name; none until the profile was read, empty when WeCom withholds it.
    pub name: Option<String>,
    /// What became of the owner's welcome message, and since when; none when there is none to send.
    pub welcome: Option<(State, Option<Timestamp>)>,
    /// When the owner said by the card that they take it up.
    pub followed_up_at: Option<Timestamp>,
}

impl App {
    /// Lists the leads that `scope` sees, newest first.
    pub async fn leads(
        &self,
        scope: &Scope,
        person: Option<&ExternalUserId>,
        page: &PageRequest,
    ) -> Result<Page<LeadView>, Error> {
        let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
        let Page { items, next_cursor } =
            store::lead::list(self.db.reader(), scope, person, page, before).await?;
        Ok(Page { items: self.views(scope, items).await?, next_cursor })
    }

    /// Returns one lead.
    pub async fn lead(&self, scope: &Scope, id: LeadId) -> Result<LeadView, Error> {
        let lead = store::lead::find(self.db.reader(), scope, id).await?.ok_or(Error::LeadNotFound(id))?;
        self.views(scope, vec![lead]).await?.pop().ok_or(Error::LeadNotFound(id))
    }

    async fn views(&self, scope: &Scope, leads: Vec<Lead>) -> Result<Vec<LeadView>, Error> {
        let people = || leads.iter().map(|lead| &lead.person);
        let mut names = store::person::names(self.db.reader(), scope.corp, people()).await?;
        let welcomes = store::welcome::to_people(self.db.reader(), scope.corp, people()).await?;
        // Of a relation the newest comes last and stays.
        let mut of_relation: HashMap<(String, String), (State, Option<Timestamp>)> = HashMap::new();
        for known in welcomes {
            of_relation.insert((known.person, known.user_key), (known.state, known.at));
        }
        let ids = leads.iter().map(|lead| lead.id);
        let mut taken_up = store::acknowledgement::of_leads(self.db.reader(), scope.corp, ids).await?;
        let view = |lead: Lead| LeadView {
            followed_up_at: taken_up.remove(&(lead.id, lead.owner.user.folded())),
            name: names.remove(lead.person.as_str()),
            welcome: of_relation.remove(&(lead.person.as_str().to_owned(), lead.owner.user.folded())),
            lead,
        };
        Ok(leads.into_iter().map(view).collect())
    }
}
