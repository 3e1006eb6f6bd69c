//! The first administrator of an enterprise, with a one-time code that only whoever starts the installation sees.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use scrm_kernel::access::BuiltIn;
use scrm_kernel::{AccountId, CorpId, FieldError};
use sea_orm::DbErr;

use super::password;
use super::sessions::Pass;
use super::sign_in::{Origin, Sides, take_back};
use super::{App, Error};
use crate::domain::account::{Account, LONGEST_NAME, Login, State};
use crate::store;

/// Letters of a code: a hundred bits.
const CODE_LETTERS: usize = 20;
/// Crockford's: none is taken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Who is to be the first administrator.
pub struct FirstAdministrator {
    /// By what they will sign in.
    pub login: String,
    /// With what.
    pub password: String,
    /// What is shown; the login if it is empty.
    pub display_name: String,
}

impl App {
    /// Makes the one-time code of an enterprise that has no account yet; the one before is void.
    pub(crate) async fn make_setup_code(&self, corp: CorpId) -> Result<Option<String>, DbErr> {
        let txn = self.db.begin().await?;
        if store::account::is_there(&txn, corp).await? {
            return Ok(None);
        }
        let code = new_code();
        store::setup_code::replace(&txn, corp, hash_of(&code)).await?;
        txn.commit().await?;
        Ok(Some(code))
    }

    /// Makes the first administrator, whom it signs in; the code is used up.
    pub async fn set_up(
        &self,
        code: &str,
        first: FirstAdministrator,
        origin: &Origin,
    ) -> Result<Pass, Error> {
        let sides = Sides::of(None, origin);
        self.count_failure(&sides).await?;
        let (login, display_name) = checked(&first)?;
        let hash = self.hasher.hash(first.password).await?;

        let txn = self.db.begin().await?;
        let Some(corp) = store::setup_code::take(&txn, hash_of(code)).await? else {
            let is_open = store::setup_code::note_wrong(&txn).await?;
            txn.commit().await?;
            return Err(if is_open { Error::WrongSetupCode } else { Error::SetupClosed });
        };
        let account = Account {
            id: AccountId::mint(txn.now()),
            corp,
            version: 1,
            login: Some(login),
            display_name,
            staff: None,
            state: State::Active,
            roles: vec![BuiltIn::Admin],
        };
        if let Err(error) = store::account::insert(&txn, &account, hash).await {
            let is_taken =
                txn.violation(&error).is_some_and(|found| found.is_unique(store::account::UNIQUE_LOGIN));
            return Err(if is_taken { Error::LoginTaken } else { error.into() });
        }
        take_back(&txn, &sides).await?;
        let pass = self.begin_session_in(&txn, &account, origin).await?;
        txn.commit().await?;
        tracing::info!(audit = "set_up", corp.id = %corp, account.id = %account.id, "The enterprise is set up");
        Ok(pass)
    }
}

fn checked(first: &FirstAdministrator) -> Result<(Login, String), Error> {
    let mut wrong = Vec::new();
    let login = Login::parse(&first.login);
    if let Err(error) = &login {
        wrong.push(FieldError::new("account", error.to_string()));
    }
    let name = first.display_name.trim();
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        wrong.push(FieldError::new("display_name", format!("must be at most {LONGEST_NAME} letters")));
    }
    wrong.extend(password::problem("password", &first.password, &[&first.login, name]));
    match (login, wrong.is_empty()) {
        (Ok(login), true) => {
            let name = if name.is_empty() { login.as_str() } else { name }.to_owned();
            Ok((login, name))
        }
        _ => Err(Error::InvalidFields(wrong)),
    }
}

fn new_code() -> String {
    let mut bytes = [0_u8; CODE_LETTERS];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// Case, spaces and hyphens make no difference.
fn hash_of(code: &str) -> Vec<u8> {
    let letters: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
    digest(&SHA256, letters.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_be_typed_in_any_case_and_without_hyphens() {
        let code = new_code();
        assert_eq!(code.len(), CODE_LETTERS + 3);
        assert_ne!(code, new_code());
        assert_eq!(hash_of(&code), hash_of(&code.to_lowercase().replace('-', " ")));
        assert_ne!(hash_of(&code), hash_of(&code[1..]));
    }
}
