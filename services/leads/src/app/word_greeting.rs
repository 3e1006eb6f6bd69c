//! What welcome messages say, channel by channel.

use scrm_db::Txn;
use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, FieldError, MediaId};

use super::{App, Error};
use crate::domain::attachment::Attachment;
use crate::domain::greeting::Greeting;
use crate::store;

/// Characters of a channel's `state` at most (WeCom document 92572).
const MOST_CHANNEL: usize = 30;

impl App {
    /// Sets the words for those who come through a channel; without one, for everybody who has no words of their own.
    ///
    /// `made_from` is the version that they replace, if the caller cares. Returns them with their version.
    pub async fn word_greeting(
        &self,
        actor: &Actor,
        channel: Option<&str>,
        text: &str,
        attachments: Vec<Attachment>,
        made_from: Option<i64>,
    ) -> Result<(Greeting, i64), Error> {
        let corp = actor.allow(Action::ManageChannels)?;
        let channel = checked(channel)?;
        let greeting = Greeting::parse(text, attachments).map_err(|wrong| {
            let fields = wrong.into_iter().map(|bad| FieldError::new(bad.field, bad.problem));
            Error::InvalidFields(fields.collect())
        })?;
        let txn = self.db.begin().await?;
        let there = unchanged(&txn, corp, channel, made_from).await?;
        let used = locked_media(&txn, corp, &greeting.attachments).await?;
        if !store::greeting::put(&txn, corp, channel, &greeting, there + 1, txn.now()).await? {
            return Err(Error::GreetingChanged(there + 1));
        }
        store::media::note_uses(&txn, corp, channel, &used).await?;
        txn.commit().await?;
        if !used.is_empty() {
            self.copies_wanted.notify_one();
        }
        Ok((greeting, there + 1))
    }

    /// Removes the words of a channel, or the default ones; `made_from` is the version that is meant, if the caller cares.
    pub async fn drop_greeting(
        &self,
        actor: &Actor,
        channel: Option<&str>,
        made_from: Option<i64>,
    ) -> Result<(), Error> {
        let corp = actor.allow(Action::ManageChannels)?;
        let channel = checked(channel)?;
        let txn = self.db.begin().await?;
        let there = unchanged(&txn, corp, channel, made_from).await?;
        if there == 0 {
            return Err(Error::GreetingNotFound);
        }
        if !store::greeting::remove(&txn, corp, channel, there).await? {
            return Err(Error::GreetingChanged(there + 1));
        }
        store::media::note_uses(&txn, corp, channel, &[]).await?;
        Ok(txn.commit().await?)
    }

    /// Returns all words with their versions, by channel; no channel means the default.
    pub async fn greetings(&self, actor: &Actor) -> Result<Vec<(Option<String>, Greeting, i64)>, Error> {
        let corp = actor.allow(Action::ReadChannels)?;
        let all = store::greeting::all(self.db.reader(), corp).await?;
        let named = |channel: String| Some(channel).filter(|channel| channel != store::greeting::DEFAULT);
        Ok(all.into_iter().map(|(channel, greeting, version)| (named(channel), greeting, version)).collect())
    }
}

/// Returns the version of the words of a channel, 0 if it has none; an error if the caller means another one.
async fn unchanged(txn: &Txn, corp: CorpId, channel: &str, made_from: Option<i64>) -> Result<i64, Error> {
    let there = store::greeting::version(txn, corp, channel).await?.unwrap_or_default();
    if made_from.is_some_and(|version| version != there) {
        return Err(Error::GreetingChanged(there));
    }
    Ok(there)
}

/// Returns the files that are attached, locked; an error by field when one is not there, or of another kind.
async fn locked_media(txn: &Txn, corp: CorpId, attachments: &[Attachment]) -> Result<Vec<MediaId>, Error> {
    let wanted = attachments.iter().filter_map(Attachment::media).map(|(id, _)| id).collect::<Vec<_>>();
    let there = store::media::lock(txn, corp, &wanted).await?;
    let mut wrong = Vec::new();
    for (index, attachment) in attachments.iter().enumerate() {
        let Some((id, kind)) = attachment.media() else { continue };
        let problem = match there.iter().find(|media| media.id == id) {
            None => "is no media that is kept".to_owned(),
            Some(media) if media.kind != kind => {
                format!("is of kind {}, not {}", media.kind.as_str(), kind.as_str())
            }
            Some(_) => continue,
        };
        wrong.push(FieldError::new(format!("attachments[{index}].media_id"), problem));
    }
    if wrong.is_empty() {
        Ok(there.into_iter().map(|media| media.id).collect())
    } else {
        Err(Error::InvalidFields(wrong))
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
