//! What the service listens to.

mod on_contact_added;
mod on_lead_submitted;

use std::sync::Arc;

use scrm_db::Db;
use scrm_kernel::KeyRing;
use scrm_mq::{Consumer, topology};

use crate::app::App;

/// Returns the consumer of new contacts.
pub(crate) fn contacts(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::LEADS_CONTACT, db).on(on_contact_added::OnContactAdded { app: Arc::clone(app) })
}

/// Returns the consumer of what people left with lead sources.
pub(crate) fn submissions(app: &Arc<App>, keys: KeyRing, db: Db) -> Consumer {
    let handler = on_lead_submitted::OnLeadSubmitted { app: Arc::clone(app), keys };
    Consumer::new(topology::LEADS_SUBMISSION, db).on(handler)
}
