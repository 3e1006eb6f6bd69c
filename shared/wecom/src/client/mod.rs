//! What we ask of WeCom, and how: access tokens, limits, errors, and one typed method per call.

pub mod http;
pub mod token;
