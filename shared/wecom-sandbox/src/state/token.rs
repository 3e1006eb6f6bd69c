//! Access tokens: one per app until it expires or is revoked.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// An access token that was handed out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) app: String,
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) expires_at: i64,
    pub(crate) revoked: bool,
}

/// All tokens, the expired ones too, since these are refused with another code.
#[derive(Default)]
pub(crate) struct Tokens {
    all: HashMap<String, Token>,
    current: HashMap<String, String>,
}

impl Tokens {
    pub(super) fn apply(&mut self, token: Token) {
        if !token.revoked {
            self.current.insert(token.app.clone(), token.text.clone());
        } else if self.current.get(&token.app) == Some(&token.text) {
            self.current.remove(&token.app);
        }
        self.all.insert(token.text.clone(), token);
    }

    pub(super) fn snapshot(&self) -> impl Iterator<Item = &Token> {
        // The current one of an app comes last, so that replaying makes it current again.
        let is_current = |token: &&Token| self.current.get(&token.app) == Some(&token.text);
        let others = self.all.values().filter(move |token| !is_current(token));
        others.chain(self.all.values().filter(move |token| is_current(token)))
    }

    /// Finds a token.
    pub(crate) fn find(&self, token: &str) -> Option<&Token> {
        self.all.get(token)
    }

    /// Finds the token of an app that is good at `now`.
    pub(crate) fn current(&self, app: &str, now: i64) -> Option<&Token> {
        self.current.get(app).and_then(|token| self.find(token)).filter(|token| now < token.expires_at)
    }

    /// Returns the tokens to be revoked when all are.
    pub(crate) fn revoked(&self) -> Vec<Token> {
        let current = self.current.values().filter_map(|token| self.find(token));
        current.map(|token| Token { revoked: true, ..token.clone() }).collect()
    }
}
