//! Group chats with customers (`change_external_chat`).

use super::table::{choice, family};

family! {
    /// A group chat with customers begins, changes or ends.
    pub enum Group {
        /// The group was made.
        Created = "group_created", "change_external_chat" / "create" {
            /// The group.
            chat_id: String = "ChatId",
        };
        /// Something in the group changed.
        ///
        /// Members may be applied when the stored version is `last_version`; otherwise read the group again, about two
        /// seconds later, because the API may lag behind.
        Updated = "group_updated", "change_external_chat" / "update" {
            /// The group.
            chat_id: String = "ChatId",
            /// What changed; missing in old events.
            detail: Option<GroupDetail> = "UpdateDetail",
            /// How members came in.
            join_scene: Option<JoinScene> = "JoinScene",
            /// How members went out.
            quit_scene: Option<QuitScene> = "QuitScene",
            /// How many members came or went.
            member_count: Option<u32> = "MemChangeCnt",
            /// Who came or went, userids and customers' ids mixed; may be cut short.
            members: Vec<String> = "MemChangeList/Item",
            /// Version of the member list before.
            last_version: Option<String> = "LastMemVer",
            /// Version of the member list now.
            version: Option<String> = "CurMemVer",
        };
        /// The group was dissolved.
        Dismissed = "group_dismissed", "change_external_chat" / "dismiss" {
            /// The group.
            chat_id: String = "ChatId",
        };
    }
}

choice! {
    /// What changed in a group.
    pub enum GroupDetail {
        /// Members came in.
        MembersAdded = "add_member",
        /// Members went out.
        MembersRemoved = "del_member",
        /// The group has another owner.
        OwnerChanged = "change_owner",
        /// The group has another name.
        NameChanged = "change_name",
        /// The group has another notice.
        NoticeChanged = "change_notice",
    }
}

choice! {
    /// How members came in. These numbers are not those of `join_scene` in the API.
    pub enum JoinScene {
        /// Invited by a member, directly or through a link.
        Invited = "0",
        /// Scanned the group's code.
        ScannedCode = "3",
    }
}

choice! {
    /// How members went out.
    pub enum QuitScene {
        /// By themselves.
        Left = "0",
        /// Removed by the owner or an administrator.
        Removed = "1",
    }
}
