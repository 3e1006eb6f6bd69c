//! Third-party apps and templates (指令回调). WeCom wants the answer `success`.

use super::table::family;

family! {
    /// A corp installs, changes or removes an app; orders and licences. The corp is the event's `corp`.
    pub enum Suite {
        /// A new ticket, every ten minutes; valid for thirty. The newest by time counts.
        Ticket = "suite_ticket", "suite_ticket" {
            /// The ticket. Secret.
            ticket: String = "SuiteTicket",
        };
        /// A corp installed the app. Exchange the code within ten minutes; the corp is known only then.
        AuthCreated = "suite_auth_created", "create_auth" {
            /// Opens the permanent code, once. Secret.
            auth_code: String = "AuthCode",
            /// What the installation link was made with.
            state: Option<String> = "State",
        };
        /// The corp changed what the app may do: ask again.
        AuthChanged = "suite_auth_changed", "change_auth" {
            /// What the installation link was made with.
            state: Option<String> = "State",
        };
        /// The corp removed the app; its permanent code is dead.
        AuthCancelled = "suite_auth_cancelled", "cancel_auth";
        /// The permanent code was replaced; the old one is dead already.
        CodeReset = "suite_code_reset", "reset_permanent_code" {
            /// Opens the new permanent code, once. Secret.
            auth_code: String = "AuthCode",
        };
        /// The corp lets the app see its departments.
        DepartmentsGranted = "suite_departments_granted", "corp_arch_auth";
        /// The corp granted a special right.
        SpecialGranted = "suite_special_granted", "approve_special_auth" {
            /// Which right, such as `customer_acquisition`.
            auth_type: String = "AuthType",
        };
        /// The corp took a special right back.
        SpecialRevoked = "suite_special_revoked", "cancel_special_auth" {
            /// Which right.
            auth_type: String = "AuthType",
        };
        /// A corp was registered through the provider.
        CorpRegistered = "suite_corp_registered", "register_corp" {
            /// The provider.
            service_corp_id: Option<String> = "ServiceCorpId",
            /// The registration.
            register_code: Option<String> = "RegisterCode",
            /// Who registered.
            user_id: Option<String> = "AuthUserInfo/UserId",
            /// Opens the contact book for a while. Secret.
            access_token: Option<String> = "ContactSync/AccessToken",
            /// For how many seconds.
            expires_in: Option<u64> = "ContactSync/ExpiresIn",
            /// What the registration link was made with.
            state: Option<String> = "State",
            /// The registration package.
            template_id: Option<String> = "TemplateId",
        };
        /// A corp opened a registration package.
        PackageEntered = "suite_package_entered", "enter_register_package" {
            /// The provider.
            service_corp_id: Option<String> = "ServiceCorpId",
            /// The registration.
            register_code: Option<String> = "RegisterCode",
            /// Who opened it.
            user_id: Option<String> = "AuthUserInfo/UserId",
            /// What the registration link was made with.
            state: Option<String> = "State",
            /// The registration package.
            template_id: Option<String> = "TemplateId",
        };
        /// The corp agreed that its customers' ids change to the provider's.
        IdMigrationAgreed = "suite_id_migration_agreed", "agree_external_userid_migration" {
            /// The provider.
            service_corp_id: Option<String> = "ServiceCorpId",
        };
        /// An order was placed.
        OrderOpened = "suite_order_opened", "open_order" {
            /// The order.
            order_id: String = "OrderId",
            /// Who pays.
            paid_corp_id: Option<String> = "PaidCorpId",
            /// Who ordered.
            operator_id: Option<String> = "OperatorId",
        };
        /// An order was replaced by another.
        OrderChanged = "suite_order_changed", "change_order" {
            /// The order before.
            old_order_id: String = "OldOrderId",
            /// The order now.
            new_order_id: String = "NewOrderId",
            /// Who pays.
            paid_corp_id: Option<String> = "PaidCorpId",
        };
        /// An order was paid.
        OrderPaid = "suite_order_paid", "pay_for_app_success" {
            /// The order.
            order_id: String = "OrderId",
            /// Who paid.
            paid_corp_id: Option<String> = "PaidCorpId",
            /// Who ordered.
            operator_id: Option<String> = "OperatorId",
        };
        /// An order was paid back.
        OrderRefunded = "suite_order_refunded", "refund" {
            /// The order.
            order_id: String = "OrderId",
            /// Who is paid back.
            paid_corp_id: Option<String> = "PaidCorpId",
            /// Who ordered.
            operator_id: Option<String> = "OperatorId",
        };
        /// The corp uses another edition of the app. WeCom spells the event so.
        EditionChanged = "suite_edition_changed", "change_editon" {
            /// Who pays.
            paid_corp_id: Option<String> = "PaidCorpId",
        };
        /// Licences were paid.
        LicencePaid = "suite_licence_paid", "license_pay_success" {
            /// The order.
            order_id: Option<String> = "OrderId",
            /// The provider.
            service_corp_id: Option<String> = "ServiceCorpId",
        };
        /// Licences were paid back.
        LicenceRefunded = "suite_licence_refunded", "license_refund" {
            /// The order.
            order_id: Option<String> = "OrderId",
            /// The provider.
            service_corp_id: Option<String> = "ServiceCorpId",
        };
        /// Licences were given to members automatically.
        LicenceActivated = "suite_licence_activated", "auto_activate" {
            /// The provider.
            service_corp_id: Option<String> = "ServiceCorpId",
        };
    }
}
