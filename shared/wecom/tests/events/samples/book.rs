//! The contact book.

use scrm_wecom::event::{Attribute, Body, Book, Commas, MemberStatus, Profile, Told};

use super::{Sample, some, staff};

fn told(text: &str) -> Told<String> {
    Told::Is(text.to_owned())
}

fn untold() -> Profile {
    Profile {
        name: Told::Nothing,
        departments: None,
        main_department: None,
        leads: None,
        direct_leaders: None,
        position: Told::Nothing,
        mobile: Told::Nothing,
        gender: None,
        email: Told::Nothing,
        biz_mail: Told::Nothing,
        status: None,
        avatar: Told::Nothing,
        alias: Told::Nothing,
        telephone: Told::Nothing,
        address: Told::Nothing,
        open_user_id: None,
        attributes: Vec::new(),
    }
}

fn attribute(name: &str, kind: u32, text: Option<&str>, web: Option<(&str, &str)>) -> Attribute {
    Attribute {
        name: name.to_owned(),
        kind: Some(kind),
        text: text.map(str::to_owned),
        web_title: web.map(|(title, _)| title.to_owned()),
        web_url: web.map(|(_, url)| url.to_owned()),
    }
}

pub(super) fn samples() -> Vec<Sample> {
    let sample = |change_type, inner: &str, event| {
        Sample::new("change_contact", change_type, inner, Body::Book(event))
    };
    let whole = Profile {
        name: told("韩梅梅"),
        departments: Some(Commas(vec![1, 2, 3])),
        main_department: Some(1),
        leads: Some(Commas(vec![1, 0, 0])),
        direct_leaders: Some(Commas(vec![staff("lilei"), staff("wang wu")])),
        position: told("店长"),
        mobile: told("13800000000"),
        gender: Some(2),
        email: told("han@example.com"),
        biz_mail: told("han@corp.example.com"),
        status: Some(MemberStatus::Active),
        avatar: told("http://example.com/a.png"),
        alias: told("Mei"),
        telephone: told("020-123456"),
        address: told("广州"),
        open_user_id: None,
        attributes: vec![
            attribute("爱好", 0, Some("旅游"), None),
            attribute("卡号", 1, None, Some(("工作证", "http://example.com"))),
        ],
    };
    let whole_xml = "<UserID><![CDATA[han.meimei]]></UserID><Name>韩梅梅</Name><Department><![CDATA[1,2,3]]></Department>\
        <MainDepartment>1</MainDepartment><IsLeaderInDept><![CDATA[1,0,0]]></IsLeaderInDept>\
        <DirectLeader><![CDATA[lilei, wang wu]]></DirectLeader><Position>店长</Position><Mobile>13800000000</Mobile>\
        <Gender>2</Gender><Email>han@example.com</Email><BizMail>han@corp.example.com</BizMail><Status>1</Status>\
        <Avatar>http://example.com/a.png</Avatar><Alias>Mei</Alias><Telephone>020-123456</Telephone><Address>广州</Address>\
        <ExtAttr><Item><Name>爱好</Name><Type>0</Type><Text><Value>旅游</Value></Text></Item>\
        <Item><Name>卡号</Name><Type>1</Type><Web><Title>工作证</Title><Url>http://example.com</Url></Web></Item></ExtAttr>";
    let changed = Profile {
        departments: Some(Commas(Vec::new())),
        position: Told::Empty,
        status: Some(MemberStatus::Left),
        ..untold()
    };
    let opened = Profile { open_user_id: some("woUSER1"), ..untold() };
    vec![
        sample(
            "create_user",
            whole_xml,
            Book::MemberCreated { user_id: staff("han.meimei"), profile: Box::new(whole) },
        ),
        sample(
            "create_user",
            "<OpenUserID>woUSER1</OpenUserID><UserID/>",
            Book::MemberCreated { user_id: staff("woUSER1"), profile: Box::new(opened) },
        ),
        sample(
            "update_user",
            "<UserID>han.meimei</UserID><NewUserID>han</NewUserID><Position></Position><Department/><Status>5</Status>",
            Book::MemberUpdated {
                user_id: staff("han.meimei"),
                new_user_id: Some(staff("han")),
                profile: Box::new(changed),
            },
        ),
        sample(
            "delete_user",
            "<UserID>han.meimei</UserID>",
            Book::MemberDeleted { user_id: staff("han.meimei") },
        ),
        sample(
            "create_party",
            "<Id>12</Id><Name>华南</Name><ParentId><![CDATA[1]]></ParentId><Order>10000000</Order>",
            Book::DepartmentCreated {
                id: 12,
                name: some("华南"),
                parent_id: Some(1),
                order: Some(10_000_000),
            },
        ),
        sample(
            "update_party",
            "<Id>12</Id><ParentId>2</ParentId>",
            Book::DepartmentUpdated { id: 12, name: None, parent_id: Some(2) },
        ),
        sample("delete_party", "<Id>12</Id>", Book::DepartmentDeleted { id: 12 }),
        sample(
            "update_tag",
            "<TagId>1</TagId><AddUserItems>han,lilei</AddUserItems><DelUserItems></DelUserItems><AddPartyItems>1,2</AddPartyItems>",
            Book::MemberTagUpdated {
                tag_id: 1,
                added_users: Commas(vec![staff("han"), staff("lilei")]),
                removed_users: Commas(Vec::new()),
                added_departments: Commas(vec![1, 2]),
                removed_departments: Commas(Vec::new()),
            },
        ),
        Sample::new(
            "batch_job_result",
            "",
            "<BatchJob><JobId>job1</JobId><JobType>sync_user</JobType><ErrCode>0</ErrCode><ErrMsg>ok</ErrMsg></BatchJob>",
            Body::Book(Book::BatchFinished {
                job_id: "job1".to_owned(),
                job_type: some("sync_user"),
                error_code: Some(0),
                error_message: some("ok"),
            }),
        ),
    ]
}
