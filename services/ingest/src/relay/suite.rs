//! What WeCom, or an enterprise, did with a suite of ours.

use scrm_db::Txn;
use scrm_kernel::{CorpId, KeyRing, WecomCorpId};
use scrm_wecom::event::{Body, Event, Suite};
use sea_orm::DbErr;

use super::callback::occurred_at;
use crate::domain::suite::{ErrandKind, Moment};
use crate::store;
use crate::store::callback::Taken;
use crate::store::errand::Cause;

/// One such deed, and of whose suite.
#[derive(Clone)]
pub(super) struct SuiteNews {
    corp: CorpId,
    suite: String,
    told: Moment,
    deed: Deed,
}

#[derive(Clone)]
enum Deed {
    /// WeCom made a new ticket.
    Ticket(String),
    /// An enterprise installed the suite, or renewed its secret, and gave this code.
    Code(ErrandKind, String),
    /// An enterprise changed what the suite may do.
    Changed(WecomCorpId),
    /// An enterprise took its authorisation back.
    Cancelled(WecomCorpId),
}

impl SuiteNews {
    /// Returns what an event tells of a suite that has to be followed up.
    pub(super) fn of(callback: &Taken, event: &Event) -> Option<Self> {
        let Body::Suite(suite) = &event.body else { return None };
        let corp = || event.corp.as_deref().and_then(|corp| WecomCorpId::parse(corp).ok());
        let deed = match suite {
            Suite::Ticket { ticket } => Deed::Ticket(ticket.clone()),
            Suite::AuthCreated { auth_code, .. } => Deed::Code(ErrandKind::Install, auth_code.clone()),
            Suite::CodeReset { auth_code } => Deed::Code(ErrandKind::Reset, auth_code.clone()),
            Suite::AuthChanged { .. } => Deed::Changed(corp()?),
            Suite::AuthCancelled => Deed::Cancelled(corp()?),
            _ => return None,
        };
        let told = Moment { at: occurred_at(callback, event), seq: callback.seq };
        Some(Self { corp: callback.corp, suite: callback.app.clone(), told, deed })
    }

    /// Keeps what was told, or wants it to be followed up; told again, or late, it changes nothing.
    pub(super) async fn note(&self, txn: &Txn, keys: &KeyRing) -> Result<(), DbErr> {
        let Self { corp, suite, told, deed } = self;
        let want = |cause| store::errand::want(txn, keys, *corp, suite, cause, *told);
        match deed {
            Deed::Ticket(ticket) => {
                store::suite::note_ticket(txn, keys, *corp, suite, ticket, told.at).await?;
                store::errand::hurry(txn, *corp, suite).await
            }
            Deed::Code(kind, code) => want(Cause::Code(*kind, code)).await,
            Deed::Changed(wecom_corp) => want(Cause::Changed(wecom_corp)).await,
            Deed::Cancelled(wecom_corp) => {
                store::authorization::cancel(txn, suite, *corp, wecom_corp, *told).await?;
                let place = store::authorization::place(txn, suite, wecom_corp.as_str()).await?;
                if let Some((corp, app)) = place {
                    store::token::forget(txn, corp, &app).await?;
                }
                Ok(())
            }
        }
    }
}
