//! Removing files that no row names: a process that died between the two left them, or could not reach the store.

use std::time::Duration;

use futures::StreamExt as _;
use scrm_kernel::{CorpId, MediaId, Timestamp};
use scrm_media::MediaError;

use super::{App, Error};
use crate::store;

/// How old a file is before a row is missed: nobody takes so long to add it.
const PATIENCE: Duration = Duration::from_hours(24);
/// Files that are looked up by one query.
const FILES: usize = 500;

impl App {
    /// Removes the files that no row names; of enterprises that have rows, because what else lies in the store may be
    /// another installation's.
    pub(crate) async fn sweep_media(&self) -> Result<(), Error> {
        for corp in store::media::corps(self.db.reader()).await? {
            let listed = match self.media.list(corp) {
                Err(MediaError::NoPlace) => return Ok(()),
                listed => listed?,
            };
            let mut listed = listed.chunks(FILES);
            while let Some(names) = listed.next().await {
                let names = names.into_iter().collect::<Result<Vec<_>, _>>()?;
                self.sweep_some(corp, &names).await?;
            }
        }
        Ok(())
    }

    async fn sweep_some(&self, corp: CorpId, names: &[String]) -> Result<(), Error> {
        let moment = self.db.clock().now() - PATIENCE;
        let old: Vec<MediaId> = names.iter().filter_map(|name| kept_before(name, moment)).collect();
        if old.is_empty() {
            return Ok(());
        }
        let kept = store::media::named(self.db.reader(), corp, &old).await?;
        for id in old.into_iter().filter(|id| !kept.contains(id)) {
            tracing::info!(media.id = %id, "File {id} is removed: no row names it");
            self.remove_file(corp, id).await;
        }
        Ok(())
    }
}

/// Returns the id by which a file is called that was kept before `moment`; what is not called so is none of ours.
fn kept_before(name: &str, moment: Timestamp) -> Option<MediaId> {
    let id: MediaId = name.parse().ok()?;
    id.minted_at().filter(|minted_at| *minted_at < moment).map(|_| id)
}
