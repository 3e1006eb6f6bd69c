//! Which endpoints there are.

use serde_json::json;

use super::call::{Answered, Call};
use super::{book, contact, limit, message, suite, tag, transfer, way};
use crate::state::Corp;

/// An endpoint of WeCom's API.
pub(crate) struct Endpoint {
    /// The path below `/cgi-bin/`.
    pub(crate) name: &'static str,
    /// Whether it is called by POST only.
    pub(super) is_post: bool,
    pub(super) work: Work,
}

/// How an endpoint is served.
pub(super) enum Work {
    /// Hands out tokens, so needs none.
    Token,
    /// Hands out the tokens of suites, so needs none.
    SuiteToken,
    /// Is called with the token of a suite instead of an app's.
    Suite(fn(&mut Corp, &Call<'_>) -> Answered),
    /// Like this, and success has no `errcode`.
    PermanentCode,
    /// Looks into the state, or changes it, at once.
    State(fn(&mut Corp, &Call<'_>) -> Answered),
    /// Like this, but only a few at a time.
    MarkTag,
    /// Takes its time, and no second one meanwhile.
    Welcome,
    /// Takes a file.
    Upload,
    /// Takes a picture.
    UploadPicture,
    /// Gives a file.
    File,
}

const fn get(name: &'static str, work: fn(&mut Corp, &Call<'_>) -> Answered) -> Endpoint {
    Endpoint { name, is_post: false, work: Work::State(work) }
}

const fn post(name: &'static str, work: fn(&mut Corp, &Call<'_>) -> Answered) -> Endpoint {
    Endpoint { name, is_post: true, work: Work::State(work) }
}

const fn special(name: &'static str, is_post: bool, work: Work) -> Endpoint {
    Endpoint { name, is_post, work }
}

/// All endpoints.
static ENDPOINTS: &[Endpoint] = &[
    special("gettoken", false, Work::Token),
    get("getcallbackip", |_, _| Ok(json!({ "ip_list": ["127.0.0.1"] }))),
    get("get_api_domain_ip", |_, _| Ok(json!({ "ip_list": ["127.0.0.1"] }))),
    get("user/get", book::user_get),
    get("user/simplelist", book::user_simplelist),
    get("user/list", book::user_list),
    post("user/list_id", book::user_list_id),
    get("department/list", book::department_list),
    get("department/simplelist", book::department_simplelist),
    get("department/get", book::department_get),
    get("agent/get", book::agent_get),
    get("externalcontact/get_follow_user_list", |corp, call| Ok(contact::follow_users(corp, call))),
    get("externalcontact/list", contact::list),
    get("externalcontact/get", contact::get),
    post("externalcontact/batch/get_by_user", contact::batch),
    post("externalcontact/remark", contact::remark),
    post("externalcontact/get_corp_tag_list", tag::list),
    post("externalcontact/add_corp_tag", tag::add),
    post("externalcontact/edit_corp_tag", tag::edit),
    post("externalcontact/del_corp_tag", tag::delete),
    special("externalcontact/mark_tag", true, Work::MarkTag),
    post("externalcontact/add_contact_way", way::add),
    post("externalcontact/get_contact_way", way::get),
    post("externalcontact/list_contact_way", way::list),
    post("externalcontact/update_contact_way", way::update),
    post("externalcontact/del_contact_way", way::delete),
    special("externalcontact/send_welcome_msg", true, Work::Welcome),
    post(transfer::NAME, transfer::transfer),
    post("externalcontact/transfer_result", transfer::result),
    special("media/upload", true, Work::Upload),
    special(limit::PICTURES, true, Work::UploadPicture),
    special("media/get", false, Work::File),
    post("message/send", message::send),
    post("message/update_template_card", message::update),
    special("service/get_suite_token", true, Work::SuiteToken),
    special("service/get_pre_auth_code", false, Work::Suite(|corp, _| Ok(suite::pre_auth_code(corp)))),
    special("service/get_permanent_code", true, Work::PermanentCode),
    special("service/get_auth_info", true, Work::Suite(suite::auth_info_of)),
    special("service/get_corp_token", true, Work::Suite(suite::corp_token)),
];

/// Returns the paths of all endpoints below `/cgi-bin/`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ENDPOINTS.iter().map(|endpoint| endpoint.name)
}

/// Finds the endpoint with this path below `/cgi-bin/`.
pub(crate) fn find(name: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.name == name)
}
