//! Messages that members send to an app. Media are kept by WeCom for three days.

use super::table::family;

family! {
    /// A message to an app; who sent it is the event's [`member`](super::Event::member).
    pub enum Message {
        /// Text.
        Text = "message_text", "text" {
            /// Unique, for dropping repeats.
            message_id: u64 = "MsgId",
            /// The text, without surrounding whitespace.
            content: Option<String> = "Content",
        };
        /// A picture.
        Image = "message_image", "image" {
            /// Unique.
            message_id: u64 = "MsgId",
            /// The file.
            media_id: String = "MediaId",
            /// Address of the picture.
            picture_url: Option<String> = "PicUrl",
        };
        /// A voice message.
        Voice = "message_voice", "voice" {
            /// Unique.
            message_id: u64 = "MsgId",
            /// The file.
            media_id: String = "MediaId",
            /// `amr` or `speex`.
            format: Option<String> = "Format",
        };
        /// A video.
        Video = "message_video", "video" {
            /// Unique.
            message_id: u64 = "MsgId",
            /// The file.
            media_id: String = "MediaId",
            /// The file of its first frame.
            thumb_media_id: Option<String> = "ThumbMediaId",
        };
        /// A place.
        Location = "message_location", "location" {
            /// Unique.
            message_id: u64 = "MsgId",
            /// Degrees north.
            latitude: f64 = "Location_X",
            /// Degrees east.
            longitude: f64 = "Location_Y",
            /// Zoom of the map.
            scale: Option<u32> = "Scale",
            /// Address.
            label: Option<String> = "Label",
        };
        /// A link.
        Link = "message_link", "link" {
            /// Unique.
            message_id: u64 = "MsgId",
            /// Title.
            title: Option<String> = "Title",
            /// Description.
            description: Option<String> = "Description",
            /// The address.
            url: Option<String> = "Url",
            /// Address of the picture.
            picture_url: Option<String> = "PicUrl",
        };
    }
}
