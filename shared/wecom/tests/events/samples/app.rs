//! Messages to an app and its events.

use scrm_wecom::event::{App, Body, CardType, Message, Selected};

use super::{Sample, some};

pub(super) fn samples() -> Vec<Sample> {
    let mut samples = messages();
    samples.extend(plain_events());
    samples.extend(cards());
    samples
}

fn messages() -> Vec<Sample> {
    let sample = |event, inner: &str, message| {
        let inner = format!("{inner}<MsgId><![CDATA[18446744073709551615]]></MsgId>");
        Sample::new(event, "", &inner, Body::Message(message))
    };
    let (message_id, media) = (u64::MAX, "<MediaId>m1</MediaId>");
    let media_id = || "m1".to_owned();
    vec![
        sample(
            "message text",
            "<Content><![CDATA[SECRET 你好]]></Content>",
            Message::Text { message_id, content: some("SECRET 你好") },
        ),
        sample(
            "message image",
            &format!("{media}<PicUrl>http://p</PicUrl>"),
            Message::Image { message_id, media_id: media_id(), picture_url: some("http://p") },
        ),
        sample(
            "message voice",
            &format!("{media}<Format>amr</Format>"),
            Message::Voice { message_id, media_id: media_id(), format: some("amr") },
        ),
        sample(
            "message video",
            &format!("{media}<ThumbMediaId>m2</ThumbMediaId>"),
            Message::Video { message_id, media_id: media_id(), thumb_media_id: some("m2") },
        ),
        sample(
            "message location",
            "<Location_X>23.137</Location_X><Location_Y>113.5</Location_Y><Scale>15</Scale><Label>广州</Label><AppType>wxwork</AppType>",
            Message::Location {
                message_id,
                latitude: 23.137,
                longitude: 113.5,
                scale: Some(15),
                label: some("广州"),
            },
        ),
        sample(
            "message link",
            "<Title>t</Title><Description>d</Description><Url>http://u</Url><PicUrl>http://p</PicUrl>",
            Message::Link {
                message_id,
                title: some("t"),
                description: some("d"),
                url: some("http://u"),
                picture_url: some("http://p"),
            },
        ),
        Sample::new(
            "message sticker",
            "",
            "",
            Body::Unknown { event: "sticker".to_owned(), change_type: None },
        ),
    ]
}

fn plain_events() -> Vec<Sample> {
    let sample = |event, inner: &str, app| Sample::new(event, "", inner, Body::App(app));
    let key = || some("key1");
    let scan = "<EventKey>key1</EventKey><ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>r1</ScanResult></ScanCodeInfo>";
    let photos = "<EventKey>key1</EventKey><SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum>a1</PicMd5Sum></item>\
        <item><PicMd5Sum>b2</PicMd5Sum></item></PicList></SendPicsInfo>";
    let md5_sums = || vec!["a1".to_owned(), "b2".to_owned()];
    vec![
        sample("subscribe", "", App::Subscribed),
        sample("unsubscribe", "", App::Unsubscribed),
        sample("enter_agent", "<EventKey></EventKey>", App::Entered),
        sample(
            "LOCATION",
            "<Latitude>23.104</Latitude><Longitude>113.32</Longitude><Precision>65.0</Precision>",
            App::Located { latitude: 23.104, longitude: 113.32, precision: Some(65.0) },
        ),
        sample("click", "<EventKey>key1</EventKey>", App::MenuClicked { key: key() }),
        sample("view", "<EventKey>key1</EventKey>", App::MenuViewed { key: key() }),
        sample("view_miniprogram", "<EventKey>key1</EventKey>", App::MiniProgramViewed { key: key() }),
        sample(
            "scancode_push",
            scan,
            App::Scanned { key: key(), scan_type: some("qrcode"), result: some("r1") },
        ),
        sample(
            "scancode_waitmsg",
            scan,
            App::ScannedWaiting { key: key(), scan_type: some("qrcode"), result: some("r1") },
        ),
        sample("pic_sysphoto", photos, App::PhotosTaken { key: key(), count: Some(2), md5_sums: md5_sums() }),
        sample(
            "pic_photo_or_album",
            photos,
            App::PhotosTakenOrChosen { key: key(), count: Some(2), md5_sums: md5_sums() },
        ),
        sample("pic_weixin", photos, App::PhotosChosen { key: key(), count: Some(2), md5_sums: md5_sums() }),
        sample(
            "location_select",
            "<EventKey>key1</EventKey><SendLocationInfo><Location_X>23</Location_X><Location_Y>113</Location_Y>\
             <Scale>15</Scale><Label>广州</Label><Poiname>塔</Poiname></SendLocationInfo>",
            App::PlaceChosen {
                key: key(),
                latitude: 23.0,
                longitude: 113.0,
                scale: Some(15),
                label: some("广州"),
                place: some("塔"),
            },
        ),
        sample("close_inactive_agent", "", App::Paused),
        sample("reopen_inactive_agent", "", App::Resumed),
        sample("switch_workbench_mode", "<Mode>1</Mode >", App::WorkbenchSwitched { mode: 1 }),
        sample(
            "upload_media_job_finish",
            "<JobId>job1</JobId>",
            App::MediaUploaded { job_id: "job1".to_owned() },
        ),
        sample("change_app_admin", "", App::AdminsChanged),
        sample("share_agent_change", "", App::SharingChanged { app_id: None, corp_id: None }),
        sample(
            "share_agent_change",
            "<AppId>1</AppId><CorpId>wwX1</CorpId>",
            App::SharingChanged { app_id: some("1"), corp_id: some("wwX1") },
        ),
        sample("unlicensed_notify", "", App::Unlicensed),
    ]
}

fn cards() -> Vec<Sample> {
    let sample = |event, inner: &str, app| Sample::new(event, "", inner, Body::App(app));
    let head = "<EventKey>key1</EventKey><TaskId>task1</TaskId><CardType>vote_interaction</CardType><ResponseCode>SECRET5</ResponseCode>";
    let (key, task_id) = (|| some("key1"), || some("task1"));
    let clicked = |selected| App::CardClicked {
        key: key(),
        task_id: task_id(),
        card_type: Some(CardType::VoteInteraction),
        response_code: "SECRET5".to_owned(),
        selected,
    };
    let answer = |question: &str, options: &[&str]| Selected {
        question: question.to_owned(),
        options: options.iter().map(|&option| option.to_owned()).collect(),
    };
    vec![
        sample(
            "taskcard_click",
            "<EventKey>key1</EventKey><TaskId>task1</TaskId>",
            App::TaskCardClicked { key: key(), task_id: "task1".to_owned() },
        ),
        sample("template_card_event", head, clicked(Vec::new())),
        sample(
            "template_card_event",
            &format!(
                "{head}<SelectedItems><SelectedItem><QuestionKey>q1</QuestionKey><OpitonIds><OpitonId>o1</OpitonId>\
                 <OpitonId>o2</OpitonId></OpitonIds></SelectedItem><SelectedItem><QuestionKey>q2</QuestionKey>\
                 <OptionIds><OptionId>o3</OptionId></OptionIds></SelectedItem></SelectedItems>"
            ),
            clicked(vec![answer("q1", &["o1", "o2"]), answer("q2", &["o3"])]),
        ),
        sample(
            "template_card_menu_event",
            head,
            App::CardMenuClicked {
                key: key(),
                task_id: task_id(),
                card_type: Some(CardType::VoteInteraction),
                response_code: "SECRET5".to_owned(),
            },
        ),
    ]
}
