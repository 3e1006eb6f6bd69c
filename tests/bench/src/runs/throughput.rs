//! x
use super::Setting;
use crate::figure::Figure;
pub(super) async fn run(_setting: &Setting) -> anyhow::Result<Vec<Figure>> {
    anyhow::bail!("not yet")
}
