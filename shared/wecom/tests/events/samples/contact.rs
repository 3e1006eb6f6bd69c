//! Contacts, groups, tags, acquisition links, archive, customer service.

use scrm_wecom::event::{
    Acquisition, Archive, Body, Contact, DeleteSource, FailReason, Group, GroupDetail, JoinScene, QuitScene,
    Service, Tag, TagType,
};

use super::{Sample, customer, some, staff};

const PAIR: &str =
    "<UserID><![CDATA[han.meimei]]></UserID><ExternalUserID><![CDATA[wmAAA1]]></ExternalUserID>";

pub(super) fn samples() -> Vec<Sample> {
    let mut samples = contacts();
    samples.extend(groups());
    samples.extend(tags());
    samples.extend(acquisition());
    samples.extend(archive());
    samples
}

fn contacts() -> Vec<Sample> {
    let (user_id, external_user_id) = (staff("han.meimei"), customer("wmAAA1"));
    let welcome = "<State><![CDATA[门店-1]]></State><WelcomeCode><![CDATA[SECRET1]]></WelcomeCode>";
    let sample = |change_type, extra: &str, contact| {
        Sample::new("change_external_contact", change_type, &format!("{PAIR}{extra}"), Body::Contact(contact))
    };
    let added = |state, welcome_code, link_id| Contact::Added {
        user_id: user_id.clone(),
        external_user_id: external_user_id.clone(),
        state,
        welcome_code,
        link_id,
    };
    let deleted = |source| Contact::DeletedByMember {
        user_id: user_id.clone(),
        external_user_id: external_user_id.clone(),
        source,
    };
    let failed = |reason| Contact::TransferFailed {
        user_id: user_id.clone(),
        external_user_id: external_user_id.clone(),
        reason: Some(reason),
    };
    let (user, external) = (user_id.clone(), external_user_id.clone());
    vec![
        sample("add_external_contact", "", added(None, None, None)),
        sample(
            "add_external_contact",
            &format!("{welcome}<LinkId>cawc1</LinkId>"),
            added(some("门店-1"), some("SECRET1"), some("cawc1")),
        ),
        sample(
            "add_half_external_contact",
            welcome,
            Contact::HalfAdded {
                user_id: user.clone(),
                external_user_id: external.clone(),
                state: some("门店-1"),
                welcome_code: some("SECRET1"),
            },
        ),
        sample(
            "edit_external_contact",
            "",
            Contact::Edited { user_id: user.clone(), external_user_id: external.clone() },
        ),
        sample("del_external_contact", "", deleted(None)),
        sample(
            "del_external_contact",
            "<Source>DELETE_BY_TRANSFER</Source>",
            deleted(Some(DeleteSource::Transfer)),
        ),
        sample(
            "del_external_contact",
            "<Source>NEW</Source>",
            deleted(Some(DeleteSource::Other("NEW".to_owned()))),
        ),
        sample(
            "del_follow_user",
            "",
            Contact::DeletedByCustomer { user_id: user, external_user_id: external },
        ),
        sample(
            "transfer_fail",
            "<FailReason>customer_refused</FailReason>",
            failed(FailReason::CustomerRefused),
        ),
        sample(
            "transfer_fail",
            "<FailReason>customer_limit_exceed</FailReason>",
            failed(FailReason::LimitExceeded),
        ),
        sample(
            "msg_audit_approved",
            "<WelcomeCode>SECRET1</WelcomeCode>",
            Contact::ArchiveConsented {
                user_id: Some(user_id.clone()),
                external_user_id: external_user_id.clone(),
                welcome_code: some("SECRET1"),
            },
        ),
        Sample::new(
            "change_external_contact",
            "msg_audit_approved",
            "<ExternalUserID>wmAAA1</ExternalUserID>",
            Body::Contact(Contact::ArchiveConsented { user_id: None, external_user_id, welcome_code: None }),
        ),
    ]
}

