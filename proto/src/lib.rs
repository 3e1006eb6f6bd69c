#![doc = include_str!("../README.md")]

mod envelope;

pub use envelope::{BadEvent, Envelope, Event};

/// What happened inside WeCom.
pub mod wecom {
    /// Version 1.
    #[expect(missing_docs, clippy::pedantic, reason = "generated; documented in the .proto file")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/scrm.wecom.v1.rs"));
    }
}

/// What came from outside, and not from WeCom.
pub mod ingest {
    /// Version 1.
    #[expect(missing_docs, clippy::doc_markdown, reason = "generated; documented in the .proto file")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/scrm.ingest.v1.rs"));

        /// The place for which [`LeadSubmitted::personal`] is sealed.
        pub const PERSONAL: &str = "ingest.v1.lead_submitted.personal";
    }
}

/// Who works here.
pub mod directory {
    /// Version 1.
    #[expect(missing_docs, clippy::doc_markdown, reason = "generated; documented in the .proto file")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/scrm.directory.v1.rs"));
    }
}

/// What happened to leads.
pub mod leads {
    /// Version 1.
    #[expect(missing_docs, reason = "generated; documented in the .proto file")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/scrm.leads.v1.rs"));
    }
}

/// Who customers are.
pub mod customers {
    /// Version 1.
    #[expect(missing_docs, reason = "generated; documented in the .proto file")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/scrm.customers.v1.rs"));
    }
}

macro_rules! events {
    ($($event:ty = $kind:literal by $key:ident;)+) => {
        $(impl Event for $event {
            const KIND: &'static str = $kind;

            fn corp_id(&self) -> &str {
                &self.corp_id
            }

            fn key(&self) -> &str {
                &self.$key
            }
        })+

        /// The routing keys of all events.
        pub const KINDS: &[&str] = &[$($kind),+];
    };
}

events! {
    wecom::v1::ContactAdded = "wecom.v1.contact_added" by external_user_id;
    wecom::v1::ContactRemoved = "wecom.v1.contact_removed" by external_user_id;
    wecom::v1::CustomerRead = "wecom.v1.customer_read" by external_user_id;
    wecom::v1::CardClicked = "wecom.v1.card_clicked" by task_id;
    wecom::v1::TransferFailed = "wecom.v1.transfer_failed" by external_user_id;
    wecom::v1::CustomerGone = "wecom.v1.customer_gone" by external_user_id;
    wecom::v1::MemberRead = "wecom.v1.member_read" by user_id;
    wecom::v1::MemberGone = "wecom.v1.member_gone" by user_id;
    wecom::v1::MemberRenamed = "wecom.v1.member_renamed" by user_id;
    wecom::v1::DepartmentsRead = "wecom.v1.departments_read" by corp_id;
    wecom::v1::TagsRead = "wecom.v1.tags_read" by corp_id;
    ingest::v1::LeadSubmitted = "ingest.v1.lead_submitted" by submission_id;
    directory::v1::StaffChanged = "directory.v1.staff_changed" by staff_id;
    directory::v1::DepartmentChanged = "directory.v1.department_changed" by department_id;
    directory::v1::CalendarChanged = "directory.v1.calendar_changed" by calendar_id;
    leads::v1::LeadAssigned = "leads.v1.lead_assigned" by lead_id;
    leads::v1::TransferRequested = "leads.v1.transfer_requested" by lead_id;
    leads::v1::ChannelChanged = "leads.v1.channel_changed" by channel_id;
    leads::v1::CardsGathered = "leads.v1.cards_gathered" by user_id;
    leads::v1::CardAnswered = "leads.v1.card_answered" by lead_id;
    leads::v1::CardSuperseded = "leads.v1.card_superseded" by lead_id;
    leads::v1::ContactChannelled = "leads.v1.contact_channelled" by external_user_id;
    customers::v1::RelationTagsWanted = "customers.v1.relation_tags_wanted" by relation_id;
    customers::v1::TagWanted = "customers.v1.tag_wanted" by tag_wish_id;
}
