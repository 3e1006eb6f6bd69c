//! Sessions: how they go on, and how they end.
//!
//! A refresh token is used once and gives the next one. Whoever shows a used one has a copy, or is whose copy somebody else
//! used: nobody can tell, so the session ends (RFC 9700, section 4.14.2).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scrm_db::Txn;
use scrm_http::{Caller, LONGEST_LIFE};
use scrm_kernel::access::{Actor, Permissions};
use scrm_kernel::{SessionId, Timestamp};
use sea_orm::{ConnectionTrait, DbErr};

use super::sign_in::Origin;
use super::{App, Error};
use crate::domain::account::{Account, State};
use crate::domain::session::{End, LONGEST, Session};
use crate::store;
use crate::store::session::Device;

/// How long an access token lets in.
pub const ACCESS_LIFE: Duration = Duration::from_mins(10);
/// Random bytes of a refresh token, after the 16 of its session.
const SECRET_BYTES: usize = 32;
/// Letters that are kept of what a browser says of itself.
const USER_AGENT_LETTERS: usize = 300;

/// What lets somebody in.
pub struct Pass {
    /// For the header of each request.
    pub access: String,
    /// For the cookie, with which the next ones are fetched.
    pub refresh: String,
}

impl App {
    /// Gives the next tokens for a refresh token, which is used up.
    pub async fn refresh(&self, token: &str) -> Result<Pass, Error> {
        let id = session_of(token).ok_or(Error::SessionEnded)?;
        let txn = self.db.begin().await?;
        let session = store::session::lock(&txn, id).await?.ok_or(Error::SessionEnded)?;
        if session.ended_at.is_some() {
            return Err(Error::SessionEnded);
        }
        let account = store::account::find(&txn, session.corp, session.account).await?;
        let account = account.filter(|account| account.state == State::Active);
        let refused = if session.token_hash != hash_of(token) {
            Some(End::Reuse)
        } else if session.is_expired(txn.now()) {
            Some(End::Expired)
        } else if account.is_none() {
            Some(End::Disabled)
        } else {
            None
        };
        let (None, Some(account)) = (refused, account) else {
            let by = refused.unwrap_or(End::Disabled);
            store::session::end(&txn, session.corp, id, by).await?;
            txn.commit().await?;
            self.tokens.end_session(id);
            tracing::warn!(session.id = %id, reason = by.as_str(), "A session was ended");
            return Err(Error::SessionEnded);
        };
        let refresh = new_token(id);
        store::session::renew(&txn, session.corp, id, hash_of(&refresh), txn.now()).await?;
        let access = self.access_token(&txn, &account, id).await?;
        txn.commit().await?;
        Ok(Pass { access, refresh })
    }

    /// Ends the session of whoever asks.
    pub async fn sign_out(&self, actor: &Actor, session: Option<SessionId>) -> Result<(), Error> {
        let id = session.ok_or(Error::NoSession)?;
        let txn = self.db.begin().await?;
        store::session::end(&txn, actor.corp, id, End::SignedOut).await?;
        txn.commit().await?;
        self.tokens.end_session(id);
        Ok(())
    }

    /// Ends all sessions of whoever asks, on every device.
    pub async fn sign_out_everywhere(&self, actor: &Actor) -> Result<(), Error> {
        let account = actor.subject.parse().map_err(|_| Error::NoSession)?;
        let txn = self.db.begin().await?;
        let ended = store::session::end_all(&txn, actor.corp, account, End::SignedOut).await?;
        txn.commit().await?;
        for id in ended {
            self.tokens.end_session(id);
        }
        tracing::info!(audit = "sign_out_everywhere", corp.id = %actor.corp, account.id = %account, "Somebody signed out everywhere");
        Ok(())
    }

    /// Lets nobody in with the token of a session that ended within its life: another process may have ended it, or this
    /// one before it was started again.
    pub(crate) async fn hear_of_ended(&self, since: Option<Timestamp>) -> Result<(), DbErr> {
        let since = since.unwrap_or_else(|| self.clock().now() - LONGEST_LIFE);
        for id in store::session::ended_since(self.db.reader(), since).await? {
            self.tokens.end_session(id);
        }
        Ok(())
    }

    /// Signs what an account may do now.
    pub(super) async fn access_token(
        &self,
        connection: &impl ConnectionTrait,
        account: &Account,
        session: SessionId,
    ) -> Result<String, Error> {
        let own = match account.staff {
            Some(staff) => store::staff::departments(connection, account.corp, staff).await?,
            None => Vec::new(),
        };
        let grants: Vec<_> = account.roles.iter().flat_map(|role| role.grants()).collect();
        let actor = Actor {
            staff: account.staff,
            permissions: Permissions::of(&grants, &own).into(),
            ..Actor::administrator(account.corp, account.id.to_string())
        };
        let caller = Caller { session: Some(session), ..Caller::of(actor) };
        self.tokens.sign(&caller, ACCESS_LIFE).map_err(|error| Error::Cryptography(error.to_string()))
    }
}

/// Begins a session; returns its first refresh token.
pub(super) async fn begin_session(
    txn: &Txn,
    account: &Account,
    origin: &Origin,
) -> Result<(SessionId, String), DbErr> {
    let now = txn.now();
    let id = SessionId::mint(now);
    let token = new_token(id);
    let session = Session {
        id,
        corp: account.corp,
        account: account.id,
        token_hash: hash_of(&token),
        created_at: now,
        refreshed_at: now,
        ended_at: None,
    };
    let user_agent = origin.user_agent.chars().filter(|letter| !letter.is_control());
    let device =
        Device { user_agent: user_agent.take(USER_AGENT_LETTERS).collect(), address: origin.address.clone() };
    store::session::forget(txn, account.corp, account.id, now - LONGEST).await?;
    store::session::insert(txn, session, device).await?;
    Ok((id, token))
}

fn new_token(session: SessionId) -> String {
    let mut bytes = session.as_uuid().as_bytes().to_vec();
    let mut secret = [0; SECRET_BYTES];
    SystemRandom::new().fill(&mut secret).expect("the operating system gives random bytes");
    bytes.extend(secret);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn session_of(token: &str) -> Option<SessionId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, secret) = bytes.split_at_checked(16)?;
    let id = uuid::Uuid::from_slice(id).ok()?;
    (secret.len() == SECRET_BYTES).then(|| SessionId::from_uuid(id))
}

fn hash_of(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}
