//! Every call this client makes: its path, whether it changes anything, and how many of it may run at once.

/// One call of WeCom's API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoint {
    /// Below `/cgi-bin/`.
    pub(super) path: &'static str,
    pub(super) effect: Effect,
    pub(super) width: Width,
}

/// What a call changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing: the client repeats it by itself.
    None,
    /// Something: the client never sends it again once WeCom may have done it.
    Lasting,
}

/// How many calls to one path WeCom bears at a time from one enterprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// As many as the rate allows.
    Wide,
    /// Few: more are refused with 45033.
    Narrow,
}

const fn read(path: &'static str) -> Endpoint {
    Endpoint { path, effect: Effect::None, width: Width::Wide }
}

const fn write(path: &'static str) -> Endpoint {
    Endpoint { path, effect: Effect::Lasting, width: Width::Wide }
}

const fn narrow_write(path: &'static str) -> Endpoint {
    Endpoint { path, effect: Effect::Lasting, width: Width::Narrow }
}

pub(super) const MEMBER_IDS: Endpoint = read("user/list_id");
pub(super) const MEMBER: Endpoint = read("user/get");
pub(super) const MEMBERS: Endpoint = read("user/simplelist");
pub(super) const FULL_MEMBERS: Endpoint = read("user/list");
pub(super) const DEPARTMENTS: Endpoint = read("department/list");
pub(super) const DEPARTMENT_IDS: Endpoint = read("department/simplelist");
pub(super) const AGENT: Endpoint = read("agent/get");

pub(super) const FOLLOWING_MEMBERS: Endpoint = read("externalcontact/get_follow_user_list");
pub(super) const CUSTOMERS: Endpoint = read("externalcontact/list");
pub(super) const CUSTOMER: Endpoint = read("externalcontact/get");
pub(super) const RELATIONS: Endpoint = read("externalcontact/batch/get_by_user");
pub(super) const REMARK: Endpoint = narrow_write("externalcontact/remark");

pub(super) const TAGS: Endpoint = read("externalcontact/get_corp_tag_list");
pub(super) const ADD_TAGS: Endpoint = narrow_write("externalcontact/add_corp_tag");
pub(super) const MARK_TAGS: Endpoint = narrow_write("externalcontact/mark_tag");

pub(super) const ADD_WAY: Endpoint = narrow_write("externalcontact/add_contact_way");
pub(super) const WAY: Endpoint = read("externalcontact/get_contact_way");
pub(super) const WAYS: Endpoint = read("externalcontact/list_contact_way");
pub(super) const UPDATE_WAY: Endpoint = narrow_write("externalcontact/update_contact_way");
pub(super) const DELETE_WAY: Endpoint = narrow_write("externalcontact/del_contact_way");

pub(super) const WELCOME: Endpoint = write("externalcontact/send_welcome_msg");

pub(super) const TRANSFER: Endpoint = narrow_write("externalcontact/transfer_customer");
pub(super) const TRANSFERRED: Endpoint = read("externalcontact/transfer_result");
pub(super) const TRANSFER_RESIGNED: Endpoint = narrow_write("externalcontact/resigned/transfer_customer");
pub(super) const TRANSFERRED_RESIGNED: Endpoint = read("externalcontact/resigned/transfer_result");

pub(super) const UPLOAD: Endpoint = write("media/upload");
pub(super) const SEND: Endpoint = write("message/send");
pub(super) const UPDATE_CARD: Endpoint = write("message/update_template_card");
