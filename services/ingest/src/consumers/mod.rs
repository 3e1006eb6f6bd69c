//! What ingest itself does because of the events it publishes.

mod on_contact_added;

use std::sync::Arc;

use scrm_mq::{Consumer, topology};

use crate::app::Reader;

/// Returns the consumer that wants new customers to be read from WeCom.
pub(crate) fn profiles(reader: &Arc<Reader>) -> Consumer {
    let handler = on_contact_added::OnContactAdded { reader: Arc::clone(reader) };
    Consumer::new(topology::INGEST_PROFILE, reader.db().clone()).on(handler)
}
