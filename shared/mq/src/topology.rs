//! Every queue of every service, as data.
//!
//! All of it is declared at each start, so that no event is unroutable because a service was never started.

use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::Pace;
use scrm_proto::{Event as _, customers, directory, ingest, leads, wecom};

/// Where events go that no queue wants.
pub const UNROUTED: &str = "scrm.unrouted";

/// New contacts, for the service that makes leads of them.
pub const LEADS_CONTACT: Queue = Queue {
    name: "leads.contact",
    kinds: &[wecom::v1::ContactAdded::KIND],
    ladder: Ladder::Standard,
    rank: Rank::First,
};

/// What leads keeps of customers and their relations with members: names, which relations have ended, and which
/// customers did not go over.
pub const LEADS_CUSTOMER: Queue = Queue {
    name: "leads.customer",
    kinds: &[wecom::v1::CustomerRead::KIND, wecom::v1::ContactRemoved::KIND, wecom::v1::TransferFailed::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// New contacts, for the welcome message: worthless after 20 seconds.
pub const LEADS_WELCOME: Queue = Queue {
    name: "leads.welcome",
    kinds: &[wecom::v1::ContactAdded::KIND],
    ladder: Ladder::Urgent,
    rank: Rank::Soon,
};

/// Channels whose contact way in WeCom is to be made, changed or ended.
pub const LEADS_CHANNEL: Queue = Queue {
    name: "leads.channel",
    kinds: &[leads::v1::ChannelChanged::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};
/// Leads with a new owner, and leads that were too many for cards of their own: the owner is told in WeCom.
pub const LEADS_CARD: Queue = Queue {
    name: "leads.card",
    kinds: &[leads::v1::LeadAssigned::KIND, leads::v1::CardsGathered::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// Pressed buttons of cards.
pub const LEADS_CARD_CLICK: Queue = Queue {
    name: "leads.card_click",
    kinds: &[wecom::v1::CardClicked::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// Cards that were answered or are out of date, and shall look so.
pub const LEADS_CARD_ANSWER: Queue = Queue {
    name: "leads.card_answer",
    kinds: &[leads::v1::CardAnswered::KIND, leads::v1::CardSuperseded::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// Customers who are to go over to another member: WeCom is asked to hand them over.
pub const LEADS_TRANSFER: Queue = Queue {
    name: "leads.transfer",
    kinds: &[leads::v1::TransferRequested::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// New contacts, whose profile is then read from WeCom.
pub const INGEST_PROFILE: Queue = Queue {
    name: "ingest.profile",
    kinds: &[wecom::v1::ContactAdded::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};
/// What forms and other systems submit, for the service that finds an owner for it.
pub const LEADS_SUBMISSION: Queue = Queue {
    name: "leads.submission",
    kinds: &[ingest::v1::LeadSubmitted::KIND],
    ladder: Ladder::Standard,
    rank: Rank::First,
};

/// Members of the staff: who has which id, who is away, and who belongs to which department.
pub const LEADS_STAFF: Queue = Queue {
    name: "leads.staff",
    kinds: &[directory::v1::StaffChanged::KIND, directory::v1::DepartmentChanged::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// Who works here, as it was read from WeCom.
pub const DIRECTORY_ROSTER: Queue = Queue {
    name: "directory.roster",
    kinds: &[
        wecom::v1::MemberRead::KIND,
        wecom::v1::MemberGone::KIND,
        wecom::v1::MemberRenamed::KIND,
        wecom::v1::DepartmentsRead::KIND,
    ],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// What is told of customers, of who has them as contact, and of the tags there are.
pub const CUSTOMERS_CONTACT: Queue = Queue {
    name: "customers.contact",
    kinds: &[
        wecom::v1::ContactAdded::KIND,
        wecom::v1::ContactRemoved::KIND,
        wecom::v1::CustomerRead::KIND,
        wecom::v1::CustomerGone::KIND,
        wecom::v1::TagsRead::KIND,
    ],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// Customers who came through a channel, for their tags and their timeline.
pub const CUSTOMERS_CHANNEL: Queue = Queue {
    name: "customers.channel",
    kinds: &[leads::v1::ContactChannelled::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// Relations whose tags in WeCom are to change, and tags that are to be made there.
pub const CUSTOMERS_TAG: Queue = Queue {
    name: "customers.tag",
    kinds: &[customers::v1::RelationTagsWanted::KIND, customers::v1::TagWanted::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// Members of the staff, by whom customers are shown to those who may see only some.
pub const CUSTOMERS_STAFF: Queue = Queue {
    name: "customers.staff",
    kinds: &[directory::v1::StaffChanged::KIND, directory::v1::DepartmentChanged::KIND],
    ladder: Ladder::Standard,
    rank: Rank::Later,
};

/// A queue: one consumer of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// `service.consumer`.
    pub name: &'static str,
    /// The kinds of event it wants.
    pub kinds: &'static [&'static str],
    /// How it retries.
    pub ladder: Ladder,
    /// Who goes first when one process cannot handle everything at once.
    pub rank: Rank,
}

/// Whose messages wait while others are handled, if one process cannot handle all at once. None waits for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// Somebody waits for it: whose a new lead is.
    First,
    /// Worthless after a while.
    Soon,
    /// All else.
    Later,
}

impl Rank {
    /// Returns how often a lane, or a desk, begins a transaction on `db` for such messages unless many wait. What nobody
    /// waits for shares one. On PostgreSQL one costs a dozen changes between processes, so there they begin less often.
    pub(crate) fn pace(self, db: &Db) -> Pace {
        Pace::every(Duration::from_millis(match (self, db.is_sqlite()) {
            (Self::First, true) => 0,
            (Self::First, false) => 10,
            (Self::Soon, true) => 25,
            (Self::Soon, false) => 100,
            (Self::Later, true) => 50,
            (Self::Later, false) => 200,
        }))
    }
}

/// How long to wait before each further attempt; after the last one a message is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ladder {
    /// 10 s, 1 min, 10 min, 1 h.
    Standard,
    /// 0.3 s, 1 s, then every 3 s until 16 s are over: for what is worthless after 20 seconds.
    Urgent,
    /// These, shortest first: for tests that cannot wait so long.
    Custom(&'static [Duration]),
}

impl Ladder {
    /// Returns the waits, in order; the same one may come several times.
    pub const fn rungs(self) -> &'static [Duration] {
        const STANDARD: &[Duration] = &[
            Duration::from_secs(10),
            Duration::from_mins(1),
            Duration::from_mins(10),
            Duration::from_hours(1),
        ];
        const THREE: Duration = Duration::from_secs(3);
        const URGENT: &[Duration] =
            &[Duration::from_millis(300), Duration::from_secs(1), THREE, THREE, THREE, THREE, THREE];
        match self {
            Self::Standard => STANDARD,
            Self::Urgent => URGENT,
            Self::Custom(rungs) => rungs,
        }
    }

    /// Returns the wait after `failures` failed attempts before this one; `None` when there is no further attempt.
    pub fn wait_after(self, failures: u32) -> Option<Duration> {
        self.rungs().get(usize::try_from(failures).ok()?).copied()
    }
}

/// The queues that exist.
#[derive(Debug, Clone)]
pub struct Topology {
    queues: Vec<Queue>,
}

impl Topology {
    /// Returns the queues of all services.
    pub fn of_all_services() -> Self {
        let queues = vec![
            CUSTOMERS_CHANNEL,
            CUSTOMERS_CONTACT,
            CUSTOMERS_STAFF,
            CUSTOMERS_TAG,
            DIRECTORY_ROSTER,
            INGEST_PROFILE,
            LEADS_CARD,
            LEADS_CARD_ANSWER,
            LEADS_CARD_CLICK,
            LEADS_CHANNEL,
            LEADS_CONTACT,
            LEADS_CUSTOMER,
            LEADS_STAFF,
            LEADS_SUBMISSION,
            LEADS_TRANSFER,
            LEADS_WELCOME,
        ];
        Self { queues }
    }

    /// Returns a topology of just these queues, for tests of a single service.
    pub const fn of(queues: Vec<Queue>) -> Self {
        Self { queues }
    }

    /// Returns the queues.
    pub fn queues(&self) -> &[Queue] {
        &self.queues
    }

    /// Returns the names of the queues that want events of `kind`.
    pub fn queues_for<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'static str> + 'a {
        self.queues.iter().filter(move |queue| queue.kinds.contains(&kind)).map(|queue| queue.name)
    }
}

/// Returns the name of the queue that holds what `queue` gave up.
pub fn dead(queue: &str) -> String {
    format!("{queue}.dead")
}

/// Events that are published and wanted by nobody yet.
pub const ANNOUNCED: &[&str] = &[directory::v1::CalendarChanged::KIND];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_is_wanted_or_known_to_be_unwanted() {
        let topology = Topology::of_all_services();
        for kind in scrm_proto::KINDS {
            let wanted = topology.queues_for(kind).next().is_some();
            assert!(wanted != ANNOUNCED.contains(kind), "{kind} is neither or both");
        }
    }

    #[test]
    fn queues_are_named_after_their_service_and_want_events_that_exist() {
        for queue in Topology::of_all_services().queues() {
            assert_eq!(queue.name.split('.').count(), 2, "{}", queue.name);
            assert!(queue.kinds.iter().all(|kind| scrm_proto::KINDS.contains(kind)), "{}", queue.name);
        }
    }

    #[test]
    fn a_ladder_ends() {
        assert_eq!(Ladder::Standard.wait_after(3), Some(Duration::from_hours(1)));
        assert_eq!(Ladder::Standard.wait_after(4), None);
        assert_eq!(Ladder::Urgent.wait_after(7), None);
    }
}
