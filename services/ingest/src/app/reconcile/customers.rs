//! The relations of every member: those whose callback got lost are told, and who looks different is read.

use aws_lc_rs::digest::{SHA256, digest};
use futures::StreamExt as _;
use scrm_kernel::{Timestamp, WecomUserId, crash};
use scrm_wecom::client::Relation;

use super::lost::tell_lost;
use super::{Broken, Reconciler, Walk};
use crate::domain::look::{Subject, Urgency, Wanted};
use crate::domain::reconciliation::{ON_ITS_WAY, Step};
use crate::domain::relation::{Finding, Pair, judge};
use crate::store;
use crate::store::relation::Listed;

/// Members whose customers are listed together; WeCom takes up to 100.
const MEMBERS: usize = 20;
/// Relations that are judged in one transaction.
const CHUNK: usize = 200;

impl Reconciler {
    /// Lists the relations of some more members; after the last ones, notes which relations no list had.
    pub(super) async fn customers(&self, walk: &mut Walk) -> Result<(), Broken> {
        let members = self.next_members(walk).await?;
        let Some(last) = members.last().map(WecomUserId::folded) else {
            return self.missed_relations(walk).await;
        };
        let count = u64::try_from(members.len()).unwrap_or(u64::MAX);
        let mut relations = self.speaker(walk.run.corp).relations_of(members).chunks(CHUNK);
        while let Some(chunk) = relations.next().await {
            let chunk = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
            self.list(walk, &chunk).await?;
        }
        let mut next = walk.run.clone();
        next.cursor = last;
        next.attempts = 0;
        next.counts.listed += count;
        let txn = self.db().begin().await?;
        self.advance(txn, walk, next).await
    }

    /// Returns the members who are next; the first time, the listing begins now.
    async fn next_members(&self, walk: &mut Walk) -> Result<Vec<WecomUserId>, Broken> {
        if walk.run.listing_at.is_none() {
            let (txn, mut next) = (self.db().begin().await?, walk.run.clone());
            next.listing_at = Some(txn.now());
            self.advance(txn, walk, next).await?;
        }
        let members = if let Some(members) = walk.members.take() {
            members
        } else {
            let mut members = self.speaker(walk.run.corp).following_members().await?;
            members.sort_by_cached_key(WecomUserId::folded);
            members
        };
        let rest = members.iter().filter(|member| member.folded() > walk.run.cursor);
        let next = rest.take(MEMBERS).cloned().collect();
        walk.members = Some(members);
        Ok(next)
    }

    /// Judges relations that WeCom lists, and tells what got lost.
    async fn list(&self, walk: &mut Walk, relations: &[Relation]) -> Result<(), Broken> {
        let listing_at = walk.run.listing_at.unwrap_or(walk.run.started_at);
        let (run, corp) = (walk.run.id, walk.run.corp);
        let mut next = walk.run.clone();
        let txn = self.db().begin().await?;
        let pairs: Vec<Pair> = relations.iter().map(pair_of).collect();
        let known = store::relation::known(&txn, corp, &pairs.iter().collect::<Vec<_>>()).await?;
        let (mut listed, mut lost, mut looks) = (Vec::new(), Vec::new(), Vec::new());
        for (relation, pair) in relations.iter().zip(pairs) {
            let (known, created_at) = (known.get(&pair), relation.follower.created_at);
            let finding = judge(known, created_at, walk.connected_at, listing_at - ON_ITS_WAY);
            if finding == Finding::TooYoung {
                continue;
            }
            let fingerprint = fingerprint_of(relation);
            if known.is_none_or(|known| known.listed_in != Some(run)) {
                next.counts.relations += 1;
            }
            if known.and_then(|known| known.fingerprint.as_ref()) != Some(&fingerprint) {
                looks.push(Wanted {
                    corp,
                    app: None,
                    subject: Subject::Customer(pair.customer.clone()),
                    urgency: Urgency::Stock,
                });
            }
            let began_at = created_at.unwrap_or(walk.connected_at);
            let one = Listed { pair, began_at, fingerprint };
            if finding == Finding::Lost {
                tell_lost(&txn, corp, &one, relation.follower.state.as_deref()).await?;
                next.counts.added += 1;
                lost.push(one.clone());
            }
            listed.push(one);
        }
        store::relation::begin_again(&txn, corp, run, &lost).await?;
        store::relation::list(&txn, corp, run, &listed).await?;
        store::look::want(&txn, &looks).await?;
        crash::point("reconciliation.listed");
        self.advance(txn, walk, next).await
    }

    /// Notes which relations the listing, now complete, did not have.
    async fn missed_relations(&self, walk: &mut Walk) -> Result<(), Broken> {
        let mut next = walk.run.clone();
        let listing_at: Timestamp = walk.run.listing_at.unwrap_or(walk.run.started_at);
        let txn = self.db().begin().await?;
        next.counts.missing = store::relation::miss(&txn, next.corp, next.id, listing_at).await?;
        next.go_on(Step::Gone);
        self.advance(txn, walk, next).await
    }
}

fn pair_of(relation: &Relation) -> Pair {
    Pair { user: relation.follower.user.clone(), customer: relation.contact.id.clone() }
}

/// Returns a hash of what a listing says about a relation, as far as a reading of the customer tells it.
fn fingerprint_of(relation: &Relation) -> Vec<u8> {
    let (contact, follower) = (&relation.contact, &relation.follower);
    let mut tags: Vec<&str> = follower.corp_tag_ids().collect();
    tags.sort_unstable();
    let said = (
        (&contact.name, contact.kind, contact.gender, &contact.avatar, &contact.unionid, &contact.position),
        (&contact.corp_name, &contact.corp_full_name),
        (&follower.remark, follower.created_at, follower.add_way, &follower.state, &follower.operator),
        tags,
    );
    let said = serde_json::to_vec(&said).expect("texts and numbers can be written");
    digest(&SHA256, &said).as_ref().to_vec()
}
