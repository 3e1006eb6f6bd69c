//! What the service listens to.

mod on_departments_read;
mod on_member_gone;
mod on_member_read;
mod on_member_renamed;

use std::sync::Arc;

use scrm_db::Db;
use scrm_kernel::WecomUserId;
use scrm_mq::{Consumer, Failure, topology};
use scrm_proto::Envelope;

use crate::app::App;
use crate::domain::staff::Fact;

/// Returns the consumer of what is told about members and departments.
pub(crate) fn roster(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::DIRECTORY_ROSTER, db)
        .on(on_member_read::OnMemberRead { app: Arc::clone(app) })
        .on(on_member_gone::OnMemberGone { app: Arc::clone(app) })
        .on(on_member_renamed::OnMemberRenamed { app: Arc::clone(app) })
        .on(on_departments_read::OnDepartmentsRead { app: Arc::clone(app) })
}

/// Returns when what an event tells was so.
fn fact_of(envelope: &Envelope) -> Fact {
    Fact { occurred_at: envelope.occurred_at, received_seq: envelope.received_seq.unwrap_or(i64::MAX) }
}

fn user_of(field: &str, text: &str) -> Result<WecomUserId, Failure> {
    WecomUserId::parse(text).map_err(|error| Failure::Reject(format!("{field} {error}")))
}

/// Takes untrusted text; PostgreSQL keeps everything but a zero character.
fn text_of(text: &str) -> String {
    text.replace('\0', "")
}
