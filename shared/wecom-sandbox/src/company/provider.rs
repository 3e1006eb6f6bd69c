//! The provider (服务商) whose suites the company can install; like the company, it follows from the seed.

use crate::draw::{Draw, HEX, Topic};

/// WeCom's ids of the provider and of what it offers.
pub(crate) struct Provider {
    /// A corp id, and another one than the company's.
    pub(crate) corp_id: String,
    /// The suite id of the third-party app.
    pub(crate) third_party: String,
    /// The suite id of the template for customized apps.
    pub(crate) customized: String,
}

impl Provider {
    /// Writes the provider of a seed.
    pub(crate) fn scripted(seed: u64) -> Self {
        let mut draw = Draw::scripted(seed, Topic::Provider, 0);
        let mut id = |prefix: &str| format!("{prefix}{}", draw.text(HEX, 16));
        Self { corp_id: id("ww"), third_party: id("ww"), customized: id("dk") }
    }
}
