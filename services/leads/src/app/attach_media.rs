//! What a message names files by: WeCom's ids of their copies, made before a message needs them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use scrm_kernel::{CorpId, MediaId};
use scrm_wecom::client::Attachment as Sendable;
use sea_orm::DbErr;

use super::App;
use crate::domain::attachment::{Attachment, Link, MiniProgram};
use crate::domain::media::{Copy, Use};
use crate::store;
use crate::store::media_copy::Key;

/// How long a message waits for copies that are on their way.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(25);
/// WeCom's word that it does not know an id says nothing about one that is younger.
const SETTLED: Duration = Duration::from_mins(10);

/// What can be attached to a message now.
#[derive(Default)]
pub(super) struct Attached {
    /// In the order wanted.
    pub(super) sendable: Vec<Sendable>,
    /// WeCom's ids in them.
    pub(super) ids: Vec<String>,
    /// Why something is not among them.
    pub(super) problem: Option<String>,
}

impl App {
    /// Returns what of `wanted` an app can attach to a message. It waits a moment for copies that are on their way.
    pub(super) async fn attached(&self, corp: CorpId, app: &str, wanted: &[Attachment]) -> Attached {
        let media: Vec<MediaId> = wanted.iter().filter_map(Attachment::media).map(|(id, _)| id).collect();
        if media.is_empty() {
            return attached(wanted, |_| Err(String::new()));
        }
        match self.copies_within(PATIENCE, corp, app, &media).await {
            Ok(copies) => {
                let now = self.db.clock().now();
                attached(wanted, |id| match copies.get(&id).map(|copy| copy.at(now)) {
                    Some(Use::Ready(wecom_id)) => Ok(wecom_id.to_owned()),
                    Some(Use::Missing(problem)) => Err(problem.to_owned()),
                    Some(Use::Soon) | None => Err("its upload to WeCom takes too long".to_owned()),
                })
            }
            Err(error) => {
                tracing::warn!(error = %error, "Cannot read what WeCom calls files; the message does without them");
                attached(wanted, |_| Err("what WeCom calls it cannot be read".to_owned()))
            }
        }
    }

    /// Returns what is known of an app's copies once there is nothing to wait for, or when `patience` is over.
    async fn copies_within(
        &self,
        patience: Duration,
        corp: CorpId,
        app: &str,
        media: &[MediaId],
    ) -> Result<HashMap<MediaId, Copy>, DbErr> {
        let begun = Instant::now();
        let mut is_wanted = false;
        loop {
            let copies = store::media_copy::of(self.db.reader(), corp, app, media).await?;
            let now = self.db.clock().now();
            let is_soon = |id: &&MediaId| copies.get(id).is_none_or(|copy| copy.at(now) == Use::Soon);
            let soon: Vec<MediaId> = media.iter().filter(is_soon).copied().collect();
            if soon.is_empty() || begun.elapsed() >= patience {
                return Ok(copies);
            }
            if !is_wanted {
                let key = |media| Key { corp, media, app: app.to_owned() };
                let unknown = soon.into_iter().filter(|id| !copies.contains_key(id));
                store::media_copy::want(self.db.writer(), unknown.map(key).collect()).await?;
                self.copies_wanted.notify_one();
                is_wanted = true;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Notes that WeCom does not know some of its ids any more, and returns what can be attached then; nothing if that
    /// is no other than before.
    pub(super) async fn attached_anew(
        &self,
        corp: CorpId,
        app: &str,
        wanted: &[Attachment],
        before: &Attached,
    ) -> Option<Attached> {
        let since = self.db.clock().now() - SETTLED;
        let spoiled = store::media_copy::spoiled(self.db.writer(), corp, app, &before.ids, since).await;
        if let Err(error) = spoiled {
            tracing::warn!(error = %error, "Cannot note that WeCom has forgotten a file");
            return None;
        }
        let now = self.attached(corp, app, wanted).await;
        (now.ids != before.ids).then_some(now)
    }

    /// Resolves when a message waits for a copy, or a greeting uses other files.
    pub(crate) async fn copies_wanted(&self) {
        self.copies_wanted.notified().await;
    }
}

/// Puts together what can be sent; `wecom_id` is what WeCom calls a file, or why it has no copy of it.
fn attached(wanted: &[Attachment], wecom_id: impl Fn(MediaId) -> Result<String, String>) -> Attached {
    let mut attached = Attached::default();
    for attachment in wanted {
        let media_id = match attachment.media().map(|(id, _)| wecom_id(id)) {
            Some(Err(problem)) => {
                attached.problem.get_or_insert(problem);
                continue;
            }
            Some(Ok(media_id)) => media_id,
            None => String::new(),
        };
        attached.sendable.push(sendable(attachment, &media_id));
        attached.ids.extend(Some(media_id).filter(|id| !id.is_empty()));
    }
    attached
}

fn sendable(attachment: &Attachment, media_id: &str) -> Sendable {
    let media_id = media_id.to_owned();
    match attachment.clone() {
        Attachment::Image(_) => Sendable::Image { media_id },
        Attachment::Video(_) => Sendable::Video { media_id },
        Attachment::File(_) => Sendable::File { media_id },
        Attachment::Link(Link { title, description, url, picture_url }) => {
            Sendable::Link { title, picture_url, description, url }
        }
        Attachment::MiniProgram(MiniProgram { title, app_id, page, media: _ }) => {
            Sendable::MiniProgram { title, picture_media_id: media_id, app_id, page }
        }
    }
}
