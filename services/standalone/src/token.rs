//! Printing a token for the HTTP API.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use scrm_directory::Directory;
use scrm_http::{Caller, Tokens};
use scrm_ingest::Ingest;
use scrm_ingest::domain::connection::Corp;
use scrm_kernel::access::BuiltIn;
use scrm_kernel::{Actor, Clock, CorpId, WecomUserId};
use scrm_process::keys;

use crate::installation::Installation;

/// How long a printed token lets in.
const LIFE: Duration = Duration::from_hours(1);
/// By which name its deeds are known.
const SUBJECT: &str = "scrm token";

/// Returns a token of a role for an enterprise: the first one, or the one that `corp` names by our id or WeCom's. With
/// `staff`, WeCom's id of a member, it reaches what that member would; without, a role whose reach ends at oneself or at
/// one's departments sees nothing of what belongs to people.
pub async fn print(
    data: &Path,
    role: BuiltIn,
    corp: Option<&str>,
    staff: Option<&str>,
) -> anyhow::Result<String> {
    let installation = Installation::existing(data)?;
    let corp = corp_of(&installation, corp).await?;
    let actor = match staff {
        None => Actor::of_role(role, corp, SUBJECT),
        Some(staff) => {
            let user = WecomUserId::parse(staff).context("--staff")?;
            let database = installation.database::<Directory>()?;
            let member = scrm_directory::member(&database, Clock::system(), corp, &user).await?;
            let member = member.with_context(|| format!("there is no member {staff} in this enterprise"))?;
            let own: Vec<i64> = member.profile.places.iter().map(|place| place.department).collect();
            Actor::of_member(role, corp, SUBJECT, member.id, &own)
        }
    };
    sign(&installation, actor, LIFE)
}

/// Returns an enterprise: the first one, or the one that `corp` names by our id or WeCom's.
pub(crate) async fn corp_of(installation: &Installation, corp: Option<&str>) -> anyhow::Result<CorpId> {
    let corps = scrm_ingest::corps(&installation.database::<Ingest>()?, Clock::system()).await?;
    choose(&corps, corp)
}

/// Returns an administrator of an enterprise: the first one, or the one that `corp` names by our id or WeCom's.
pub async fn administrator(
    installation: &Installation,
    corp: Option<&str>,
    subject: &str,
) -> anyhow::Result<Actor> {
    Ok(Actor::administrator(corp_of(installation, corp).await?, subject))
}

/// Returns an administrator of every enterprise.
pub async fn administrators(installation: &Installation, subject: &str) -> anyhow::Result<Vec<Actor>> {
    let corps = scrm_ingest::corps(&installation.database::<Ingest>()?, Clock::system()).await?;
    Ok(corps.into_iter().map(|corp| Actor::administrator(corp.id, subject)).collect())
}

/// Signs a token with the key of the installation.
pub fn sign(installation: &Installation, actor: Actor, life: Duration) -> anyhow::Result<String> {
    Pass::of(installation, actor)?.token(life)
}

/// Signs tokens of one actor, as long as somebody goes on asking for them.
#[derive(Clone)]
pub(crate) struct Pass {
    tokens: Tokens,
    caller: Caller,
}

impl Pass {
    /// Reads the key of the installation.
    pub(crate) fn of(installation: &Installation, actor: Actor) -> anyhow::Result<Self> {
        let keys = keys::read_installation(&installation.key_file()?)?;
        Ok(Self { tokens: Tokens::new(&keys, Clock::system()), caller: Caller::of(actor) })
    }

    /// Returns a token that lets in for so long.
    pub(crate) fn token(&self, life: Duration) -> anyhow::Result<String> {
        Ok(self.tokens.sign(&self.caller, life)?)
    }
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
