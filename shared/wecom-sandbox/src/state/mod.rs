//! What changes in a corp: tokens, members, customers, tags, ways, messages, suites that are installed.
//!
//! It is in memory, and every change is a line in the corp's journal: the whole new value of one thing. Changing and
//! replaying are the same step, so a restart, also after kill -9, finds what was there.

mod book;
mod card;
mod happening;
mod journal;
mod media;
mod meeting;
mod meter;
mod phone;
mod range;
mod relation;
mod suite;
mod tag;
mod token;
mod transfer;
mod way;
mod welcome;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use book::{Book, Member};
pub(crate) use card::{CODE_LIFE_MS, Card, CardCode, Cards, TaskName};
pub(crate) use journal::{Journal, opened};
pub(crate) use media::{Media, Shelf};
pub(crate) use meeting::{Met, Through};
pub(crate) use meter::{DAY_MS, HOUR_MS, Limit, MINUTE_MS, MONTH_MS, Meter, Repeat};
pub(crate) use phone::{Phones, Shown};
pub use range::Visible;
pub(crate) use range::{Range, Ranges};
pub(crate) use relation::{Relation, Relations, Standing};
pub(crate) use suite::{DEALS, Suites};
pub(crate) use tag::{CorpTag, Group, Tags};
pub(crate) use token::{Token, Tokens};
pub(crate) use transfer::{DONE, REFUSED, Transfer, Transfers, WAITING};
pub(crate) use way::{Way, Ways, parties, users};
pub(crate) use welcome::{WINDOW_MS, Welcome, Welcomes};

use crate::company::Company;
use crate::draw::Draw;
use crate::error::{Error, Result};
use crate::settings::Settings;
use suite::{AuthCode, Grant, Ticket};

/// The journal is written anew when it has more lines than twice what is there plus this.
const SLACK: usize = 10_000;

/// A change: the new value of one thing.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    Settings(Settings),
    Token(Token),
    Member(Member),
    /// A member has another userid from now on.
    Renamed {
        from: String,
        to: String,
    },
    Group(Group),
    Way(Way),
    Handed {
        config_id: String,
        handed: u64,
    },
    Relation(Relation),
    Welcome(Welcome),
    Transfer(Transfer),
    Media(Media),
    Card(Card),
    CardCode(CardCode),
    TaskName(TaskName),
    SuiteToken(Token),
    Ticket(Ticket),
    AuthCode(AuthCode),
    Grant(Grant),
    Range(Range),
}

/// A corp and all that changes in it.
pub(crate) struct Corp {
    pub(crate) company: Arc<Company>,
    pub(crate) settings: Settings,
    pub(crate) tokens: Tokens,
    /// The tokens of suites themselves, with which they ask for those of the corp.
    pub(crate) suite_tokens: Tokens,
    pub(crate) suites: Suites,
    pub(crate) book: Book,
    pub(crate) ranges: Ranges,
    pub(crate) tags: Tags,
    pub(crate) ways: Ways,
    pub(crate) relations: Relations,
    pub(crate) welcomes: Welcomes,
    pub(crate) transfers: Transfers,
    pub(crate) media: Shelf,
    pub(crate) cards: Cards,
    pub(crate) phones: Phones,
    pub(crate) meter: Meter,
    pub(crate) chance: Draw,
    /// How many `mark_tag` calls are under way.
    pub(crate) marking: u64,
    /// `None` only while the journal is replayed.
    journal: Option<Journal>,
}

impl Corp {
    /// Opens the state of a company in `folder`, or founds it there.
    pub(crate) fn open(folder: &Path, company: Arc<Company>) -> Result<Self> {
        let path = folder.join(format!("{}.jsonl", company.corp_id));
        let mut corp = Self {
            settings: Settings::default(),
            tokens: Tokens::default(),
            suite_tokens: Tokens::default(),
            suites: Suites::default(),
            book: Book::scripted(&company),
            ranges: Ranges::default(),
            tags: Tags::scripted(&company),
            ways: Ways::default(),
            relations: Relations::default(),
            welcomes: Welcomes::default(),
            transfers: Transfers::default(),
            media: Shelf::new(folder.join("media")),
            cards: Cards::default(),
            phones: Phones::default(),
            meter: Meter::default(),
            chance: Draw::fresh(),
            marking: 0,
            journal: None,
            company,
        };
        let failed = |source| Error::Io { path: path.clone(), source };
        let (mut journal, lines) = Journal::open(&path, |entry| corp.apply(entry)).map_err(failed)?;
        if lines > SLACK && lines > 2 * corp.snapshot().count() + SLACK {
            journal.replace(corp.snapshot()).map_err(failed)?;
        }
        corp.journal = Some(journal);
        Ok(corp)
    }

    /// Makes a change that lasts.
    pub(crate) fn put(&mut self, entry: Entry) {
        if let Some(journal) = &mut self.journal {
            journal.append(&entry);
        }
        self.apply(entry);
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Settings(settings) => self.settings = settings,
            Entry::Token(token) => self.tokens.apply(token),
            Entry::Member(member) => self.book.apply(member),
            Entry::Renamed { from, to } => {
                self.book.rename(&from, &to);
                self.relations.rename(&from, &to);
                self.ways.rename(&from, &to);
                self.transfers.rename(&from, &to);
                self.ranges.rename(&from, &to);
            }
            Entry::Group(group) => self.tags.apply(group),
            Entry::Way(way) => self.ways.apply(way),
            Entry::Handed { config_id, handed } => self.ways.apply_handed(&config_id, handed),
            Entry::Relation(relation) => self.relations.apply(relation),
            Entry::Welcome(welcome) => self.welcomes.apply(welcome),
            Entry::Transfer(transfer) => self.transfers.apply(transfer),
            Entry::Media(media) => self.media.apply(media),
            Entry::Card(card) => self.cards.apply(card),
            Entry::CardCode(code) => self.cards.apply_code(code),
            Entry::TaskName(name) => self.cards.apply_name(name),
            Entry::SuiteToken(token) => self.suite_tokens.apply(token),
            Entry::Ticket(ticket) => self.suites.apply_ticket(ticket),
            Entry::AuthCode(code) => self.suites.apply_code(code),
            Entry::Grant(grant) => self.suites.apply_grant(grant),
            Entry::Range(range) => self.ranges.apply(range),
        }
    }

    /// Returns entries that lead to the present state.
    fn snapshot(&self) -> impl Iterator<Item = Entry> {
        std::iter::once(Entry::Settings(self.settings.clone()))
            .chain(self.tokens.snapshot().cloned().map(Entry::Token))
            .chain(self.book.snapshot().cloned().map(Entry::Member))
            .chain(self.tags.groups.iter().cloned().map(Entry::Group))
            .chain(self.ways.snapshot().cloned().map(Entry::Way))
            .chain(self.relations.snapshot().cloned().map(Entry::Relation))
            .chain(self.welcomes.snapshot().cloned().map(Entry::Welcome))
            .chain(self.transfers.all().iter().cloned().map(Entry::Transfer))
            .chain(self.media.snapshot().cloned().map(Entry::Media))
            .chain(self.cards.snapshot().cloned().map(Entry::Card))
            .chain(self.cards.snapshot_codes().cloned().map(Entry::CardCode))
            .chain(self.cards.snapshot_names().map(Entry::TaskName))
            .chain(self.suite_tokens.snapshot().cloned().map(Entry::SuiteToken))
            .chain(self.suites.snapshot())
            .chain(self.ranges.snapshot().map(Entry::Range))
    }
}
