//! Prints what happens, for somebody who watches in a terminal.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};

use scrm_wecom_sandbox::Arrival;
use tokio::sync::broadcast;

use crate::tally::SeenLead;

/// Prints a line for each lead, with what the simulated company knows of the customer.
pub(super) struct Feed {
    pub(super) arrivals: broadcast::Receiver<Arrival>,
    pub(super) known: HashMap<String, Arrival>,
}

impl Feed {
    pub(super) fn print(&mut self, lead: &SeenLead) {
        loop {
            match self.arrivals.try_recv() {
                Ok(arrival) => {
                    self.known.insert(arrival.customer.external_user_id.clone(), arrival);
                }
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => break,
            }
        }
        let arrival = self.known.remove(&lead.external_user_id);
        let mut err = std::io::stderr().lock();
        let customer =
            arrival.as_ref().map_or(lead.external_user_id.as_str(), |arrival| arrival.customer.name.as_str());
        let channel = match &arrival {
            Some(Arrival { channel: Some(channel), .. }) => format!("经「{channel}」"),
            _ => lead.channel.as_ref().map_or_else(|| "直接添加".to_owned(), |state| format!("经 {state}")),
        };
        let of_company = || arrival.as_ref().map(|arrival| arrival.staff_name.as_str());
        let owner = lead.owner.name.as_deref().or_else(of_company).unwrap_or(&lead.owner.user_id);
        let wait = lead.assigned_at - lead.received_at;
        writeln!(
            err,
            "{}  {channel} → {}  {}  {}",
            paint("1", customer),
            paint("32", owner),
            paint("2", &format!("{wait} 毫秒")),
            paint("2", &lead.reason.text),
        )
        .ok();
        if lead.welcome.is_final() {
            drop(err);
            Self::print_greeting(lead);
        }
    }

    pub(super) fn print_greeting(lead: &SeenLead) {
        let customer = lead.name.as_deref().unwrap_or(&lead.external_user_id);
        let outcome = match lead.welcome.state.as_str() {
            "sent" => paint("36", "已发欢迎语"),
            "expired" => paint("31", "欢迎语过了 20 秒，未发出"),
            "unknown" => paint("31", "欢迎语结果不明"),
            _ => paint("31", "欢迎语被拒绝"),
        };
        let wait = lead.welcome.at.map_or_else(String::new, |at| format!("{} 毫秒", at - lead.received_at));
        writeln!(std::io::stderr().lock(), "    ↳ {customer}  {outcome}  {}", paint("2", &wait)).ok();
    }
}

/// Colours a text, where somebody watches in a terminal.
fn paint(code: &str, text: &str) -> String {
    if std::io::stderr().is_terminal() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
