//! The chat archive, in both of WeCom's products.

use scrm_kernel::{ExternalUserId, WecomUserId};

use super::table::family;

family! {
    /// Something to fetch from the archive, or a change of consent or licence.
    pub enum Archive {
        /// New messages; at most one event in 15 seconds. Carries no position: read on from the stored one.
        MessagesWaiting = "archive_messages_waiting", "msgaudit_notify";
        /// New messages, in the product where a program inside WeCom reads them.
        ConversationWaiting = "archive_conversation_waiting", "conversation_new_message" {
            /// Lifts the rate limit of the next pull.
            token: Option<String> = "Token",
        };
        /// A message matched a keyword rule.
        KeywordHit = "archive_keyword_hit", "hit_keyword" {
            /// Lifts the rate limit of the next pull.
            token: Option<String> = "Token",
        };
        /// A customer agreed that chats are archived.
        Consented = "archive_consented", "chat_archive_audit_approved_single" {
            /// The member in whose chat they agreed.
            user_id: Option<WecomUserId> = "OpenUserID|UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
            /// The group chat.
            chat_id: Option<String> = "ChatId",
        };
        /// An export is ready.
        Exported = "archive_exported", "chat_archive_export_finished" {
            /// The job.
            job_id: String = "JobId",
        };
        /// The program inside WeCom wants to be called.
        ProgramNotified = "archive_program_notified", "program_notify" {
            /// The notice.
            notify_id: String = "NotifyId",
            /// What it is about.
            scene: Option<String> = "NotifyScene",
        };
        /// A licence ended.
        LicenceExpired = "archive_licence_expired", "advanced_api_expired" {
            /// The provider.
            service_corp_id: Option<String> = "ServiceCorpId",
            /// Which licence.
            api_type: Option<String> = "AdvanceApiType",
            /// Which edition.
            edition: Option<String> = "ChatArchiveApi/Edition",
        };
        /// A trial ended.
        TrialExpired = "archive_trial_expired", "advanced_api_trial_expired" {
            /// The provider.
            service_corp_id: Option<String> = "ServiceCorpId",
            /// Which licence.
            api_type: Option<String> = "AdvanceApiType",
            /// Which edition.
            edition: Option<String> = "ChatArchiveApi/Edition",
        };
    }
}
