//! Third-party apps and templates.

use scrm_wecom::event::{Body, Suite};

use super::{Sample, some};

pub(super) fn samples() -> Vec<Sample> {
    let mut samples = installation();
    samples.extend(registration());
    samples.extend(orders());
    samples
}

fn sample(event: &'static str, inner: &str, suite: Suite) -> Sample {
    Sample::new(event, "", inner, Body::Suite(suite))
}

fn installation() -> Vec<Sample> {
    let special = || "customer_acquisition".to_owned();
    let auth_code = || "SECRET6".to_owned();
    vec![
        sample(
            "suite_ticket",
            "<SuiteTicket> <![CDATA[SECRET7]]></SuiteTicket>",
            Suite::Ticket { ticket: "SECRET7".to_owned() },
        ),
        sample(
            "create_auth",
            "<AuthCode>SECRET6</AuthCode>",
            Suite::AuthCreated { auth_code: auth_code(), state: None },
        ),
        sample(
            "create_auth",
            "<AuthCode>SECRET6</AuthCode><State>s1</State>",
            Suite::AuthCreated { auth_code: auth_code(), state: some("s1") },
        ),
        sample("change_auth", "<State>s1</State>", Suite::AuthChanged { state: some("s1") }),
        sample("cancel_auth", "", Suite::AuthCancelled),
        sample(
            "reset_permanent_code",
            "<AuthCode>SECRET6</AuthCode>",
            Suite::CodeReset { auth_code: auth_code() },
        ),
        sample("corp_arch_auth", "", Suite::DepartmentsGranted),
        sample(
            "approve_special_auth",
            "<AuthType>customer_acquisition</AuthType>",
            Suite::SpecialGranted { auth_type: special() },
        ),
        sample(
            "cancel_special_auth",
            "<AuthType>customer_acquisition</AuthType>",
            Suite::SpecialRevoked { auth_type: special() },
        ),
    ]
}

fn registration() -> Vec<Sample> {
    let head = "<ServiceCorpId>wwP1</ServiceCorpId><RegisterCode>reg1</RegisterCode>\
        <AuthUserInfo><UserId>han</UserId></AuthUserInfo><State>s1</State><TemplateId>tpl1</TemplateId>";
    let sync = "<ContactSync><AccessToken>SECRET8</AccessToken><ExpiresIn>7200</ExpiresIn></ContactSync>";
    vec![
        sample(
            "register_corp",
            &format!("{head}{sync}"),
            Suite::CorpRegistered {
                service_corp_id: some("wwP1"),
                register_code: some("reg1"),
                user_id: some("han"),
                access_token: some("SECRET8"),
                expires_in: Some(7200),
                state: some("s1"),
                template_id: some("tpl1"),
            },
        ),
        sample(
            "enter_register_package",
            head,
            Suite::PackageEntered {
                service_corp_id: some("wwP1"),
                register_code: some("reg1"),
                user_id: some("han"),
                state: some("s1"),
                template_id: some("tpl1"),
            },
        ),
        sample(
            "agree_external_userid_migration",
            "<ServiceCorpId>wwP1</ServiceCorpId>",
            Suite::IdMigrationAgreed { service_corp_id: some("wwP1") },
        ),
    ]
}

fn orders() -> Vec<Sample> {
    let order = "<PaidCorpId>wwC1</PaidCorpId><OrderId>N1</OrderId><OperatorId>han</OperatorId>";
    let (order_id, payer, operator) = (|| "N1".to_owned(), || some("wwC1"), || some("han"));
    let licence = "<ServiceCorpId>wwP1</ServiceCorpId><OrderId>OI1</OrderId>";
    vec![
        sample(
            "open_order",
            order,
            Suite::OrderOpened { order_id: order_id(), paid_corp_id: payer(), operator_id: operator() },
        ),
        sample(
            "change_order",
            "<PaidCorpId>wwC1</PaidCorpId><OldOrderId>N1</OldOrderId><NewOrderId>N2</NewOrderId>",
            Suite::OrderChanged {
                old_order_id: order_id(),
                new_order_id: "N2".to_owned(),
                paid_corp_id: payer(),
            },
        ),
        sample(
            "pay_for_app_success",
            order,
            Suite::OrderPaid { order_id: order_id(), paid_corp_id: payer(), operator_id: operator() },
        ),
        sample(
            "refund",
            order,
            Suite::OrderRefunded { order_id: order_id(), paid_corp_id: payer(), operator_id: operator() },
        ),
        sample(
            "change_editon",
            "<PaidCorpId>wwC1</PaidCorpId>",
            Suite::EditionChanged { paid_corp_id: payer() },
        ),
        sample(
            "license_pay_success",
            licence,
            Suite::LicencePaid { order_id: some("OI1"), service_corp_id: some("wwP1") },
        ),
        sample(
            "license_refund",
            licence,
            Suite::LicenceRefunded { order_id: some("OI1"), service_corp_id: some("wwP1") },
        ),
        sample("auto_activate", licence, Suite::LicenceActivated { service_corp_id: some("wwP1") }),
    ]
}
