//! The contact book: members, departments and their tags (`change_contact`; WeCom documents 90971 to 90973).

use scrm_kernel::WecomUserId;

use super::field::{Commas, Told};
use super::table::{choice, family, record};

family! {
    /// The contact book changes.
    pub enum Book {
        /// A member was added.
        MemberCreated = "member_created", "change_contact" / "create_user" {
            /// The member.
            user_id: WecomUserId = "UserID|OpenUserID",
            /// What this app may know of them.
            profile: Box<Profile> = "",
        };
        /// A member changed.
        MemberUpdated = "member_updated", "change_contact" / "update_user" {
            /// The member, by the id they had.
            user_id: WecomUserId = "UserID|OpenUserID",
            /// The id they have from now on; archived chats keep the old one.
            new_user_id: Option<WecomUserId> = "NewUserID",
            /// What changed.
            profile: Box<Profile> = "",
        };
        /// A member left or was deleted; their customers may need somebody.
        MemberDeleted = "member_deleted", "change_contact" / "delete_user" {
            /// The member.
            user_id: WecomUserId = "UserID|OpenUserID",
        };
        /// A department was added.
        DepartmentCreated = "department_created", "change_contact" / "create_party" {
            /// The department.
            id: u64 = "Id",
            /// Its name.
            name: Option<String> = "Name",
            /// The department above.
            parent_id: Option<u64> = "ParentId",
            /// Its place among its siblings; larger comes first.
            order: Option<u64> = "Order",
        };
        /// A department changed; only what changed is given.
        DepartmentUpdated = "department_updated", "change_contact" / "update_party" {
            /// The department.
            id: u64 = "Id",
            /// Its name.
            name: Option<String> = "Name",
            /// The department above.
            parent_id: Option<u64> = "ParentId",
        };
        /// A department was deleted.
        DepartmentDeleted = "department_deleted", "change_contact" / "delete_party" {
            /// The department.
            id: u64 = "Id",
        };
        /// A tag of members has others now.
        MemberTagUpdated = "member_tag_updated", "change_contact" / "update_tag" {
            /// The tag.
            tag_id: u64 = "TagId",
            /// Members who have it now.
            added_users: Commas<WecomUserId> = "AddUserItems",
            /// Members who no longer have it.
            removed_users: Commas<WecomUserId> = "DelUserItems",
            /// Departments that have it now.
            added_departments: Commas<u64> = "AddPartyItems",
            /// Departments that no longer have it.
            removed_departments: Commas<u64> = "DelPartyItems",
        };
        /// An import or export of the contact book came to its end.
        BatchFinished = "batch_job_finished", "batch_job_result" {
            /// The job.
            job_id: String = "BatchJob/JobId",
            /// `sync_user`, `replace_user`, `invite_user`, `replace_party`.
            job_type: Option<String> = "BatchJob/JobType",
            /// 0 when all went well.
            error_code: Option<i64> = "BatchJob/ErrCode",
            /// WeCom's explanation.
            error_message: Option<String> = "BatchJob/ErrMsg",
        };
    }
}

record! {
    /// What an event tells of a member. Much of it only apps with special rights are told.
    pub struct Profile {
        /// Name.
        name: Told<String> = "Name",
        /// Departments.
        departments: Option<Commas<u64>> = "Department",
        /// The department that counts.
        main_department: Option<u64> = "MainDepartment",
        /// For every department, in the same order, whether they lead it: 1 or 0.
        leads: Option<Commas<u32>> = "IsLeaderInDept",
        /// Their superiors.
        direct_leaders: Option<Commas<WecomUserId>> = "DirectLeader",
        /// Position.
        position: Told<String> = "Position",
        /// Mobile phone.
        mobile: Told<String> = "Mobile",
        /// 0 unknown, 1 man, 2 woman.
        gender: Option<u32> = "Gender",
        /// Private e-mail address.
        email: Told<String> = "Email",
        /// Corporate e-mail address.
        biz_mail: Told<String> = "BizMail",
        /// Whether they use WeCom.
        status: Option<MemberStatus> = "Status",
        /// Address of their picture.
        avatar: Told<String> = "Avatar",
        /// Nickname.
        alias: Told<String> = "Alias",
        /// Landline.
        telephone: Told<String> = "Telephone",
        /// Address.
        address: Told<String> = "Address",
        /// Id by which a third-party app knows them.
        open_user_id: Option<String> = "OpenUserID",
        /// The corp's own fields.
        attributes: Vec<Attribute> = "ExtAttr/Item",
    }
}

choice! {
    /// Whether a member uses WeCom.
    pub enum MemberStatus {
        /// They do.
        Active = "1",
        /// They may not.
        Disabled = "2",
        /// Not yet.
        NotActivated = "4",
        /// They left the corp.
        Left = "5",
    }
}

record! {
    /// One of the corp's own fields.
    pub struct Attribute {
        /// Its name.
        name: String = "Name",
        /// 0 text, 1 web address.
        kind: Option<u32> = "Type",
        /// The text.
        text: Option<String> = "Text/Value",
        /// Title of the web address.
        web_title: Option<String> = "Web/Title",
        /// The web address.
        web_url: Option<String> = "Web/Url",
    }
}
