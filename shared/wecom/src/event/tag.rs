//! The corp's library of customer tags (`change_external_tag`). Tagging a customer is an edit of the contact instead.

use super::table::{choice, family};

family! {
    /// The library changed; an event for a group of tags stands for the tags in it.
    pub enum Tag {
        /// A tag or group was made.
        Created = "tag_created", "change_external_tag" / "create" {
            /// The tag or group.
            id: String = "Id",
            /// Which of the two.
            tag_type: Option<TagType> = "TagType",
            /// The rule group it belongs to.
            strategy_id: Option<u64> = "StrategyId",
        };
        /// A tag or group has another name or place.
        Updated = "tag_updated", "change_external_tag" / "update" {
            /// The tag or group.
            id: String = "Id",
            /// Which of the two.
            tag_type: Option<TagType> = "TagType",
            /// The rule group it belongs to.
            strategy_id: Option<u64> = "StrategyId",
        };
        /// A tag or group is gone.
        Deleted = "tag_deleted", "change_external_tag" / "delete" {
            /// The tag or group.
            id: String = "Id",
            /// Which of the two.
            tag_type: Option<TagType> = "TagType",
            /// The rule group it belonged to.
            strategy_id: Option<u64> = "StrategyId",
        };
        /// Tags have another order.
        Shuffled = "tag_shuffled", "change_external_tag" / "shuffle" {
            /// The group, if it is one group's tags.
            id: Option<String> = "Id",
            /// The rule group.
            strategy_id: Option<u64> = "StrategyId",
        };
    }
}

choice! {
    /// What an id of the library stands for.
    pub enum TagType {
        /// One tag.
        Tag = "tag",
        /// A group of tags.
        Group = "tag_group",
    }
}
