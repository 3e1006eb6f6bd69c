//! Reading a subject from WeCom, and telling what was read.

use async_trait::async_trait;
use scrm_db::{BatchWrite, Batcher, Db, NotStored, Txn};
use scrm_kernel::{CorpId, ExternalUserId, Timestamp, crash};
use scrm_wecom::client::{CallError, Class, Client, TagFilter};
use sea_orm::DbErr;

use super::reading::{self, Reading};
use crate::domain::look::{Subject, Taken, Urgency, Wanted, pause_after};
use crate::store;

/// WeCom's code for a userid that nobody has, or that the app may not know of.
const NO_MEMBER: i64 = 60111;
/// WeCom's code for a customer whom nobody knows.
const NO_RELATION: i64 = 84061;

/// Looks that are settled in one transaction.
const SETTLED_TOGETHER: usize = 32;

/// Reads from WeCom what callbacks only hint at.
pub(crate) struct Reader {
    pub(super) db: Db,
    pub(super) wecom: Client,
    settling: Batcher<Settling>,
}

impl Reader {
    /// Starts the task that settles what was read.
    pub(crate) fn start(db: Db, wecom: Client) -> Self {
        let settling = Batcher::start(db.clone(), Settling, SETTLED_TOGETHER);
        Self { db, wecom, settling }
    }

    /// Returns the database; its wake-ups tell of new looks, too.
    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    /// Lets a new customer be read as soon as a reader is free.
    pub(crate) async fn want_customer_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        app: &str,
        customer: ExternalUserId,
    ) -> Result<(), DbErr> {
        let app = Some(app.to_owned()).filter(|app| !app.is_empty());
        let subject = Subject::Customer(customer);
        store::look::want(txn, &[Wanted { corp, app, subject, urgency: Urgency::Fresh }]).await
    }

    /// Takes up to `most` looks that are due.
    pub(crate) async fn take_looks(&self, most: usize) -> Result<Vec<Taken>, DbErr> {
        store::look::take(&self.db, u64::try_from(most).unwrap_or(u64::MAX)).await
    }

    /// Takes back what a dead process left behind, where there is only one process.
    pub(crate) async fn take_back_looks(&self) -> Result<(), DbErr> {
        if self.db.is_sqlite() {
            store::look::take_back(self.db.writer(), self.db.clock().now()).await?;
        }
        Ok(())
    }

    /// Reads what a look wants, and tells it; or notes why that was not possible.
    pub(crate) async fn look(&self, look: Taken) -> Result<(), NotStored> {
        crash::point("look.taken");
        let outcome = self.read(look.corp, look.app.as_deref(), &look.subject).await;
        crash::point("look.read");
        self.settling.put(Looked { look, outcome }).await?;
        crash::point("look.settled");
        Ok(())
    }

    /// Reads a subject as a whole, or fails.
    pub(super) async fn read(
        &self,
        corp: CorpId,
        app: Option<&str>,
        subject: &Subject,
    ) -> Result<Reading, CallError> {
        let speaker = self.wecom.of(corp, app);
        match subject {
            Subject::Member(user) => match speaker.member(user).await {
                Ok(member) => Ok(reading::of_member(corp, &member)),
                Err(error) if error.errcode() == Some(NO_MEMBER) => Ok(reading::of_nobody(corp, user)),
                Err(error) => Err(error),
            },
            Subject::Departments => {
                speaker.departments().await.map(|departments| reading::of_departments(corp, &departments))
            }
            Subject::Tags => {
                speaker.tags(&TagFilter::All).await.map(|groups| reading::of_tags(corp, &groups))
            }
            Subject::Customer(customer) => match speaker.customer(customer).await {
                Ok(read) => Ok(reading::of_customer(corp, &read)),
                Err(error) if error.errcode() == Some(NO_RELATION) => {
                    Ok(reading::of_no_customer(corp, customer))
                }
                Err(error) => Err(error),
            },
        }
    }
}

/// A look, and what WeCom said.
struct Looked {
    look: Taken,
    outcome: Result<Reading, CallError>,
}

/// Notes together what came of looks that end at about the same time.
struct Settling;

#[async_trait]
impl BatchWrite for Settling {
    /// Nobody waits for it.
    const IS_AHEAD: bool = false;
    type Op = Looked;
    type Out = ();

    async fn write(&self, txn: &Txn, looked: &[Looked]) -> Result<Vec<()>, DbErr> {
        // In the order in which looks are wanted: rows are locked one after the other.
        let mut in_order: Vec<&Looked> = looked.iter().collect();
        in_order
            .sort_by_cached_key(|Looked { look, .. }| (look.corp, look.subject.kind(), look.subject.key()));
        for one in in_order {
            settle(txn, one).await?;
        }
        crash::point("look.told");
        Ok(vec![(); looked.len()])
    }
}

async fn settle(txn: &Txn, Looked { look, outcome }: &Looked) -> Result<(), DbErr> {
    match outcome {
        Ok(reading) => {
            // Whoever took it after the lease had ended tells it.
            if store::look::done(txn, look).await? {
                reading.tell(txn, look.corp, look.began_at).await?;
            }
        }
        Err(error) if error.class() == Class::Stop => {
            tracing::warn!(
                look.kind = look.subject.kind(), error = %error, "WeCom does not let a subject be read"
            );
            store::look::refuse(txn, look, &error.to_string()).await?;
        }
        Err(error) => {
            let moment = try_again_at(error, look.attempts, txn.now());
            store::look::put_off(txn, look, moment, &error.to_string()).await?;
        }
    }
    Ok(())
}

/// Returns when to try again after a failure that may pass, be it that a person must act first.
pub(super) fn try_again_at(error: &CallError, attempts: u32, now: Timestamp) -> Timestamp {
    match error {
        CallError::RateLimited { until } => (*until).max(now),
        _ => now + pause_after(attempts),
    }
}
