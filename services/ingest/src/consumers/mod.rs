//! What ingest itself does because of the events it publishes.

mod on_contact_added;

use scrm_db::Db;
use scrm_mq::{Effects, topology};
use scrm_wecom::client::Client;

/// Customers that are read from WeCom at once.
const READERS: usize = 32;

/// Returns the consumer that reads new customers from WeCom.
pub(crate) fn profiles(db: Db, wecom: Client) -> Effects {
    Effects::new(topology::INGEST_PROFILE, db, READERS).on(on_contact_added::OnContactAdded { wecom })
}
