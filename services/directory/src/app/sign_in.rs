//! Signing in with a password.

use std::time::Duration;

use scrm_db::Txn;
use sea_orm::DbErr;

use super::sessions::{Pass, begin_session};
use super::{App, Error};
use crate::domain::account::{Account, Login, State};
use crate::domain::back_off::{Failures, Side};
use crate::store;

/// From where somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The address.
    pub address: String,
    /// What the browser says of itself.
    pub user_agent: String,
}

/// Failures are forgotten when nothing has been added for so long.
const FORGOTTEN: Duration = Duration::from_hours(48);

impl App {
    /// Begins a session of whoever has this login and password.
    ///
    /// A wrong password, an unknown login and a disabled account are answered alike, and take as long. The try counts as a
    /// failure before the password is looked at, so that many at once are as many as one after the other.
    pub async fn sign_in(&self, login: &str, password: String, origin: &Origin) -> Result<Pass, Error> {
        let login = Login::parse(login);
        let sides = Sides::of(login.as_ref().ok(), origin);
        self.count_failure(&sides).await?;

        let found = match &login {
            Ok(login) => store::account::with_login(self.db.reader(), login).await?,
            Err(_) => None,
        };
        let (account, hash) = found.unzip();
        let is_theirs = self.hasher.is_of(password, hash.flatten()).await?;
        let account = account.filter(|account| is_theirs && account.state == State::Active);
        let Some(account) = account else {
            tracing::info!(origin = %origin.address, "Somebody failed to sign in");
            return Err(Error::SignInFailed);
        };
        let txn = self.db.begin().await?;
        take_back(&txn, &sides).await?;
        let pass = self.begin_session_in(&txn, &account, origin).await?;
        txn.commit().await?;
        tracing::info!(audit = "sign_in", corp.id = %account.corp, account.id = %account.id, "Somebody signed in");
        Ok(pass)
    }

    pub(super) async fn begin_session_in(
        &self,
        txn: &Txn,
        account: &Account,
        origin: &Origin,
    ) -> Result<Pass, Error> {
        store::account::note_sign_in(txn, account.corp, account.id, txn.now()).await?;
        let (session, refresh) = begin_session(txn, account, origin).await?;
        let access = self.access_token(txn, account, session).await?;
        Ok(Pass { access, refresh })
    }

    /// Counts a failure of both sides, unless one of them has to wait.
    pub(super) async fn count_failure(&self, sides: &Sides) -> Result<(), Error> {
        let txn = self.db.begin().await?;
        let now = txn.now();
        store::sign_in_failure::forget_before(&txn, now - FORGOTTEN).await?;
        for (side, key) in sides.in_order() {
            let before = store::sign_in_failure::lock(&txn, key).await?;
            if let Some(wait) = before.and_then(|failures| failures.wait(now)) {
                return Err(Error::TooManyTries(wait));
            }
            store::sign_in_failure::put(&txn, key, Failures::one_more(before, side, now)).await?;
        }
        txn.commit().await?;
        Ok(())
    }
}

/// Whose failures are counted.
pub(super) struct Sides {
    /// A login's; none where no login is tried, or what nobody can have.
    login: Option<String>,
    /// An address's.
    address: String,
}

impl Sides {
    /// Returns under which names a try is counted.
    pub(super) fn of(login: Option<&Login>, origin: &Origin) -> Self {
        let login = login.map(|login| format!("login:{}", login.folded()));
        Self { login, address: format!("address:{}", origin.address) }
    }

    /// In the order of their names, as everybody locks them.
    fn in_order(&self) -> impl Iterator<Item = (Side, &str)> {
        let login = self.login.as_deref().map(|login| (Side::Login, login));
        [(Side::Address, self.address.as_str())].into_iter().chain(login)
    }
}

/// What was counted turned out to be none.
pub(super) async fn take_back(txn: &Txn, sides: &Sides) -> Result<(), DbErr> {
    if let Some(failures) = store::sign_in_failure::lock(txn, &sides.address).await? {
        store::sign_in_failure::put(txn, &sides.address, failures.one_less()).await?;
    }
    match &sides.login {
        Some(login) => store::sign_in_failure::forget(txn, login).await,
        None => Ok(()),
    }
}

/// Whole seconds until somebody may try again, at least one.
pub fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
