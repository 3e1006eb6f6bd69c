//! Keeping files to attach to messages.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use scrm_db::idempotency::{self, Answer, Begun};
use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, Cursor, MediaId, Page, PageRequest, crash};
use scrm_media::MediaError;

use super::{App, Error, Repeatable};
use crate::domain::media::{Kind, Media};
use crate::store;

/// A file that somebody wants kept.
pub struct NewMedia {
    /// As what.
    pub kind: Kind,
    /// What customers see it called.
    pub name: String,
    /// Its bytes.
    pub content: Bytes,
}

/// What became of a request to keep a file.
pub enum Kept {
    /// It is kept since now.
    Made(Media),
    /// The same content was kept already, perhaps by another name.
    There(Media),
    /// The same request was made before, and this was answered.
    Before(Answer),
}

impl App {
    /// Keeps a file, once however often its content comes.
    pub async fn keep_media(
        &self,
        actor: &Actor,
        new: NewMedia,
        repeatable: Option<Repeatable<'_>>,
        render: impl FnOnce(&Media, bool) -> Answer + Send,
    ) -> Result<Kept, Error> {
        let corp = actor.allow(Action::ManageMedia)?;
        let NewMedia { kind, name, content } = new;
        let problems = kind.problems(&name, &content);
        if !problems.is_empty() {
            return Err(Error::InvalidFields(problems));
        }
        let now = self.db.clock().now();
        let media = Media {
            id: MediaId::mint(now),
            corp,
            kind,
            name,
            bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
            sha256: digest(&SHA256, &content).as_ref().to_vec(),
            created_at: now,
        };
        let there = store::media::of_content(self.db.reader(), corp, kind, &media.sha256).await?;
        if there.is_some() {
            return self.note_media(media, false, repeatable, render).await;
        }
        let id = media.id;
        self.media.put(corp, &id.to_string(), content).await?;
        crash::point("media.stored");
        let kept = self.note_media(media, true, repeatable, render).await;
        if !matches!(kept, Ok(Kept::Made(_))) {
            self.remove_file(corp, id).await;
        }
        kept
    }

    /// Adds the row of a file, if its content is there; otherwise finds the row that has the same content.
    async fn note_media(
        &self,
        media: Media,
        is_stored: bool,
        repeatable: Option<Repeatable<'_>>,
        render: impl FnOnce(&Media, bool) -> Answer + Send,
    ) -> Result<Kept, Error> {
        let corp = media.corp;
        let txn = self.db.begin().await?;
        let claim = match repeatable {
            None => None,
            Some(Repeatable { scope, key, hash }) => {
                match idempotency::begin_or_replay(&txn, corp, scope, key, hash).await? {
                    Begun::Fresh(claim) => Some(claim),
                    Begun::Replay(answer) => return Ok(Kept::Before(answer)),
                    Begun::Conflict => return Err(Error::KeyReused),
                }
            }
        };
        let is_new = is_stored && store::media::insert(&txn, &media).await?;
        let media = if is_new {
            media
        } else {
            let there = store::media::of_content(&txn, corp, media.kind, &media.sha256).await?;
            there.ok_or(Error::MediaRemoved)?
        };
        if let Some(claim) = claim {
            claim.record(&txn, render(&media, is_new)).await?;
        }
        txn.commit().await?;
        Ok(if is_new { Kept::Made(media) } else { Kept::There(media) })
    }

    /// Lists files, newest first.
    pub async fn media_list(&self, actor: &Actor, page: &PageRequest) -> Result<Page<Media>, Error> {
        let corp = actor.allow(Action::ReadMedia)?;
        let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
        Ok(store::media::list(self.db.reader(), corp, page, before).await?)
    }

    /// Returns what is known of a file.
    pub async fn media(&self, actor: &Actor, id: MediaId) -> Result<Media, Error> {
        let corp = actor.allow(Action::ReadMedia)?;
        store::media::find(self.db.reader(), corp, id).await?.ok_or(Error::MediaNotFound(id))
    }

    /// Returns a file with its bytes.
    pub async fn media_content(&self, actor: &Actor, id: MediaId) -> Result<(Media, Bytes), Error> {
        let corp = actor.allow(Action::ReadMedia)?;
        let media = self.media(actor, id).await?;
        match self.media.get(corp, &id.to_string()).await {
            // It was removed between the two reads.
            Err(MediaError::NotFound) => Err(Error::MediaNotFound(id)),
            content => Ok((media, content?)),
        }
    }

    /// Removes a file that no greeting uses.
    pub async fn remove_media(&self, actor: &Actor, id: MediaId) -> Result<(), Error> {
        let corp = actor.allow(Action::ManageMedia)?;
        let txn = self.db.begin().await?;
        if store::media::lock(&txn, corp, &[id]).await?.is_empty() {
            return Err(Error::MediaNotFound(id));
        }
        let uses = store::media::uses(&txn, corp, id).await?;
        if uses > 0 {
            return Err(Error::MediaInUse(uses));
        }
        store::media_copy::forget(&txn, corp, id).await?;
        store::media::remove(&txn, id).await?;
        txn.commit().await?;
        self.remove_file(corp, id).await;
        Ok(())
    }

    /// Removes a file that no row names; what stays there harms nobody.
    async fn remove_file(&self, corp: CorpId, id: MediaId) {
        if let Err(error) = self.media.remove(corp, &id.to_string()).await {
            tracing::warn!(media.id = %id, error = %error, "File {id}, which nobody uses, is still there");
        }
    }
}
