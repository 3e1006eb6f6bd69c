//! Callbacks as administrators see them.

use scrm_kernel::{CorpId, Page, PageRequest, Timestamp};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};

use crate::domain::callback::{Callback, State};
use crate::store::entity::callback::{Column, Entity};
use crate::store::inconsistent;

#[derive(FromQueryResult)]
struct Listed {
    seq: i64,
    app: String,
    state: String,
    signed_at: Timestamp,
    received_at: Timestamp,
    kind: Option<String>,
    processed_at: Option<Timestamp>,
    problem: Option<String>,
}

impl TryFrom<Listed> for Callback {
    type Error = DbErr;

    fn try_from(row: Listed) -> Result<Self, DbErr> {
        Ok(Self {
            state: State::parse(&row.state).ok_or_else(|| inconsistent("callback", "state", row.seq))?,
            seq: row.seq,
            app: row.app,
            signed_at: row.signed_at,
            received_at: row.received_at,
            kind: row.kind,
            processed_at: row.processed_at,
            problem: row.problem,
        })
    }
}

/// Chooses what is shown of callbacks.
fn listed(corp: CorpId) -> Select<Entity> {
    Entity::find()
        .select_only()
        .columns([
            Column::Seq,
            Column::App,
            Column::State,
            Column::SignedAt,
            Column::ReceivedAt,
            Column::Kind,
            Column::ProcessedAt,
            Column::Problem,
        ])
        .filter(Column::CorpId.eq(corp))
}

/// Reads one callback.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    seq: i64,
) -> Result<Option<Callback>, DbErr> {
    let row = listed(corp).filter(Column::Seq.eq(seq)).into_model::<Listed>().one(connection).await?;
    row.map(Callback::try_from).transpose()
}

/// Lists callbacks, newest first; `before` is the last one of the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    state: Option<State>,
    page: &PageRequest,
    before: Option<i64>,
) -> Result<Page<Callback>, DbErr> {
    let rows = listed(corp)
        .filter(Condition::all().add_option(state.map(|state| Column::State.eq(state.as_str()))))
        .filter(Condition::all().add_option(before.map(|before| Column::Seq.lt(before))))
        .order_by_desc(Column::Seq)
        .limit(page.limit + 1)
        .into_model::<Listed>()
        .all(connection)
        .await?;
    let callbacks = rows.into_iter().map(Callback::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(callbacks, page.limit, |callback| callback.seq))
}
