//! The page that watches the sandbox: one document, put together of three files, with nothing from elsewhere.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const STYLE: &str = include_str!("../page/page.css");
const SCRIPT: &str = include_str!("../page/page.js");
const PAGE: &str = concat!(
    "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n",
    include_str!("../page/head.html"),
    "<style>",
    include_str!("../page/page.css"),
    "</style>\n</head>\n<body>\n",
    include_str!("../page/body.html"),
    "<script>",
    include_str!("../page/page.js"),
    "</script>\n</body>\n</html>\n",
);

/// Nothing runs but this script: names and messages on the page are foreign text, some of it unpleasant on purpose.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'",
        hash(STYLE),
        hash(SCRIPT),
    )
});

pub(super) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.as_str()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(PAGE)
}