fn groups() -> Vec<Sample> {
    let chat_id = || "wrGROUP1".to_owned();
    let sample = |change_type, extra: &str, group| {
        let inner = format!("<ChatId><![CDATA[wrGROUP1]]></ChatId>{extra}");
        Sample::new("change_external_chat", change_type, &inner, Body::Group(group))
    };
    let updated = |detail| Group::Updated {
        chat_id: chat_id(),
        detail,
        join_scene: None,
        quit_scene: None,
        member_count: None,
        members: Vec::new(),
        last_version: None,
        version: None,
    };
    vec![
        sample("create", "", Group::Created { chat_id: chat_id() }),
        sample("dismiss", "", Group::Dismissed { chat_id: chat_id() }),
        sample("update", "", updated(None)),
        sample(
            "update",
            "<UpdateDetail>change_owner</UpdateDetail>",
            updated(Some(GroupDetail::OwnerChanged)),
        ),
        sample("update", "<UpdateDetail>change_name</UpdateDetail>", updated(Some(GroupDetail::NameChanged))),
        sample(
            "update",
            "<UpdateDetail>change_notice</UpdateDetail>",
            updated(Some(GroupDetail::NoticeChanged)),
        ),
        sample(
            "update",
            "<UpdateDetail>add_member</UpdateDetail><JoinScene>3</JoinScene><MemChangeCnt>2</MemChangeCnt>\
             <MemChangeList><Item>han.meimei</Item>\n<Item><![CDATA[wmAAA1]]></Item></MemChangeList>\
             <LastMemVer>v1</LastMemVer><CurMemVer>v2</CurMemVer>",
            Group::Updated {
                chat_id: chat_id(),
                detail: Some(GroupDetail::MembersAdded),
                join_scene: Some(JoinScene::ScannedCode),
                quit_scene: None,
                member_count: Some(2),
                members: vec!["han.meimei".to_owned(), "wmAAA1".to_owned()],
                last_version: some("v1"),
                version: some("v2"),
            },
        ),
        sample(
            "update",
            "<UpdateDetail>del_member</UpdateDetail><QuitScene><![CDATA[1]]></QuitScene><MemChangeCnt><![CDATA[1]]></MemChangeCnt>",
            Group::Updated {
                chat_id: chat_id(),
                detail: Some(GroupDetail::MembersRemoved),
                join_scene: None,
                quit_scene: Some(QuitScene::Removed),
                member_count: Some(1),
                members: Vec::new(),
                last_version: None,
                version: None,
            },
        ),
    ]
}

fn tags() -> Vec<Sample> {
    let id = || "etTAG1".to_owned();
    let sample =
        |change_type, inner, tag| Sample::new("change_external_tag", change_type, inner, Body::Tag(tag));
    let tag = "<Id>etTAG1</Id><TagType>tag</TagType>";
    let group = "<Id>etTAG1</Id><TagType>tag_group</TagType><StrategyId>7</StrategyId>";
    vec![
        sample("create", tag, Tag::Created { id: id(), tag_type: Some(TagType::Tag), strategy_id: None }),
        sample(
            "update",
            group,
            Tag::Updated { id: id(), tag_type: Some(TagType::Group), strategy_id: Some(7) },
        ),
        sample(
            "delete",
            group,
            Tag::Deleted { id: id(), tag_type: Some(TagType::Group), strategy_id: Some(7) },
        ),
        sample(
            "shuffle",
            "<Id/><StrategyId>7</StrategyId>",
            Tag::Shuffled { id: None, strategy_id: Some(7) },
        ),
        sample("shuffle", "<Id>etTAG1</Id>", Tag::Shuffled { id: Some(id()), strategy_id: None }),
    ]
}

