//! Reading the cards about a lead.

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{LeadId, Timestamp};

use super::{App, Error};
use crate::domain::card::Card;
use crate::domain::sending::State;
use crate::store;
use crate::store::card_minute::Key;

/// A card as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardView {
    /// The card.
    pub card: Card,
    /// What became of the message that tells of the lead together with others, and since when.
    pub together: Option<(State, Option<Timestamp>)>,
}

impl App {
    /// Lists the cards about a lead, in the order of its assignments.
    pub async fn cards(&self, actor: &Actor, id: LeadId) -> Result<Vec<CardView>, Error> {
        let scope = &actor.scope(Action::ReadLeads)?;
        let lead = store::lead::find(self.db.reader(), scope, id).await?.ok_or(Error::LeadNotFound(id))?;
        let mut views = Vec::new();
        for card in store::card::about(self.db.reader(), &self.keys, lead.corp, lead.id).await? {
            let together = match card.gathered_in {
                Some(minute) => {
                    let key = Key { corp: card.corp, user: card.user.clone(), minute };
                    store::card_minute::find(self.db.reader(), &self.keys, &key).await?
                }
                None => None,
            };
            let together = together.map(|minute| (minute.progress.state, minute.settled_at));
            views.push(CardView { card, together });
        }
        Ok(views)
    }
}
