//! Printing a token for the HTTP API.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use scrm_http::{Caller, Role, Tokens};
use scrm_ingest::domain::connection::Corp;
use scrm_kernel::{Clock, CorpId};

use crate::folder::Folder;

/// How long a printed token lets in.
const LIFE: Duration = Duration::from_hours(1);

/// Returns a token for an enterprise: the first one, or the one that `corp` names by our id or WeCom's.
pub async fn print(data: &Path, role: Role, corp: Option<&str>) -> anyhow::Result<String> {
    let folder = Folder::existing(data)?;
    let corps = scrm_ingest::corps(&folder.database("ingest"), Clock::system()).await?;
    let corp = choose(&corps, corp)?;
    let tokens = Tokens::new(folder.token_keys()?, Clock::system());
    Ok(tokens.sign(&Caller { corp, role, subject: "scrm token".to_owned() }, LIFE)?)
}

fn choose(corps: &[Corp], wanted: Option<&str>) -> anyhow::Result<CorpId> {
    let is_wanted = |corp: &&Corp| match wanted {
        None => true,
        Some(wanted) => {
            corp.id.to_string() == wanted || corp.wecom_id.as_ref().is_some_and(|id| id.as_str() == wanted)
        }
    };
    let found = corps.iter().find(is_wanted);
    found.map(|corp| corp.id).with_context(|| match wanted {
        None => "there is no enterprise yet: start `scrm serve` on this folder first".to_owned(),
        Some(wanted) => format!("there is no enterprise {wanted} in this folder"),
    })
}
