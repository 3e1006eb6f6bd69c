//! Customer-acquisition links (`customer_acquisition`; WeCom document 97299).

use scrm_kernel::{ExternalUserId, WecomUserId};

use super::table::family;

family! {
    /// A customer-acquisition link is used, or its quota changes.
    pub enum Acquisition {
        /// Fewer than 20 are left.
        BalanceLow = "acquisition_balance_low", "customer_acquisition" / "balance_low";
        /// None is left; links stop working.
        BalanceExhausted = "acquisition_balance_exhausted", "customer_acquisition" / "balance_exhausted";
        /// There are some again.
        BalanceIncreased = "acquisition_balance_increased", "customer_acquisition" / "balance_increased";
        /// Some will expire: told 14, 7, 3, 2 and 1 days before.
        QuotaExpiring = "acquisition_quota_expiring", "customer_acquisition" / "quota_expire_soon" {
            /// When, in Unix seconds.
            expires: Option<i64> = "ExpireTime",
            /// How many.
            quota: Option<u64> = "ExpireQuotaNum",
        };
        /// A link does not work, for example because nobody of its range can be added.
        LinkUnavailable = "acquisition_link_unavailable", "customer_acquisition" / "link_unavailable" {
            /// The link.
            link_id: String = "LinkId",
        };
        /// A link was deleted in the console.
        LinkDeleted = "acquisition_link_deleted", "customer_acquisition" / "delete_link" {
            /// The link.
            link_id: String = "LinkId",
        };
        /// Somebody asked to add a member through a link.
        FriendRequested = "acquisition_friend_requested", "customer_acquisition" / "friend_request" {
            /// The link.
            link_id: String = "LinkId",
            /// The `customer_channel` of the link's address. Anybody can write it: do not trust it.
            state: Option<String> = "State",
        };
        /// Somebody opened the profile page of a link.
        ProfileOpened = "acquisition_profile_opened", "customer_acquisition" / "open_profile" {
            /// The link.
            link_id: String = "LinkId",
            /// As in [`FriendRequested`](Self::FriendRequested).
            state: Option<String> = "State",
        };
        /// The customer wrote to the member for the first time.
        ChatStarted = "acquisition_chat_started", "customer_acquisition" / "customer_start_chat" {
            /// The member.
            user_id: WecomUserId = "UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
            /// The link.
            link_id: Option<String> = "LinkId",
        };
        /// The customer wrote again.
        CustomerWrote = "acquisition_customer_wrote", "customer_acquisition" / "message_from_customer" {
            /// The member.
            user_id: WecomUserId = "UserID",
            /// The customer.
            external_user_id: ExternalUserId = "ExternalUserID",
            /// The link.
            link_id: Option<String> = "LinkId",
            /// The how many-th message it is.
            chat_seq: Option<u64> = "ChatSeq",
            /// Opens the chat's figures for 30 minutes.
            chat_key: Option<String> = "ChatKey",
        };
        /// A provider's own quota is low.
        ServiceBalanceLow = "acquisition_service_balance_low", "customer_acquisition" / "service_balance_low";
        /// A provider's own quota is used up.
        ServiceBalanceExhausted = "acquisition_service_balance_exhausted", "customer_acquisition" / "service_balance_exhausted";
        /// A provider's own quota was used.
        ServiceBalanceConsumed = "acquisition_service_balance_consumed", "customer_acquisition" / "service_balance_consumed";
        /// A provider's price changed.
        PriceChanged = "acquisition_price_changed", "customer_acquisition" / "change_price";
    }
}
