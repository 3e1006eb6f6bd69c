//! WeChat customer service (微信客服).

use super::table::family;

family! {
    /// Something to fetch from a customer-service account.
    pub enum Service {
        /// New messages or events, perhaps many; read on from the stored cursor, one reader per account.
        MessagesWaiting = "service_messages_waiting", "kf_msg_or_event" {
            /// The account.
            open_kf_id: String = "OpenKfId",
            /// Lifts the rate limit of the pull for 10 minutes.
            token: Option<String> = "Token",
        };
        /// The app gained or lost accounts.
        AccountsChanged = "service_accounts_changed", "kf_account_auth_change" {
            /// Accounts it may use now.
            added: Vec<String> = "AuthAddOpenKfId",
            /// Accounts it may no longer use.
            removed: Vec<String> = "AuthDelOpenKfId",
        };
    }
}
