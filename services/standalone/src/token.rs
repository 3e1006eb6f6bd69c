//! Printing a token for the HTTP API.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use scrm_http::{Caller, Role, Tokens};
use scrm_ingest::Ingest;
use scrm_ingest::domain::connection::Corp;
use scrm_kernel::{Clock, CorpId};
use scrm_process::keys;

use crate::installation::Installation;

/// How long a printed token lets in.
const LIFE: Duration = Duration::from_hours(1);

/// Returns a token for an enterprise: the first one, or the one that `corp` names by our id or WeCom's.
pub async fn print(data: &Path, role: Role, corp: Option<&str>) -> anyhow::Result<String> {
    let installation = Installation::existing(data)?;
    let caller = caller(&installation, role, corp).await?;
    sign(&installation, &Caller { subject: "scrm token".to_owned(), ..caller }, LIFE)
}

/// Returns a caller of an enterprise: the first one, or the one that `corp` names by our id or WeCom's.
pub async fn caller(installation: &Installation, role: Role, corp: Option<&str>) -> anyhow::Result<Caller> {
    let corps = scrm_ingest::corps(&installation.database::<Ingest>()?, Clock::system()).await?;
    Ok(Caller { corp: choose(&corps, corp)?, role, subject: String::new() })
}

/// Returns an administrator of every enterprise.
pub async fn administrators(installation: &Installation) -> anyhow::Result<Vec<Caller>> {
    let corps = scrm_ingest::corps(&installation.database::<Ingest>()?, Clock::system()).await?;
    let administrator = |corp: Corp| Caller { corp: corp.id, role: Role::Admin, subject: String::new() };
    Ok(corps.into_iter().map(administrator).collect())
}

/// Signs a token with the key of the installation.
pub fn sign(installation: &Installation, caller: &Caller, life: Duration) -> anyhow::Result<String> {
    let tokens = Tokens::new(keys::read_tokens(&installation.token_keys()?)?, Clock::system());
    Ok(tokens.sign(caller, life)?)
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

#[cfg(test)]
mod tests {
    use scrm_kernel::WecomCorpId;
    use scrm_kernel::time::from_millis;

    use super::*;

    #[test]
    fn an_enterprise_is_named_by_our_id_or_by_wecoms_and_is_the_first_one_otherwise() {
        let corp = |wecom_id: Option<&str>| Corp {
            id: CorpId::mint(from_millis(1)),
            wecom_id: wecom_id.map(|id| WecomCorpId::parse(id).unwrap()),
            connected_at: None,
        };
        let corps = [corp(None), corp(Some("ww00000000000000c1")), corp(Some("ww00000000000000c2"))];
        assert_eq!(choose(&corps, None).unwrap(), corps[0].id);
        assert_eq!(choose(&corps, Some("ww00000000000000c2")).unwrap(), corps[2].id);
        assert_eq!(choose(&corps, Some(&corps[1].id.to_string())).unwrap(), corps[1].id);
        let unknown = choose(&corps, Some("ww00000000000000c3")).unwrap_err().to_string();
        assert!(unknown.contains("no enterprise ww00000000000000c3"), "{unknown}");
        assert!(choose(&[], None).unwrap_err().to_string().contains("scrm serve"));
    }
}
