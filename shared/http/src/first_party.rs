//! Requests that a browser sends by itself: only our own pages may make it do so.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use scrm_kernel::ErrorKind;

use crate::problem::refuse;

/// What a browser says of whose page asks (Fetch Metadata).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// A request of one of our own pages, or of a program that is no browser.
///
/// For routes to which a browser adds a cookie by itself, or that give one. `SameSite=Strict` keeps cookies from most foreign
/// pages; this refuses the rest, such as those of another port of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstParty;

/// The page of somebody else asks.
#[derive(Debug, thiserror::Error)]
#[error("this is asked by the page of somebody else")]
pub struct CrossSite;

impl actix_web::ResponseError for CrossSite {
    fn error_response(&self) -> HttpResponse {
        refuse(ErrorKind::Forbidden, "cross_site", "Only pages of this address may ask for this.")
    }
}

impl FromRequest for FirstParty {
    type Error = CrossSite;
    type Future = Ready<Result<Self, CrossSite>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(if is_first_party(request.headers()) { Ok(Self) } else { Err(CrossSite) })
    }
}

fn is_first_party(headers: &HeaderMap) -> bool {
    let text = |value: &actix_web::http::header::HeaderValue| value.to_str().map(str::to_owned).ok();
    let site = headers.get(SEC_FETCH_SITE).map(text);
    if site.is_some_and(|site| !matches!(site.as_deref(), Some("same-origin" | "none"))) {
        return false;
    }
    let Some(origin) = headers.get(ORIGIN).map(text) else { return true };
    let host = headers.get(HOST).and_then(text);
    // `null` has no host: it is a page that hides where it comes from.
    let origin = origin.as_deref().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.zip(host.as_deref()).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_own_pages_and_programs_are_first_party() {
        let is_let_in = |headers: &[(&'static str, &'static str)]| {
            let mut request = TestRequest::default().insert_header(("host", "crm.example.com:8080"));
            for header in headers {
                request = request.insert_header(*header);
            }
            is_first_party(request.to_http_request().headers())
        };
        let own = ("origin", "https://crm.example.com:8080");
        assert!(is_let_in(&[]) && is_let_in(&[own]) && is_let_in(&[("sec-fetch-site", "none")]));
        assert!(is_let_in(&[own, ("sec-fetch-site", "same-origin")]));
        for foreign in ["https://evil.example.com", "https://crm.example.com", "null", ""] {
            assert!(!is_let_in(&[("origin", foreign)]), "{foreign}");
        }
        for site in ["cross-site", "same-site", "?"] {
            assert!(!is_let_in(&[own, ("sec-fetch-site", site)]), "{site}");
        }
    }
}
