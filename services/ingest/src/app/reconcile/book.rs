//! The contact book and the tags: read whole, and told as they are.

use scrm_kernel::WecomUserId;
use scrm_wecom::client::Member;

use super::{Broken, Reconciler, Walk, is_refused};
use crate::app::reading::{Reading, of_member};
use crate::domain::look::{Subject, Urgency, Wanted};
use crate::domain::reconciliation::{ON_ITS_WAY, Step};
use crate::store;

impl Reconciler {
    /// Reads all departments.
    pub(super) async fn departments(&self, walk: &mut Walk) -> Result<(), Broken> {
        let began_at = self.db().clock().now();
        let reading = match self.reader.read(walk.run.corp, None, &Subject::Departments).await {
            Ok(reading) => reading,
            Err(error) => return self.skip_or_fail(walk, error, Step::Members).await,
        };
        let mut next = walk.run.clone();
        if let Reading::Departments(read) = &reading {
            next.counts.departments = count(read.departments.len());
        }
        next.go_on(Step::Members);
        let txn = self.db().begin().await?;
        reading.tell(&txn, walk.run.corp, began_at).await?;
        self.advance(txn, walk, next).await
    }

    /// Reads the members of one more department; after the last one, wants those to be read whom it has not had.
    pub(super) async fn members(&self, walk: &mut Walk) -> Result<(), Broken> {
        let department = match self.next_department(walk).await {
            Ok(Some(department)) => department,
            Ok(None) => return self.missing_members(walk).await,
            Err(Broken::Call(error)) => return self.skip_or_fail(walk, error, Step::Tags).await,
            Err(error) => return Err(error),
        };
        let began_at = self.db().clock().now();
        let members = match self.speaker(walk.run.corp).full_members_of(department).await {
            Ok(members) => members,
            Err(error) => return self.skip_or_fail(walk, error, Step::Tags).await,
        };
        let known = store::member::listed(self.db().reader(), walk.run.corp, walk.run.id).await?;
        let is_new = |member: &&Member| !known.contains(&member.user.folded());
        let mut next = walk.run.clone();
        next.cursor = department.to_string();
        next.attempts = 0;
        let txn = self.db().begin().await?;
        for member in members.iter().filter(is_new) {
            of_member(walk.run.corp, member).tell_listed(&txn, walk.run.corp, began_at, walk.run.id).await?;
            next.counts.members += 1;
        }
        self.advance(txn, walk, next).await
    }

    async fn next_department(&self, walk: &mut Walk) -> Result<Option<i64>, Broken> {
        let departments = if let Some(departments) = walk.departments.take() {
            departments
        } else {
            let listed = self.speaker(walk.run.corp).departments().await?;
            let mut ids: Vec<i64> = listed.iter().map(|department| department.id).collect();
            ids.sort_unstable();
            ids
        };
        let done: Option<i64> = walk.run.cursor.parse().ok();
        let next = departments.iter().copied().find(|id| done.is_none_or(|done| *id > done));
        walk.departments = Some(departments);
        Ok(next)
    }

    /// Who was there before and is in no department any more is asked for by name: WeCom then says that they are gone.
    async fn missing_members(&self, walk: &mut Walk) -> Result<(), Broken> {
        let run = &walk.run;
        let missing = store::member::missing(self.db().reader(), run.corp, run.id, run.started_at).await?;
        let wanted = |user: WecomUserId| Wanted {
            corp: run.corp,
            app: None,
            subject: Subject::Member(user),
            urgency: Urgency::Stock,
        };
        let wanted: Vec<Wanted> = missing.into_iter().map(wanted).collect();
        let mut next = run.clone();
        next.go_on(Step::Tags);
        let txn = self.db().begin().await?;
        store::look::want(&txn, &wanted).await?;
        self.advance(txn, walk, next).await
    }

    /// Reads all tags, then waits until callbacks that are on their way have arrived.
    pub(super) async fn tags(&self, walk: &mut Walk) -> Result<(), Broken> {
        let began_at = self.db().clock().now();
        let mut next = walk.run.clone();
        let txn = match self.reader.read(walk.run.corp, None, &Subject::Tags).await {
            Ok(reading) => {
                if let Reading::Tags(read) = &reading {
                    next.counts.tags = count(read.groups.iter().map(|group| group.tags.len()).sum());
                }
                next.go_on(Step::Customers);
                let txn = self.db().begin().await?;
                reading.tell(&txn, walk.run.corp, began_at).await?;
                txn
            }
            Err(error) if is_refused(&error) => {
                next.skip(&error.to_string(), Step::Customers);
                self.db().begin().await?
            }
            Err(error) => return Err(error.into()),
        };
        let due_at = txn.now() + ON_ITS_WAY;
        self.save(txn, walk, next, Some(due_at)).await
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
