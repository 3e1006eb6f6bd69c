//! Signing in, as JSON.

use scrm_http::Caller;
use scrm_kernel::access::{Action, BuiltIn, Reach};
use scrm_kernel::{AccountId, CorpId, StaffId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::account::{Account, Login};

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInIn {
    /// The login; case makes no difference.
    pub(super) account: String,
    pub(super) password: String,
}

/// The first administrator of an enterprise.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetUpIn {
    /// The one-time code that the start printed.
    pub(super) code: String,
    /// By what they will sign in: 2 to 64 letters, digits or signs.
    pub(super) account: String,
    /// 8 to 128 letters, not easily guessed.
    pub(super) password: String,
    /// What is shown; the login if absent.
    #[serde(default)]
    pub(super) display_name: String,
}

/// Somebody is let in.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedInOut {
    /// For the header `Authorization: Bearer …`.
    pub(super) access_token: String,
    /// Seconds until the next one has to be fetched.
    pub(super) expires_in: u64,
}

/// Who one is.
#[derive(Serialize, ToSchema)]
pub(super) struct MeOut {
    corp_id: CorpId,
    /// Null for the token of a command.
    account_id: Option<AccountId>,
    /// The login; null for who has none.
    account: Option<String>,
    display_name: String,
    /// The member of the staff that one is, if any.
    staff_id: Option<StaffId>,
    /// Names of built-in roles.
    roles: Vec<&'static str>,
    permissions: Vec<PermissionOut>,
}

/// Something that one may do.
#[derive(Serialize, ToSchema)]
#[schema(as = Permission)]
struct PermissionOut {
    /// Such as `leads.read`.
    #[schema(value_type = String)]
    action: Action,
    /// With everybody's things.
    everybody: bool,
    /// With the things of these departments, by WeCom's numbers.
    departments: Vec<i64>,
    /// With the things of these departments and of those below them.
    trees: Vec<i64>,
}

impl MeOut {
    pub(super) fn of(caller: &Caller, account: Option<Account>) -> Self {
        let permission = |(action, reach): (Action, &Reach)| PermissionOut {
            action,
            everybody: reach.everybody,
            departments: reach.departments.iter().copied().collect(),
            trees: reach.trees.iter().copied().collect(),
        };
        let account_id = account.as_ref().map(|account| account.id);
        let roles = account.as_ref().map(|account| account.roles.clone()).unwrap_or_default();
        let login = account.as_ref().and_then(|account| account.login.as_ref());
        Self {
            corp_id: caller.corp,
            account_id,
            account: login.map(Login::as_str).map(str::to_owned),
            display_name: account.map_or_else(|| caller.subject.clone(), |account| account.display_name),
            staff_id: caller.staff,
            roles: roles.into_iter().map(BuiltIn::as_str).collect(),
            permissions: caller.permissions.iter().map(permission).collect(),
        }
    }
}

/// Public keys, as RFC 7517 says.
#[derive(Serialize, ToSchema)]
pub(super) struct KeysOut {
    /// Each with `kty`, `crv`, `kid` and `x` (RFC 8037).
    #[schema(value_type = Vec<Object>)]
    keys: Vec<serde_json::Value>,
}
