//! Reading a subject from WeCom, and telling what was read.

use scrm_db::{Db, Txn};
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

/// Reads from WeCom what callbacks only hint at.
pub(crate) struct Reader {
    pub(super) db: Db,
    pub(super) wecom: Client,
}

impl Reader {
    pub(crate) const fn new(db: Db, wecom: Client) -> Self {
        Self { db, wecom }
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
    pub(crate) async fn look(&self, look: &Taken) -> Result<(), DbErr> {
        crash::point("look.taken");
        let outcome = self.read(look.corp, look.app.as_deref(), &look.subject).await;
        crash::point("look.read");
        let txn = self.db.begin().await?;
        match outcome {
            Ok(reading) => {
                // Whoever took it after the lease had ended tells it.
                if store::look::done(&txn, look).await? {
                    reading.tell(&txn, look.corp, look.began_at).await?;
                }
            }
            Err(error) if error.class() == Class::Stop => {
                tracing::warn!(
                    look.kind = look.subject.kind(), error = %error, "WeCom does not let a subject be read"
                );
                store::look::refuse(&txn, look, &error.to_string()).await?;
            }
            Err(error) => {
                let moment = try_again_at(&error, look.attempts, txn.now());
                store::look::put_off(&txn, look, moment, &error.to_string()).await?;
            }
        }
        crash::point("look.told");
        txn.commit().await?;
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

/// Returns when to try again after a failure that may pass, be it that a person must act first.
pub(super) fn try_again_at(error: &CallError, attempts: u32, now: Timestamp) -> Timestamp {
    match error {
        CallError::RateLimited { until } => (*until).max(now),
        _ => now + pause_after(attempts),
    }
}