fn acquisition() -> Vec<Sample> {
    let (user_id, external_user_id) = (staff("han.meimei"), customer("wmAAA1"));
    let link_id = || "cawcLINK1".to_owned();
    let sample = |change_type, inner: &str, event| {
        Sample::new("customer_acquisition", change_type, inner, Body::Acquisition(event))
    };
    let link = "<LinkId>cawcLINK1</LinkId>";
    let state = "<LinkId>cawcLINK1</LinkId><State>poster</State>";
    vec![
        sample("balance_low", "", Acquisition::BalanceLow),
        sample("balance_exhausted", "", Acquisition::BalanceExhausted),
        sample("balance_increased", "", Acquisition::BalanceIncreased),
        sample(
            "quota_expire_soon",
            "<ExpireTime>1700086400</ExpireTime><ExpireQuotaNum>300</ExpireQuotaNum>",
            Acquisition::QuotaExpiring { expires: Some(1_700_086_400), quota: Some(300) },
        ),
        sample("link_unavailable", link, Acquisition::LinkUnavailable { link_id: link_id() }),
        sample("delete_link", link, Acquisition::LinkDeleted { link_id: link_id() }),
        sample(
            "friend_request",
            state,
            Acquisition::FriendRequested { link_id: link_id(), state: some("poster") },
        ),
        sample("open_profile", link, Acquisition::ProfileOpened { link_id: link_id(), state: None }),
        sample(
            "customer_start_chat",
            PAIR,
            Acquisition::ChatStarted {
                user_id: user_id.clone(),
                external_user_id: external_user_id.clone(),
                link_id: None,
            },
        ),
        sample(
            "message_from_customer",
            &format!("{PAIR}{link}<ChatSeq>3</ChatSeq><ChatKey>SECRET2</ChatKey>"),
            Acquisition::CustomerWrote {
                user_id,
                external_user_id,
                link_id: Some(link_id()),
                chat_seq: Some(3),
                chat_key: some("SECRET2"),
            },
        ),
        sample("service_balance_low", "", Acquisition::ServiceBalanceLow),
        sample("service_balance_exhausted", "", Acquisition::ServiceBalanceExhausted),
        sample("service_balance_consumed", "", Acquisition::ServiceBalanceConsumed),
        sample("change_price", "", Acquisition::PriceChanged),
    ]
}

fn archive() -> Vec<Sample> {
    let sample = |event, inner: &str, archive| Sample::new(event, "", inner, Body::Archive(archive));
    let token = || some("SECRET3");
    let licence = "<ServiceCorpId>wwP1</ServiceCorpId><AdvanceApiType>chat</AdvanceApiType><ChatArchiveApi><Edition>2</Edition></ChatArchiveApi>";
    vec![
        sample("msgaudit_notify", "", Archive::MessagesWaiting),
        sample(
            "conversation_new_message",
            "<Token>SECRET3</Token>",
            Archive::ConversationWaiting { token: token() },
        ),
        sample("hit_keyword", "<Token>SECRET3</Token>", Archive::KeywordHit { token: token() }),
        sample(
            "chat_archive_audit_approved_single",
            "<OpenUserID>woUSER1</OpenUserID><ExternalUserID>wmAAA1</ExternalUserID><ChatId>wrGROUP1</ChatId>",
            Archive::Consented {
                user_id: Some(staff("woUSER1")),
                external_user_id: customer("wmAAA1"),
                chat_id: some("wrGROUP1"),
            },
        ),
        sample(
            "chat_archive_export_finished",
            "<JobId>job1</JobId>",
            Archive::Exported { job_id: "job1".to_owned() },
        ),
        sample(
            "program_notify",
            "<NotifyId>n1</NotifyId><NotifyScene>1</NotifyScene>",
            Archive::ProgramNotified { notify_id: "n1".to_owned(), scene: some("1") },
        ),
        sample(
            "advanced_api_expired",
            licence,
            Archive::LicenceExpired {
                service_corp_id: some("wwP1"),
                api_type: some("chat"),
                edition: some("2"),
            },
        ),
        sample(
            "advanced_api_trial_expired",
            "",
            Archive::TrialExpired { service_corp_id: None, api_type: None, edition: None },
        ),
        Sample::new(
            "kf_msg_or_event",
            "",
            "<Token>SECRET4</Token><OpenKfId>wkKF1</OpenKfId>",
            Body::Service(Service::MessagesWaiting {
                open_kf_id: "wkKF1".to_owned(),
                token: some("SECRET4"),
            }),
        ),
        Sample::new(
            "kf_account_auth_change",
            "",
            "<AuthAddOpenKfId>wkKF1</AuthAddOpenKfId><AuthDelOpenKfId>wkKF3</AuthDelOpenKfId><AuthAddOpenKfId>wkKF2</AuthAddOpenKfId>",
            Body::Service(Service::AccountsChanged {
                added: vec!["wkKF1".to_owned(), "wkKF2".to_owned()],
                removed: vec!["wkKF3".to_owned()],
            }),
        ),
    ]
}
