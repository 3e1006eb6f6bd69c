//! Comparisons with WeCom as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, Page, ReconciliationId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::reconciliation::Reconciliation;

/// Which comparisons are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ReconciliationsIn {
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// A comparison of everything that is known with what WeCom has.
#[derive(Serialize, ToSchema)]
pub(super) struct ReconciliationOut {
    id: ReconciliationId,
    /// `running`, `done`, `failed`, or `alarm`: so much would be gone that a person must confirm it.
    state: &'static str,
    /// What is being compared: `departments`, `members`, `tags`, `customers`, `gone`.
    step: &'static str,
    /// Departments that WeCom has.
    departments: u64,
    /// Members that WeCom has.
    members: u64,
    /// Tags that WeCom has.
    tags: u64,
    /// Members whose customers were listed.
    listed_members: u64,
    /// Relations of members and customers that WeCom has.
    relations: u64,
    /// Relations whose callback got lost, told now.
    added: u64,
    /// Relations that WeCom does not list any more.
    missing: u64,
    /// Relations that have ended, told now.
    removed: u64,
    started_at: Moment,
    finished_at: Option<Moment>,
    /// What was in the way, or what is to be confirmed.
    problem: Option<String>,
}

impl From<Reconciliation> for ReconciliationOut {
    fn from(run: Reconciliation) -> Self {
        Self {
            id: run.id,
            state: run.state.as_str(),
            step: run.step.as_str(),
            departments: run.counts.departments,
            members: run.counts.members,
            tags: run.counts.tags,
            listed_members: run.counts.listed,
            relations: run.counts.relations,
            added: run.counts.added,
            missing: run.counts.missing,
            removed: run.counts.removed,
            started_at: run.started_at.into(),
            finished_at: run.finished_at.map(Moment::from),
            problem: run.problem,
        }
    }
}

/// A page of comparisons.
#[derive(Serialize, ToSchema)]
pub(super) struct ReconciliationsOut {
    items: Vec<ReconciliationOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<Reconciliation>> for ReconciliationsOut {
    fn from(page: Page<Reconciliation>) -> Self {
        let Page { items, next_cursor } = page.map(ReconciliationOut::from);
        Self { items, next_cursor }
    }
}
