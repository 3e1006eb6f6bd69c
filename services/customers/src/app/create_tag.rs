//! What administrators want of the enterprise's tags: one more. WeCom follows.

use scrm_db::idempotency::{self, Answer, Begun, RequestHash};
use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, TagWishId};
use scrm_proto::customers::v1::TagWanted;

use super::{App, Error};
use crate::domain::tag_wish::{State, TagWish, WantedTag};
use crate::store;

/// A request that may come again.
pub struct Repeatable<'a> {
    /// The route, and who asks.
    pub scope: &'a str,
    /// What the client calls it.
    pub key: &'a str,
    /// What it asks for.
    pub hash: RequestHash,
}

/// What became of a request to make a tag.
pub enum Created {
    /// It is wanted.
    Fresh(TagWish),
    /// It was wanted before, and this was answered.
    Before(Answer),
}

impl App {
    /// Wants the enterprise to have one more tag. Its group is made if it is missing.
    ///
    /// A name that WeCom refused, or that it has lost since, may be wanted again.
    pub async fn create_tag(
        &self,
        actor: &Actor,
        tag: WantedTag,
        repeatable: Option<Repeatable<'_>>,
        render: impl FnOnce(&TagWish) -> Answer + Send,
    ) -> Result<Created, Error> {
        let corp = actor.allow(Action::ManageTags)?;
        let txn = self.db.begin().await?;
        let claim = match repeatable {
            None => None,
            Some(Repeatable { scope, key, hash }) => {
                match idempotency::begin_or_replay(&txn, corp, scope, key, hash).await? {
                    Begun::Fresh(claim) => Some(claim),
                    Begun::Replay(answer) => return Ok(Created::Before(answer)),
                    Begun::Conflict => return Err(Error::KeyReused),
                }
            }
        };
        let wish = want_in(&txn, corp, tag).await?;
        if let Some(claim) = claim {
            claim.record(&txn, render(&wish)).await?;
        }
        txn.commit().await?;
        tracing::info!(tag_wish.id = %wish.id, "A tag is wanted: {}", wish.id);
        Ok(Created::Fresh(wish))
    }

    /// Returns a tag that was wanted, and how far it is.
    pub async fn tag_wish(&self, actor: &Actor, id: TagWishId) -> Result<TagWish, Error> {
        let corp = actor.allow(Action::ReadTags)?;
        store::tag_wish::find(self.db.reader(), corp, id).await?.ok_or(Error::TagNotFound(id))
    }
}

async fn want_in(txn: &Txn, corp: CorpId, tag: WantedTag) -> Result<TagWish, Error> {
    let now = txn.now();
    let new = TagWish::new(TagWishId::mint(now), corp, tag.clone(), now);
    // The row of the name is what two requests meet at.
    let mut wish = store::tag_wish::lock_or_make(txn, &new).await?;
    if store::tag::is_there(txn, corp, &tag.group, &tag.name).await? {
        return Err(Error::TagExists);
    }
    if wish.id != new.id {
        if wish.is_under_way(now) {
            return Err(Error::TagUnderWay(wish.id));
        }
        wish.tag = tag;
        wish.state = State::Waiting { problem: None };
        store::tag_wish::save(txn, &wish).await?;
    }
    let event = TagWanted { corp_id: corp.to_string(), tag_wish_id: wish.id.to_string() };
    outbox::put(txn, corp, &Cause::here(now), &event).await?;
    Ok(wish)
}
