//! Handing customers on to a colleague (在职继承).

use serde_json::{Value, json};

use super::book::seen_member;
use super::call::{Answered, Call, Refusal};
use super::contact::checked;
use super::page::continued;
use crate::state::{Corp, DONE, Entry, Transfer, WAITING};

/// The endpoint that begins transfers.
pub(super) const NAME: &str = "externalcontact/transfer_customer";
/// Customers in one call.
const MOST_CUSTOMERS: usize = 100;
/// Rows on one page of results.
const ROWS: usize = 1000;
/// How far back transfers of a customer count, in seconds: 90 days.
const PERIOD_S: i64 = 90 * 24 * 60 * 60;
/// What the customer is told, in characters.
const MOST_MESSAGE_CHARS: usize = 200;

pub(super) fn transfer(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let (handover, takeover) = both(corp, call)?;
    call.short("transfer_success_msg", MOST_MESSAGE_CHARS)?;
    let customers = call.texts("external_userid")?;
    if customers.is_empty() {
        return Err(Refusal::new(41035, "missing external_userid"));
    }
    if customers.len() > MOST_CUSTOMERS {
        return Err(Refusal::parameter(format!("external_userid exceeds {MOST_CUSTOMERS}")));
    }
    let mut rows = Vec::with_capacity(customers.len());
    for customer in customers {
        let hindrance = hindrance(corp, call, &handover, &takeover, customer);
        if hindrance.is_none() {
            begin(corp, call, &handover, &takeover, customer);
        }
        let errcode = hindrance.unwrap_or_default();
        rows.push(json!({ "external_userid": customer, "errcode": errcode }));
    }
    Ok(json!({ "customer": rows }))
}

pub(super) fn result(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let (handover, takeover) = both(corp, call)?;
    let page = call.page(corp, ROWS)?;
    let all = corp.transfers.all().iter().enumerate().skip(page.from);
    let asked = all.filter(|(_, transfer)| transfer.handover == handover && transfer.takeover == takeover);
    let (rows, next) = page.of(asked);
    let row = |transfer: &Transfer| {
        let taken_over = if transfer.status == DONE { transfer.due_at.div_euclid(1000) } else { 0 };
        json!({ "external_userid": transfer.external_user_id, "status": transfer.status, "takeover_time": taken_over })
    };
    Ok(continued(json!({ "customer": rows.into_iter().map(row).collect::<Vec<Value>>() }), next))
}

/// Returns the two members as the company spells them.
fn both(corp: &Corp, call: &Call<'_>) -> Result<(String, String), Refusal> {
    let member = |name: &str| {
        let member = seen_member(corp, call, call.needed(name, 41009)?)?;
        Ok(member.user_id.clone())
    };
    Ok((member("handover_userid")?, member("takeover_userid")?))
}

/// Returns WeCom's errcode for what keeps a customer where he is.
fn hindrance(corp: &Corp, call: &Call<'_>, handover: &str, takeover: &str, customer: &str) -> Option<i64> {
    let of_customer = || corp.transfers.all().iter().filter(|transfer| transfer.external_user_id == customer);
    let is_recent = |transfer: &&Transfer| transfer.status == DONE && transfer.at + PERIOD_S > call.second();
    if checked(customer).is_err() {
        Some(40096)
    } else if handover == takeover {
        Some(40130)
    } else if corp.relations.find(handover, customer).is_none() {
        Some(40131)
    } else if of_customer().any(|transfer| transfer.status == WAITING) {
        Some(40129)
    } else if of_customer().filter(is_recent).count() as u64 >= corp.settings.limits.transfers_per_90_days {
        Some(40128)
    } else {
        None
    }
}

fn begin(corp: &mut Corp, call: &Call<'_>, handover: &str, takeover: &str, customer: &str) {
    let refuses = corp.chance.chance(corp.settings.transfer_refuse);
    let delay = i64::try_from(corp.settings.transfer_delay_s).unwrap_or(i64::MAX).saturating_mul(1000);
    corp.put(Entry::Transfer(Transfer {
        number: corp.transfers.all().len(),
        handover: handover.to_owned(),
        takeover: takeover.to_owned(),
        external_user_id: customer.to_owned(),
        at: call.second(),
        due_at: call.millis().saturating_add(delay),
        refuses,
        status: WAITING,
    }));
}
