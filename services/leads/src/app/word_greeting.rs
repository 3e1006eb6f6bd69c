//! What welcome messages say, channel by channel.

use scrm_kernel::{CorpId, FieldError};

use super::{App, Error};
use crate::domain::greeting::{Greeting, Link};
use crate::store;

/// Characters of a channel's `state` at most (WeCom document 92572).
const MOST_CHANNEL: usize = 30;

impl App {
    /// Sets the words for those who come through a channel; without one, for everybody who has no words of their own.
    pub async fn word_greeting(
        &self,
        corp: CorpId,
        channel: Option<&str>,
        text: &str,
        links: Vec<Link>,
    ) -> Result<Greeting, Error> {
        let channel = checked(channel)?;
        let greeting = Greeting::parse(text, links).map_err(|wrong| {
            let fields = wrong.into_iter().map(|bad| FieldError::new(bad.field, bad.problem));
            Error::InvalidFields(fields.collect())
        })?;
        let txn = self.db.begin().await?;
        store::greeting::put(&txn, corp, channel, &greeting, txn.now()).await?;
        txn.commit().await?;
        Ok(greeting)
    }

    /// Removes the words of a channel, or the default ones.
    pub async fn drop_greeting(&self, corp: CorpId, channel: Option<&str>) -> Result<(), Error> {
        let channel = checked(channel)?;
        let txn = self.db.begin().await?;
        if !store::greeting::remove(&txn, corp, channel).await? {
            return Err(Error::GreetingNotFound);
        }
        Ok(txn.commit().await?)
    }

    /// Returns all words, by channel; no channel means the default.
    pub async fn greetings(&self, corp: CorpId) -> Result<Vec<(Option<String>, Greeting)>, Error> {
        let all = store::greeting::all(self.db.reader(), corp).await?;
        let named = |channel: String| Some(channel).filter(|channel| channel != store::greeting::DEFAULT);
        Ok(all.into_iter().map(|(channel, greeting)| (named(channel), greeting)).collect())
    }
}

fn checked(channel: Option<&str>) -> Result<&str, Error> {
    let Some(channel) = channel else { return Ok(store::greeting::DEFAULT) };
    let fits =
        !channel.trim().is_empty() && channel.chars().count() <= MOST_CHANNEL && !channel.contains('\0');
    if fits {
        return Ok(channel);
    }
    let problem = format!("must be the state of a contact way: 1 to {MOST_CHANNEL} characters");
    Err(Error::Invalid(FieldError::new("channel", problem)))
}
