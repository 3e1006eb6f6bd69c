//! What the service listens to.

mod on_contact;
mod on_contact_channelled;
mod on_customer;
mod on_relation_tags_wanted;
mod on_staff_changed;
mod on_tag_wanted;
mod on_tags_read;
mod parse;

use std::sync::Arc;

use scrm_db::Db;
use scrm_mq::{Consumer, Effects, topology};
use scrm_people::OnDepartmentChanged;

use crate::app::App;

/// Relations whose tags are being changed at once; of one enterprise the client lets only a few through.
const MARKERS: usize = 16;

/// Returns the consumer of what is told of customers.
pub(crate) fn contacts(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::CUSTOMERS_CONTACT, db)
        .on(on_contact::OnContactAdded { app: Arc::clone(app) })
        .on(on_contact::OnContactRemoved { app: Arc::clone(app) })
        .on(on_customer::OnCustomerRead { app: Arc::clone(app) })
        .on(on_customer::OnCustomerGone { app: Arc::clone(app) })
        .on(on_tags_read::OnTagsRead { app: Arc::clone(app) })
}

/// Returns the consumer of customers who came through a channel.
pub(crate) fn channels(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::CUSTOMERS_CHANNEL, db)
        .on(on_contact_channelled::OnContactChannelled { app: Arc::clone(app) })
}

/// Returns the consumer that brings tags to WeCom.
pub(crate) fn tags(app: &Arc<App>, db: Db) -> Effects {
    Effects::new(topology::CUSTOMERS_TAG, db, MARKERS)
        .on(on_relation_tags_wanted::OnRelationTagsWanted { app: Arc::clone(app) })
        .on(on_tag_wanted::OnTagWanted { app: Arc::clone(app) })
}

/// Returns the consumer of who works here.
pub(crate) fn staff(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::CUSTOMERS_STAFF, db)
        .on(on_staff_changed::OnStaffChanged { app: Arc::clone(app) })
        .on(OnDepartmentChanged)
}
