//! Who whoever asks is, and what they may do.

use scrm_kernel::access::Actor;

use super::{App, Error};
use crate::domain::account::Account;
use crate::store;

impl App {
    /// Returns the account of whoever asks; none for the token of a command.
    pub async fn me(&self, actor: &Actor) -> Result<Option<Account>, Error> {
        match actor.subject.parse() {
            Ok(id) => Ok(store::account::find(self.db.reader(), actor.corp, id).await?),
            Err(_) => Ok(None),
        }
    }

    /// Returns the public keys with which tokens are checked (RFC 7517).
    pub fn public_keys(&self) -> serde_json::Value {
        self.tokens.public_keys()
    }
}
