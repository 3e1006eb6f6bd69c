//! The tables as sea-orm sees them.

pub(super) mod acknowledgement;
pub(super) mod card;
pub(super) mod card_click;
pub(super) mod card_minute;
pub(super) mod channel;
pub(super) mod channel_day;
pub(super) mod channel_staff;
pub(super) mod greeting;
pub(super) mod greeting_media;
pub(super) mod lead;
pub(super) mod lead_mark;
pub(super) mod media;
pub(super) mod media_copy;
pub(super) mod person;
pub(super) mod relation;
pub(super) mod routing_group;
pub(super) mod routing_member;
pub(super) mod staff;
pub(super) mod staff_alias;
pub(super) mod staff_day;
pub(super) mod submission;
pub(super) mod touch;
pub(super) mod transfer;
pub(super) mod welcome;
