//! Approvals: those of an app's own forms, and those of WeCom's approval app.

use scrm_kernel::WecomUserId;

use super::table::{choice, family, record};

family! {
    /// An approval moved on. The newest state counts; events may overtake each other.
    pub enum Approval {
        /// One of an app's own approvals.
        Changed = "approval_changed", "open_approval_change" {
            /// Its state now.
            approval: Box<OpenApproval> = "ApprovalInfo",
        };
        /// One of the approval app's.
        SystemChanged = "system_approval_changed", "sys_approval_change" {
            /// Its state now.
            approval: Box<SystemApproval> = "ApprovalInfo",
        };
    }
}

choice! {
    /// How far an approval, one of its nodes or one approver is.
    pub enum ApprovalStatus {
        /// Waits.
        Pending = "1",
        /// Approved.
        Approved = "2",
        /// Rejected.
        Rejected = "3",
        /// An approval that was cancelled, or a node that was handed on.
        CancelledOrTransferred = "4",
    }
}

record! {
    /// One of an app's own approvals.
    pub struct OpenApproval {
        /// The app's own number of it.
        number: String = "ThirdNo",
        /// Name of the form.
        template_name: Option<String> = "OpenSpName",
        /// The form.
        template_id: Option<String> = "OpenTemplateId",
        /// How far it is.
        status: Option<ApprovalStatus> = "OpenSpStatus",
        /// When it was handed in, in Unix seconds.
        applied: Option<i64> = "ApplyTime",
        /// Who handed it in.
        applicant: Option<WecomUserId> = "ApplyUserId",
        /// Their name.
        applicant_name: Option<String> = "ApplyUserName",
        /// Their department.
        applicant_department: Option<String> = "ApplyUserParty",
        /// Address of their picture.
        applicant_image: Option<String> = "ApplyUserImage",
        /// Who decides, in order.
        nodes: Vec<Node> = "ApprovalNodes/ApprovalNode",
        /// Who is told.
        notified: Vec<NodeItem> = "NotifyNodes/NotifyNode",
        /// Index of the node it is at.
        step: Option<u32> = "ApproverStep",
    }
}

record! {
    /// One step of an approval.
    pub struct Node {
        /// How far it is.
        status: Option<ApprovalStatus> = "NodeStatus",
        /// 1: any one of them decides; 2: all of them.
        rule: Option<u32> = "NodeAttr",
        /// 1: named members; 2: a tag; 3: a superior.
        kind: Option<u32> = "NodeType",
        /// Who decides.
        items: Vec<NodeItem> = "Items/Item",
    }
}

record! {
    /// One person of an approval.
    pub struct NodeItem {
        /// The member.
        user_id: Option<WecomUserId> = "ItemUserId",
        /// Their name.
        name: Option<String> = "ItemName",
        /// Their department.
        department: Option<String> = "ItemParty",
        /// Address of their picture.
        image: Option<String> = "ItemImage",
        /// What they decided.
        status: Option<ApprovalStatus> = "ItemStatus",
        /// What they said.
        speech: Option<String> = "ItemSpeech",
        /// When, in Unix seconds.
        decided: Option<i64> = "ItemOpTime",
    }
}

record! {
    /// One of the approval app's approvals.
    pub struct SystemApproval {
        /// Its number.
        number: String = "SpNo",
        /// Name of the form.
        template_name: Option<String> = "SpName",
        /// The form.
        template_id: Option<String> = "TemplateId",
        /// How far it is, as WeCom numbers it.
        status: Option<u32> = "SpStatus",
        /// When it was handed in, in Unix seconds.
        applied: Option<i64> = "ApplyTime",
        /// Who handed it in. WeCom spells it so.
        applicant: Option<WecomUserId> = "Applyer/UserId",
        /// Their department.
        applicant_department: Option<String> = "Applyer/Party",
        /// Who decides, in order.
        records: Vec<SystemRecord> = "SpRecord",
        /// Who is told.
        notified: Vec<WecomUserId> = "Notifyer/UserId",
        /// What was said about it.
        comments: Vec<Comment> = "Comments",
        /// What happened, as WeCom numbers it. WeCom spells it so.
        change: Option<u32> = "StatuChangeEvent",
    }
}

record! {
    /// One step of the approval app.
    pub struct SystemRecord {
        /// How far it is, as WeCom numbers it.
        status: Option<u32> = "SpStatus",
        /// 1: any one of them decides; 2: all of them.
        rule: Option<u32> = "ApproverAttr",
        /// Who decides.
        approvers: Vec<SystemApprover> = "Details",
    }
}

record! {
    /// One person who decides.
    pub struct SystemApprover {
        /// The member.
        user_id: Option<WecomUserId> = "Approver/UserId",
        /// What they said.
        speech: Option<String> = "Speech",
        /// What they decided, as WeCom numbers it.
        status: Option<u32> = "SpStatus",
        /// When, in Unix seconds.
        decided: Option<i64> = "SpTime",
    }
}

record! {
    /// What somebody said about an approval.
    pub struct Comment {
        /// Its number.
        id: Option<u64> = "CommentId",
        /// Who said it.
        user_id: Option<WecomUserId> = "CommentUserInfo/UserId",
        /// When, in Unix seconds.
        time: Option<i64> = "CommentTime",
        /// What they said.
        content: Option<String> = "CommentContent",
    }
}
