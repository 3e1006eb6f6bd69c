//! Approvals.

use scrm_wecom::event::{
    Approval, ApprovalStatus, Body, Comment, Node, NodeItem, OpenApproval, SystemApproval, SystemApprover,
    SystemRecord,
};

use super::{Sample, some, staff};

const OPEN: &str = "<ApprovalInfo><ThirdNo>no1</ThirdNo><OpenSpName>折扣</OpenSpName><OpenTemplateId>tpl1</OpenTemplateId>
    <OpenSpStatus>1</OpenSpStatus><ApplyTime>1700000000</ApplyTime><ApplyUserName>韩梅梅</ApplyUserName>
    <ApplyUserId>han</ApplyUserId><ApplyUserParty>华南</ApplyUserParty><ApplyUserImage>http://i</ApplyUserImage>
    <ApprovalNodes><ApprovalNode><NodeStatus>2</NodeStatus><NodeAttr>1</NodeAttr><NodeType>1</NodeType>
    <Items><Item><ItemName>李雷</ItemName><ItemUserid>lilei</ItemUserid><ItemParty>华南</ItemParty><ItemImage>http://i</ItemImage>
    <ItemStatus>2</ItemStatus><ItemSpeech>好</ItemSpeech><ItemOpTime>1700000009</ItemOpTime></Item></Items></ApprovalNode>
    <ApprovalNode><NodeStatus>4</NodeStatus><Items><Item><ItemUserId>wangwu</ItemUserId></Item><Item><ItemUserId>zhaoliu</ItemUserId></Item></Items></ApprovalNode></ApprovalNodes>
    <NotifyNodes><NotifyNode><ItemName>丁一</ItemName><ItemUserid>dingyi</ItemUserid></NotifyNode></NotifyNodes>
    <approverstep>0</approverstep></ApprovalInfo>";

const SYSTEM: &str = "<ApprovalInfo><SpNo>202601010001</SpNo><SpName>请假</SpName><SpStatus>2</SpStatus><TemplateId>tpl2</TemplateId>
    <ApplyTime>1700000000</ApplyTime><Applyer><UserId>han</UserId><Party>1</Party></Applyer>
    <SpRecord><SpStatus>2</SpStatus><ApproverAttr>1</ApproverAttr>
    <Details><Approver><UserId>lilei</UserId></Approver><Speech>好</Speech><SpStatus>2</SpStatus><SpTime>1700000009</SpTime></Details>
    <Details><Approver><UserId>wangwu</UserId></Approver><Speech/><SpStatus>1</SpStatus><SpTime>0</SpTime></Details></SpRecord>
    <Notifyer><UserId>dingyi</UserId></Notifyer><Notifyer><UserId>zhaoliu</UserId></Notifyer>
    <Comments><CommentUserInfo><UserId>lilei</UserId></CommentUserInfo><CommentTime>1700000010</CommentTime>
    <CommentContent>快</CommentContent><CommentId>18446744073709551614</CommentId></Comments>
    <StatuChangeEvent>2</StatuChangeEvent></ApprovalInfo>";

fn person(id: &str) -> NodeItem {
    NodeItem {
        user_id: Some(staff(id)),
        name: None,
        department: None,
        image: None,
        status: None,
        speech: None,
        decided: None,
    }
}

fn approver(id: &str, speech: Option<String>, status: u32, decided: i64) -> SystemApprover {
    SystemApprover { user_id: Some(staff(id)), speech, status: Some(status), decided: Some(decided) }
}

pub(super) fn samples() -> Vec<Sample> {
    let decided = NodeItem {
        name: some("李雷"),
        department: some("华南"),
        image: some("http://i"),
        status: Some(ApprovalStatus::Approved),
        speech: some("好"),
        decided: Some(1_700_000_009),
        ..person("lilei")
    };
    let open = OpenApproval {
        number: "no1".to_owned(),
        template_name: some("折扣"),
        template_id: some("tpl1"),
        status: Some(ApprovalStatus::Pending),
        applied: Some(1_700_000_000),
        applicant: Some(staff("han")),
        applicant_name: some("韩梅梅"),
        applicant_department: some("华南"),
        applicant_image: some("http://i"),
        nodes: vec![
            Node {
                status: Some(ApprovalStatus::Approved),
                rule: Some(1),
                kind: Some(1),
                items: vec![decided],
            },
            Node {
                status: Some(ApprovalStatus::CancelledOrTransferred),
                rule: None,
                kind: None,
                items: vec![person("wangwu"), person("zhaoliu")],
            },
        ],
        notified: vec![NodeItem { name: some("丁一"), ..person("dingyi") }],
        step: Some(0),
    };
    let system = SystemApproval {
        number: "202601010001".to_owned(),
        template_name: some("请假"),
        template_id: some("tpl2"),
        status: Some(2),
        applied: Some(1_700_000_000),
        applicant: Some(staff("han")),
        applicant_department: some("1"),
        records: vec![SystemRecord {
            status: Some(2),
            rule: Some(1),
            approvers: vec![approver("lilei", some("好"), 2, 1_700_000_009), approver("wangwu", None, 1, 0)],
        }],
        notified: vec![staff("dingyi"), staff("zhaoliu")],
        comments: vec![Comment {
            id: Some(u64::MAX - 1),
            user_id: Some(staff("lilei")),
            time: Some(1_700_000_010),
            content: some("快"),
        }],
        change: Some(2),
    };
    vec![
        Sample::new(
            "open_approval_change",
            "",
            OPEN,
            Body::Approval(Approval::Changed { approval: Box::new(open) }),
        ),
        Sample::new(
            "sys_approval_change",
            "",
            SYSTEM,
            Body::Approval(Approval::SystemChanged { approval: Box::new(system) }),
        ),
    ]
}
