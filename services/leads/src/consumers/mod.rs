//! What the service listens to.

mod contact;
mod on_card_clicked;
mod on_card_outdated;
mod on_cards_gathered;
mod on_channel_changed;
mod on_contact_added;
mod on_contact_removed;
mod on_customer_read;
mod on_lead_assigned;
mod on_lead_submitted;
mod on_staff_changed;
mod on_transfer_failed;
mod on_transfer_requested;
mod on_welcome_due;

use std::sync::Arc;

use scrm_db::Db;
use scrm_kernel::KeyRing;
use scrm_mq::{Consumer, Effects, topology};
use scrm_people::OnDepartmentChanged;
use scrm_proto::leads::v1::{CardAnswered, CardSuperseded};

use crate::app::App;

/// Welcome messages that are on their way at once: each may wait two seconds for a name.
const GREETERS: usize = 1024;
/// Contact ways that are made or changed at once.
const CHANNELS: usize = 8;

/// Cards that are on their way at once: each may wait a second for a name.
const TELLERS: usize = 1024;
/// Changes of cards that are on their way at once.
const CHANGERS: usize = 64;

/// Transfers that WeCom is asked for at once.
const ASKERS: usize = 4;

/// Returns the consumer of new contacts.
pub(crate) fn contacts(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::LEADS_CONTACT, db)
        .ahead_of_others()
        .on(on_contact_added::OnContactAdded { app: Arc::clone(app) })
}

/// Returns the consumer of what is told about customers.
pub(crate) fn customers(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::LEADS_CUSTOMER, db)
        .on(on_customer_read::OnCustomerRead { app: Arc::clone(app) })
        .on(on_contact_removed::OnContactRemoved { app: Arc::clone(app) })
        .on(on_transfer_failed::OnTransferFailed { app: Arc::clone(app) })
}

/// Returns the consumer of what the directory tells of the staff.
pub(crate) fn staff(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::LEADS_STAFF, db)
        .on(on_staff_changed::OnStaffChanged { app: Arc::clone(app) })
        .on(OnDepartmentChanged)
}

/// Returns the consumer that greets new contacts.
pub(crate) fn welcomes(app: &Arc<App>, db: Db) -> Effects {
    Effects::new(topology::LEADS_WELCOME, db, GREETERS)
        .on(on_welcome_due::OnWelcomeDue { app: Arc::clone(app) })
}

/// Returns the consumer that makes contact ways what they should be.
pub(crate) fn channels(app: &Arc<App>, db: Db) -> Effects {
    Effects::new(topology::LEADS_CHANNEL, db, CHANNELS)
        .on(on_channel_changed::OnChannelChanged { app: Arc::clone(app) })
}

/// Returns the consumer of what people left with lead sources.
pub(crate) fn submissions(app: &Arc<App>, keys: KeyRing, db: Db) -> Consumer {
    let handler = on_lead_submitted::OnLeadSubmitted { app: Arc::clone(app), keys };
    Consumer::new(topology::LEADS_SUBMISSION, db).ahead_of_others().on(handler)
}

/// Returns the consumer that tells owners of new leads.
pub(crate) fn cards(app: &Arc<App>, db: Db) -> Effects {
    Effects::new(topology::LEADS_CARD, db, TELLERS)
        .on(on_lead_assigned::OnLeadAssigned { app: Arc::clone(app) })
        .on(on_cards_gathered::OnCardsGathered { app: Arc::clone(app) })
}

/// Returns the consumer of pressed buttons.
pub(crate) fn card_clicks(app: &Arc<App>, db: Db) -> Consumer {
    Consumer::new(topology::LEADS_CARD_CLICK, db).on(on_card_clicked::OnCardClicked { app: Arc::clone(app) })
}

/// Returns the consumer that changes cards.
pub(crate) fn card_answers(app: &Arc<App>, db: Db) -> Effects {
    Effects::new(topology::LEADS_CARD_ANSWER, db, CHANGERS)
        .on::<CardAnswered>(on_card_outdated::OnCardOutdated { app: Arc::clone(app) })
        .on::<CardSuperseded>(on_card_outdated::OnCardOutdated { app: Arc::clone(app) })
}

/// Returns the consumer that asks WeCom to hand customers over.
pub(crate) fn transfers(app: &Arc<App>, db: Db) -> Effects {
    Effects::new(topology::LEADS_TRANSFER, db, ASKERS)
        .on(on_transfer_requested::OnTransferRequested { app: Arc::clone(app) })
}
