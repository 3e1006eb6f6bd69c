//! What passes between the company and the suites of a provider: tickets, codes, and what the company granted.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Corp, Entry, Token};
use crate::draw::URL_SAFE;
use crate::event::Event;

/// How long a ticket is good, in milliseconds: thirty minutes.
const TICKET_LIFE_MS: i64 = 30 * 60 * 1000;
/// How long an auth code is good, in milliseconds: ten minutes.
const CODE_LIFE_MS: i64 = 10 * 60 * 1000;

/// The events of a suite that are about itself.
pub(crate) const DEALS: &[&str] =
    &["suite_ticket", "create_auth", "reset_permanent_code", "change_auth", "cancel_auth"];

/// A ticket that was pushed to a suite.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// The sandbox's word for the suite.
    pub(crate) suite: String,
    pub(crate) text: String,
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
}

/// What a suite gets its permanent code for, once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AuthCode {
    pub(crate) suite: String,
    pub(crate) text: String,
    /// Since when, in milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) used: bool,
}

/// What a suite may do in the company: everything with a permanent code, nothing without one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) suite: String,
    pub(crate) permanent_code: Option<String>,
}

/// All of these.
#[derive(Default)]
pub(crate) struct Suites {
    tickets: Vec<Ticket>,
    codes: Vec<AuthCode>,
    grants: Vec<Grant>,
}

impl Suites {
    pub(super) fn apply_ticket(&mut self, ticket: Ticket) {
        self.tickets.retain(|known| ticket.at < known.at + TICKET_LIFE_MS);
        self.tickets.push(ticket);
    }

    pub(super) fn apply_code(&mut self, code: AuthCode) {
        self.codes.retain(|known| (&known.suite, &known.text) != (&code.suite, &code.text));
        self.codes.push(code);
    }

    pub(super) fn apply_grant(&mut self, grant: Grant) {
        self.grants.retain(|known| known.suite != grant.suite);
        self.grants.push(grant);
    }

    pub(super) fn snapshot(&self) -> impl Iterator<Item = Entry> {
        let tickets = self.tickets.iter().cloned().map(Entry::Ticket);
        let codes = self.codes.iter().cloned().map(Entry::AuthCode);
        tickets.chain(codes).chain(self.grants.iter().cloned().map(Entry::Grant))
    }

    /// Says whether a suite got this ticket, and lately enough.
    pub(crate) fn is_ticket(&self, suite: &str, text: &str, now: i64) -> bool {
        self.ticket(suite, text).is_some_and(|ticket| now < ticket.at + TICKET_LIFE_MS)
    }

    /// Returns when a suite got its newest ticket.
    pub(crate) fn newest_ticket(&self, suite: &str) -> Option<i64> {
        self.tickets.iter().filter(|ticket| ticket.suite == suite).map(|ticket| ticket.at).max()
    }

    /// Returns the permanent code of a suite that the company has installed.
    pub(crate) fn permanent_code(&self, suite: &str) -> Option<&str> {
        self.grants.iter().find(|grant| grant.suite == suite)?.permanent_code.as_deref()
    }

    fn ticket(&self, suite: &str, text: &str) -> Option<&Ticket> {
        self.tickets.iter().find(|ticket| ticket.suite == suite && ticket.text == text)
    }

    fn code(&self, suite: &str, text: &str) -> Option<&AuthCode> {
        self.codes.iter().find(|code| code.suite == suite && code.text == text)
    }
}

impl Corp {
    /// Makes true what a suite is told about itself; returns the event with the ticket or code that it must name.
    pub(crate) fn deal(&mut self, event: Event, now: i64) -> Event {
        let Some((name, None)) = event.kind() else { return event };
        let suite = event.app().to_owned();
        match name {
            "suite_ticket" => {
                let (event, text) = self.naming(event, "SuiteTicket");
                // A repetition does not make it younger.
                if self.suites.ticket(&suite, &text).is_none() {
                    self.put(Entry::Ticket(Ticket { suite, text, at: now }));
                }
                event
            }
            "create_auth" => self.offer(event, suite, now),
            "reset_permanent_code" => {
                self.withdraw(&suite, now);
                self.offer(event, suite, now)
            }
            "cancel_auth" => {
                if event.text("AuthCorpId").is_none_or(|corp_id| corp_id == self.company.corp_id) {
                    self.withdraw(&suite, now);
                    self.spend_all(&suite);
                }
                event
            }
            _ => event,
        }
    }

    /// Gives a suite a new permanent code for an auth code that is good, and none for another one.
    pub(crate) fn grant(&mut self, suite: &str, auth_code: &str, now: i64) -> Option<String> {
        let code = self.suites.code(suite, auth_code)?;
        if code.used || now >= code.at + CODE_LIFE_MS {
            return None;
        }
        let spent = AuthCode { used: true, ..code.clone() };
        self.put(Entry::AuthCode(spent));
        self.withdraw(suite, now);
        let permanent_code = self.chance.text(URL_SAFE, 43);
        self.put(Entry::Grant(Grant {
            suite: suite.to_owned(),
            permanent_code: Some(permanent_code.clone()),
        }));
        Some(permanent_code)
    }

    /// Lets the event of a suite name an auth code that is good from now on, unless it is an old one.
    fn offer(&mut self, event: Event, suite: String, now: i64) -> Event {
        let (event, text) = self.naming(event, "AuthCode");
        if self.suites.code(&suite, &text).is_none() {
            self.put(Entry::AuthCode(AuthCode { suite, text, at: now, used: false }));
        }
        event
    }

    /// Returns an event that has this field, and its text: a drawn one if it was missing.
    fn naming(&mut self, event: Event, field: &str) -> (Event, String) {
        match event.value(field) {
            Some(Value::String(text)) => {
                let text = text.clone();
                (event, text)
            }
            Some(other) => {
                let text = other.to_string();
                (event, text)
            }
            None => {
                let text = self.chance.text(URL_SAFE, 64);
                (event.field(field, text.as_str()), text)
            }
        }
    }

    /// Ends what a suite may do: its permanent code and its access token are dead.
    fn withdraw(&mut self, suite: &str, now: i64) {
        if self.suites.permanent_code(suite).is_some() {
            self.put(Entry::Grant(Grant { suite: suite.to_owned(), permanent_code: None }));
        }
        if let Some(token) = self.tokens.current(suite, now) {
            let revoked = Token { revoked: true, ..token.clone() };
            self.put(Entry::Token(revoked));
        }
    }

    fn spend_all(&mut self, suite: &str) {
        let offered = self.suites.codes.iter().filter(|code| code.suite == suite && !code.used);
        for code in offered.cloned().collect::<Vec<AuthCode>>() {
            self.put(Entry::AuthCode(AuthCode { used: true, ..code }));
        }
    }
}
