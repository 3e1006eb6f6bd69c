//! The page that shows the OpenAPI document. It holds no data, loads nothing from elsewhere, and runs no script but its own.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const HTML: &str = include_str!("docs/page.html");
const STYLE: &str = include_str!("docs/page.css");
const SCRIPT: &str = include_str!("docs/page.js");

static PAGE: LazyLock<String> = LazyLock::new(|| HTML.replace("{style}", STYLE).replace("{script}", SCRIPT));

/// Only this style and this script, by their hashes; only this origin is asked for the document.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE),
    )
});

pub(crate) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.as_str()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(PAGE.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_what_is_on_the_page() {
        for (tag, text) in [("script", SCRIPT), ("style", STYLE)] {
            let whole = format!("<{tag}>{text}</{tag}>");
            assert!(PAGE.contains(&whole), "{tag}");
            let hash = STANDARD.encode(digest(&SHA256, text.as_bytes()));
            assert!(POLICY.contains(&format!("{tag}-src 'sha256-{hash}'")), "{tag}");
        }
        // What the policy would forbid must not be on the page.
        for forbidden in ["//cdn", "https://", "http://", "style=", "onclick", "innerHTML", "eval("] {
            assert!(!PAGE.contains(forbidden), "{forbidden}");
        }
    }
}
