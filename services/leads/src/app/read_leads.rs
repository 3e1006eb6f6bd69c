//! Reading leads, with what is known of the customer and of the welcome message.

use std::collections::HashMap;

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{
    CorpId, Cursor, ExternalUserId, LeadId, Page, PageRequest, Phone, Scope, Timestamp, WecomUserId,
};
use sea_orm::ConnectionTrait;

use super::{App, Error};
use crate::domain::lead::Lead;
use crate::domain::staff::Known;
use crate::domain::transfer::Transfer;
use crate::domain::welcome::State;
use crate::store;

/// Kind of the blind index of phones, as ingest makes it.
const PHONE_INDEX: &str = "phone";

/// A lead as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadView {
    /// The lead.
    pub lead: Lead,
    /// The customer's name as WeCom has it; none until the profile was read, empty when WeCom withholds it.
    pub wecom_name: Option<String>,
    /// What became of the owner's welcome message, or, when there is none to send (the lead was given to somebody who did
    /// not meet the person), of the newest one that the person was to get.
    pub welcome: Option<WelcomeView>,
    /// What is known of the owner, who may have had another id when the lead began.
    pub owner: Option<Known>,
    /// When the owner said by the card that they take it up.
    pub followed_up_at: Option<Timestamp>,
    /// The newest transfer of the customer from one member to another in WeCom.
    pub transfer: Option<Transfer>,
}

/// What became of a welcome message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WelcomeView {
    /// How far it has come.
    pub state: State,
    /// When that became certain.
    pub at: Option<Timestamp>,
    /// What went wrong, also with a part of a message that was sent.
    pub problem: Option<String>,
}

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
        actor: &Actor,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Result<Page<LeadView>, Error> {
        let scope = &actor.scope(Action::ReadLeads)?;
        let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
        let index = |phone: &Phone| self.keys.blind_index(scope.corp, PHONE_INDEX, phone.as_str());
        let wanted = store::lead::Wanted {
            person: filter.person.as_ref(),
            phone: filter.phone.as_ref().map(index),
            source: filter.source.as_deref(),
        };
        let Page { items, next_cursor } =
            store::lead::list(self.db.reader(), scope, &wanted, page, before).await?;
        Ok(Page { items: self.views(self.db.reader(), scope.corp, items).await?, next_cursor })
    }

    /// Returns one lead.
    pub async fn lead(&self, actor: &Actor, id: LeadId) -> Result<LeadView, Error> {
        let scope = &actor.scope(Action::ReadLeads)?;
        self.lead_in(self.db.reader(), scope, id).await
    }

    pub(super) async fn lead_in(
        &self,
        connection: &impl ConnectionTrait,
        scope: &Scope,
        id: LeadId,
    ) -> Result<LeadView, Error> {
        let lead = store::lead::find(connection, scope, id).await?.ok_or(Error::LeadNotFound(id))?;
        self.views(connection, scope.corp, vec![lead]).await?.pop().ok_or(Error::LeadNotFound(id))
    }

    async fn views(
        &self,
        connection: &impl ConnectionTrait,
        corp: CorpId,
        leads: Vec<Lead>,
    ) -> Result<Vec<LeadView>, Error> {
        if leads.is_empty() {
            return Ok(Vec::new());
        }
        let people = || leads.iter().filter_map(|lead| lead.person.as_ref());
        let names = store::person::names(connection, corp, people()).await?;
        let welcomes = store::welcome::to_people(connection, corp, people()).await?;
        // Of a relation the newest comes last and stays.
        let mut of_relation: HashMap<(String, String), WelcomeView> = HashMap::new();
        let mut of_person: HashMap<String, WelcomeView> = HashMap::new();
        for known in welcomes {
            let store::welcome::Known { person, user_key, state, at, problem } = known;
            let welcome = WelcomeView { state, at, problem };
            of_person.insert(person.clone(), welcome.clone());
            of_relation.insert((person, user_key), welcome);
        }
        let ids = || leads.iter().map(|lead| lead.id);
        let taken_up = store::acknowledgement::of_leads(connection, corp, ids()).await?;
        let mut transfers = store::transfer::newest_of(connection, &self.keys, corp, ids()).await?;
        let owners = leads.iter().filter_map(Lead::owner).map(WecomUserId::folded);
        let staff = store::staff::known(connection, corp, owners).await?;
        let view = |lead: Lead| {
            let person = lead.person.as_ref().map(ExternalUserId::as_str);
            let owner = lead.owner().map(WecomUserId::folded);
            let relation = person.map(str::to_owned).zip(owner.clone());
            let owners_own = relation.and_then(|relation| of_relation.get(&relation));
            LeadView {
                owner: owner.as_ref().and_then(|owner| staff.get(owner)).cloned(),
                followed_up_at: owner.and_then(|owner| taken_up.get(&(lead.id, owner))).copied(),
                wecom_name: lead.person.as_ref().and_then(|person| names.get(person)).cloned(),
                welcome: owners_own.or_else(|| of_person.get(person?)).cloned(),
                transfer: transfers.remove(&lead.id),
                lead,
            }
        };
        Ok(leads.into_iter().map(view).collect())
    }
}
