//! What members do in an app, and what happens to the app itself.

use super::table::{choice, family, record};

family! {
    /// An event of an app; who did it is the event's [`member`](super::Event::member).
    pub enum App {
        /// The member may see the app now.
        Subscribed = "app_subscribed", "subscribe";
        /// The member may no longer see the app.
        Unsubscribed = "app_unsubscribed", "unsubscribe";
        /// The member opened the app; may be frequent.
        Entered = "app_entered", "enter_agent";
        /// The member's position, if the app asks for it.
        Located = "app_located", "LOCATION" {
            /// Degrees north.
            latitude: f64 = "Latitude",
            /// Degrees east.
            longitude: f64 = "Longitude",
            /// Metres.
            precision: Option<f64> = "Precision",
        };
        /// The member chose a menu entry.
        MenuClicked = "app_menu_clicked", "click" {
            /// The entry's key.
            key: Option<String> = "EventKey",
        };
        /// The member opened a link of the menu.
        MenuViewed = "app_menu_viewed", "view" {
            /// The link's address.
            key: Option<String> = "EventKey",
        };
        /// The member opened a mini program of the menu.
        MiniProgramViewed = "app_mini_program_viewed", "view_miniprogram" {
            /// The mini program's path.
            key: Option<String> = "EventKey",
        };
        /// The member scanned a code.
        Scanned = "app_scanned", "scancode_push" {
            /// The entry's key.
            key: Option<String> = "EventKey",
            /// `qrcode`, or another kind of code.
            scan_type: Option<String> = "ScanCodeInfo/ScanType",
            /// What the code says.
            result: Option<String> = "ScanCodeInfo/ScanResult",
        };
        /// The member scanned a code and waits for an answer.
        ScannedWaiting = "app_scanned_waiting", "scancode_waitmsg" {
            /// The entry's key.
            key: Option<String> = "EventKey",
            /// `qrcode`, or another kind of code.
            scan_type: Option<String> = "ScanCodeInfo/ScanType",
            /// What the code says.
            result: Option<String> = "ScanCodeInfo/ScanResult",
        };
        /// The member took photographs.
        PhotosTaken = "app_photos_taken", "pic_sysphoto" {
            /// The entry's key.
            key: Option<String> = "EventKey",
            /// How many.
            count: Option<u32> = "SendPicsInfo/Count",
            /// MD5 sums of the pictures, which follow as messages.
            md5_sums: Vec<String> = "SendPicsInfo/PicList/item/PicMd5Sum",
        };
        /// The member took or chose photographs.
        PhotosTakenOrChosen = "app_photos_taken_or_chosen", "pic_photo_or_album" {
            /// The entry's key.
            key: Option<String> = "EventKey",
            /// How many.
            count: Option<u32> = "SendPicsInfo/Count",
            /// MD5 sums of the pictures, which follow as messages.
            md5_sums: Vec<String> = "SendPicsInfo/PicList/item/PicMd5Sum",
        };
        /// The member chose photographs of their album.
        PhotosChosen = "app_photos_chosen", "pic_weixin" {
            /// The entry's key.
            key: Option<String> = "EventKey",
            /// How many.
            count: Option<u32> = "SendPicsInfo/Count",
            /// MD5 sums of the pictures, which follow as messages.
            md5_sums: Vec<String> = "SendPicsInfo/PicList/item/PicMd5Sum",
        };
        /// The member chose a place.
        PlaceChosen = "app_place_chosen", "location_select" {
            /// The entry's key.
            key: Option<String> = "EventKey",
            /// Degrees north.
            latitude: f64 = "SendLocationInfo/Location_X",
            /// Degrees east.
            longitude: f64 = "SendLocationInfo/Location_Y",
            /// Zoom of the map.
            scale: Option<u32> = "SendLocationInfo/Scale",
            /// Address.
            label: Option<String> = "SendLocationInfo/Label",
            /// Name of the place.
            place: Option<String> = "SendLocationInfo/Poiname",
        };
        /// The member pressed a button of an old task card.
        TaskCardClicked = "app_task_card_clicked", "taskcard_click" {
            /// The button.
            key: Option<String> = "EventKey",
            /// The card.
            task_id: String = "TaskId",
        };
        /// The member pressed a button of a card.
        CardClicked = "app_card_clicked", "template_card_event" {
            /// The button.
            key: Option<String> = "EventKey",
            /// The card.
            task_id: Option<String> = "TaskId",
            /// Kind of the card.
            card_type: Option<CardType> = "CardType",
            /// Allows one update of the card within 72 hours; unique.
            response_code: String = "ResponseCode",
            /// What was chosen before the button was pressed.
            selected: Vec<Selected> = "SelectedItems/SelectedItem",
        };
        /// The member chose an entry of a card's menu.
        CardMenuClicked = "app_card_menu_clicked", "template_card_menu_event" {
            /// The entry.
            key: Option<String> = "EventKey",
            /// The card.
            task_id: Option<String> = "TaskId",
            /// Kind of the card.
            card_type: Option<CardType> = "CardType",
            /// As in [`CardClicked`](Self::CardClicked).
            response_code: String = "ResponseCode",
        };
        /// WeCom paused the app because nobody uses it.
        Paused = "app_paused", "close_inactive_agent";
        /// The app works again.
        Resumed = "app_resumed", "reopen_inactive_agent";
        /// The app's own face on the workbench was switched on (1) or off (0).
        WorkbenchSwitched = "app_workbench_switched", "switch_workbench_mode" {
            /// 1 or 0.
            mode: u32 = "Mode",
        };
        /// A large file was uploaded.
        MediaUploaded = "app_media_uploaded", "upload_media_job_finish" {
            /// The job.
            job_id: String = "JobId",
        };
        /// The app has other administrators.
        AdminsChanged = "app_admins_changed", "change_app_admin";
        /// The app is shared with other corps now, or no longer.
        SharingChanged = "app_sharing_changed", "share_agent_change" {
            /// The provider's app.
            app_id: Option<String> = "AppId",
            /// The other corp.
            corp_id: Option<String> = "CorpId",
        };
        /// A member without a licence used the app.
        Unlicensed = "app_unlicensed", "unlicensed_notify";
    }
}

choice! {
    /// Kind of a card.
    pub enum CardType {
        /// Text.
        TextNotice = "text_notice",
        /// Text with a picture.
        NewsNotice = "news_notice",
        /// Buttons.
        ButtonInteraction = "button_interaction",
        /// One question.
        VoteInteraction = "vote_interaction",
        /// Several questions.
        MultipleInteraction = "multiple_interaction",
    }
}

record! {
    /// The answer to one question of a card.
    pub struct Selected {
        /// The question.
        question: String = "QuestionKey",
        /// The chosen options. WeCom's own samples misspell the element.
        options: Vec<String> = "OptionIds/OptionId|OpitonIds/OpitonId",
    }
}
