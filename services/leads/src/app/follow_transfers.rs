//! Finding out what became of transfers: by WeCom's list, and by what its callbacks tell.

use std::collections::HashMap;
use std::time::Duration;

use futures::TryStreamExt as _;
use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, Timestamp, WecomUserId};
use scrm_wecom::client::{CallError, Class, Handover, TransferResult, TransferStatus};
use sea_orm::DbErr;

use super::App;
use crate::domain::transfer::{LOOK_EVERY, Progress, Seen, Transfer, Trouble};
use crate::store;
use crate::store::transfer::Side;

/// How long a look at WeCom's list may take, all pages included.
const PATIENCE: Duration = Duration::from_secs(40);
/// How many transfers are taken up at once.
const MOST: u64 = 500;

impl App {
    /// Looks for every transfer whose time it is, and settles those that have ended.
    pub(crate) async fn follow_transfers(&self) -> Result<(), DbErr> {
        loop {
            let next = self.db.clock().now() + LOOK_EVERY;
            let due = store::transfer::take_due(&self.db, &self.keys, next, MOST).await?;
            if due.is_empty() {
                return Ok(());
            }
            let mut pairs: HashMap<(CorpId, String, String), Vec<Transfer>> = HashMap::new();
            for transfer in due {
                let pair = (transfer.corp, transfer.from.folded(), transfer.to.folded());
                pairs.entry(pair).or_default().push(transfer);
            }
            for transfers in pairs.into_values() {
                self.follow_pair(&transfers).await?;
            }
        }
    }

    /// Looks for transfers that are all from one member to one other.
    async fn follow_pair(&self, transfers: &[Transfer]) -> Result<(), DbErr> {
        let listed = match self.listed(transfers).await {
            Ok(listed) => listed,
            // WeCom has no list of these two any more: a member left, or lost the right.
            Err(error) if error.class() == Class::Stop => HashMap::new(),
            Err(error) => {
                tracing::warn!(error = %error, "Cannot look for {} transfers; later again", transfers.len());
                return Ok(());
            }
        };
        for taken in transfers {
            let rows = listed.get(&taken.person).map_or(&[][..], Vec::as_slice);
            let txn = self.db.begin().await?;
            let Some(transfer) = store::transfer::lock(&txn, &self.keys, taken.corp, taken.id).await? else {
                continue;
            };
            let seen = seen(rows, &transfer.progress);
            change(&txn, transfer, |progress, now| progress.seen(seen, now)).await?;
            txn.commit().await?;
        }
        Ok(())
    }

    /// Looks for one transfer.
    pub(super) async fn look(&self, transfer: &Transfer) -> Result<Seen, CallError> {
        let listed = self.listed(std::slice::from_ref(transfer)).await?;
        let rows = listed.get(&transfer.person).map_or(&[][..], Vec::as_slice);
        Ok(seen(rows, &transfer.progress))
    }

    /// Returns WeCom's rows about the customers of transfers that are all from one member to one other.
    async fn listed(
        &self,
        transfers: &[Transfer],
    ) -> Result<HashMap<ExternalUserId, Vec<TransferResult>>, CallError> {
        let mut rows: HashMap<ExternalUserId, Vec<TransferResult>> =
            transfers.iter().map(|transfer| (transfer.person.clone(), Vec::new())).collect();
        let Some(first) = transfers.first() else { return Ok(rows) };
        let wecom = self.wecom.of(first.corp, None);
        let reading = async {
            let mut list = wecom.transfer_results(Handover::OnJob, first.from.clone(), first.to.clone());
            while let Some(row) = list.try_next().await? {
                if let Some(of_customer) = rows.get_mut(&row.customer) {
                    of_customer.push(row);
                }
            }
            Ok(())
        };
        match tokio::time::timeout(PATIENCE, reading).await {
            Ok(read) => read.map(|()| rows),
            Err(_) => Err(CallError::Unclear("WeCom did not show its list in time".to_owned())),
        }
    }

    /// Notes that WeCom told why a customer did not go over to a member.
    pub(crate) async fn note_transfer_failed_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        taker: &WecomUserId,
        person: &ExternalUserId,
        reason: &str,
        occurred_at: Timestamp,
    ) -> Result<(), DbErr> {
        let open = store::transfer::lock_open(txn, &self.keys, corp, person, Side::To(taker)).await?;
        let Some(transfer) = open else { return Ok(()) };
        let trouble = match reason {
            "customer_refused" => None,
            "customer_limit_exceed" => Some(Trouble::of(40099)),
            _ => Some(Trouble::said("WeCom tells that the transfer failed, and not why")),
        };
        change(txn, transfer, |progress, now| progress.told_failed(trouble, occurred_at, now)).await
    }

    /// Notes that a customer left a member through a transfer.
    pub(crate) async fn note_gone_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        member: &WecomUserId,
        person: &ExternalUserId,
        occurred_at: Timestamp,
    ) -> Result<(), DbErr> {
        let open = store::transfer::lock_open(txn, &self.keys, corp, person, Side::From(member)).await?;
        let Some(transfer) = open else { return Ok(()) };
        change(txn, transfer, |progress, now| progress.told_gone(occurred_at, now)).await
    }
}

/// Changes a locked transfer.
pub(super) async fn change(
    txn: &Txn,
    transfer: Transfer,
    change: impl FnOnce(Progress, Timestamp) -> Progress,
) -> Result<(), DbErr> {
    let before = transfer.progress.state;
    let progress = change(transfer.progress.clone(), txn.now());
    if progress == transfer.progress {
        return Ok(());
    }
    let (id, state) = (transfer.id, progress.state);
    store::transfer::save(txn, &Transfer { progress, ..transfer }).await?;
    if state != before {
        let state = state.as_str();
        tracing::info!(transfer.id = %id, transfer.state = state, "Transfer {id} is {state}");
    }
    Ok(())
}

/// Returns what WeCom's rows about a customer say of a transfer; rows of earlier ones may be among them.
fn seen(rows: &[TransferResult], progress: &Progress) -> Seen {
    let of_row = |row: &TransferResult| match row.status {
        TransferStatus::Waiting => Seen::Waiting,
        TransferStatus::Done if row.taken_over_at.is_none_or(|moment| progress.may_cause(moment)) => {
            Seen::Done
        }
        TransferStatus::RefusedByCustomer => Seen::Refused,
        TransferStatus::TooManyCustomers => Seen::TooMany,
        TransferStatus::Done | TransferStatus::Unknown | TransferStatus::Other(_) => Seen::Nothing,
    };
    rows.iter().map(of_row).max().unwrap_or(Seen::Nothing)
}
