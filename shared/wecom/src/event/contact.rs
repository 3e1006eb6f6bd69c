//! Members and their customers (`change_external_contact`; WeCom documents 92130, 92277, 96361).

use scrm_kernel::{ExternalUserId, WecomUserId};

use super::table::{choice, family};

family! {
    /// A relation between a member and a customer begins, changes or ends.
    pub enum Contact {
        /// The member has this customer now, perhaps again.
        Added = "contact_added", "change_external_contact" / "add_external_contact" {
            /// The member.
            user_id: WecomUserId = "UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
            /// What the contact way or acquisition link was made with. Written by whoever made the link: do not trust it.
            state: Option<String> = "State",
            /// Allows one welcome message within 20 seconds.
            welcome_code: Option<String> = "WelcomeCode",
            /// The acquisition link that was used.
            link_id: Option<String> = "LinkId",
        };
        /// The customer added the member without asking; the member has not confirmed. [`Added`](Self::Added) may follow.
        HalfAdded = "contact_half_added", "change_external_contact" / "add_half_external_contact" {
            /// The member.
            user_id: WecomUserId = "UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
            /// As in [`Added`](Self::Added).
            state: Option<String> = "State",
            /// As in [`Added`](Self::Added); the two events share one.
            welcome_code: Option<String> = "WelcomeCode",
        };
        /// The member changed remark, description or tags of the customer.
        Edited = "contact_edited", "change_external_contact" / "edit_external_contact" {
            /// The member.
            user_id: WecomUserId = "UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
        };
        /// The member deleted the customer, or lost them to a transfer.
        DeletedByMember = "contact_deleted_by_member", "change_external_contact" / "del_external_contact" {
            /// The member.
            user_id: WecomUserId = "UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
            /// Why, if not by hand: a transferred customer is not lost.
            source: Option<DeleteSource> = "Source",
        };
        /// The customer deleted or blocked the member.
        DeletedByCustomer = "contact_deleted_by_customer", "change_external_contact" / "del_follow_user" {
            /// The member.
            user_id: WecomUserId = "UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
        };
        /// The customer did not go over to the member.
        TransferFailed = "contact_transfer_failed", "change_external_contact" / "transfer_fail" {
            /// The member who was to take over.
            user_id: WecomUserId = "UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
            /// Why not.
            reason: Option<FailReason> = "FailReason",
        };
        /// The customer agreed that chats are archived.
        ArchiveConsented = "contact_archive_consented", "change_external_contact" / "msg_audit_approved" {
            /// The member in whose chat they agreed; none for a group chat.
            user_id: Option<WecomUserId> = "UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
            /// As in [`Added`](Self::Added).
            welcome_code: Option<String> = "WelcomeCode",
        };
    }
}

choice! {
    /// What ended a relation from the member's side.
    pub enum DeleteSource {
        /// The customer went over to another member.
        Transfer = "DELETE_BY_TRANSFER",
    }
}

choice! {
    /// Why a transfer failed.
    pub enum FailReason {
        /// The customer refused.
        CustomerRefused = "customer_refused",
        /// The new member has too many customers.
        LimitExceeded = "customer_limit_exceed",
    }
}
