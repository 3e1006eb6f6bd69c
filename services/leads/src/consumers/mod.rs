//! What the service listens to.

mod on_contact_added;

use std::sync::Arc;

use scrm_db::Db;
use scrm_mq::{Consumer, topology};

use crate::app::App;

/// Returns the consumer of new contacts.
pub(crate) fn contacts(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::LEADS_CONTACT, db).on(on_contact_added::OnContactAdded { app: Arc::clone(app) })
}
