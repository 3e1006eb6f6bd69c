//! What we ask of WeCom, and how: access tokens, limits, errors, and one typed method per call.
//!
//! Begin with [`Client::new`], say for whom with [`Client::of`], and call the methods of [`Speaker`]. WeCom's own
//! names of fields and paths stay inside this module. Numbers whose meaning WeCom extends (`add_way`, `status`) stay
//! numbers. What decides whether a call was done is [`CallError`] alone.

mod book;
mod call;
mod card;
mod contact_way;
mod customer;
mod endpoint;
mod error;
pub mod http;
mod lenient;
mod limits;
mod media;
mod message;
mod page;
mod reply;
pub mod suite;
mod tag;
mod throttle;
pub mod token;
mod transfer;
mod welcome;

use std::sync::Arc;

pub use book::{Agent, Department, DepartmentNode, DepartmentPlace, Member, MemberEntry};
pub use card::{Button, ButtonCard, ButtonStyle, CardChange, CardLine, CardLink, CardUpdate};
pub use contact_way::{ContactWay, ContactWayChange, NewContactWay, WayCreated, WayKind};
pub use customer::{Customer, ExternalContact, Follower, FollowerTag, Relation, Remark};
pub use error::{CallError, Class};
pub use limits::Limits;
pub use media::{MediaKind, UploadedMedia};
pub use message::{AppMessage, Content, Sent};
pub use page::Items;
use scrm_cache::Cache;
use scrm_kernel::{Clock, CorpId};
pub use tag::{MarkTags, NewTag, NewTags, Tag, TagFilter, TagGroup, TagGroupRef};
use throttle::Throttle;
use token::{Grant, TokenError, TokenSource};
pub use transfer::{Handover, Transfer, TransferAnswer, TransferResult, TransferStatus};
pub use welcome::{Attachment, Welcome};

/// Speaks with WeCom for all enterprises; cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    tokens: Arc<dyn TokenSource>,
    throttle: Arc<Throttle>,
    limits: Arc<Limits>,
}

impl Client {
    /// Makes a client. `http` should be [`http::client`]'s: it has the right time limits and follows no redirects.
    ///
    /// The calls are counted in `cache`. Have one client per process: how many calls run at once is counted in it.
    pub fn new(
        http: reqwest::Client,
        tokens: Arc<dyn TokenSource>,
        limits: Limits,
        cache: Cache,
        clock: Clock,
    ) -> Self {
        let throttle = Arc::new(Throttle::new(&limits, cache, clock));
        Self { http, tokens, throttle, limits: Arc::new(limits) }
    }

    /// Speaks as an app of an enterprise; `None` is its first app.
    pub fn of(&self, corp: CorpId, app: Option<&str>) -> Speaker {
        Speaker { client: self.clone(), corp, app: app.map(Arc::from) }
    }
}

/// Speaks with WeCom as one app of one enterprise; cheap to clone.
#[derive(Clone)]
pub struct Speaker {
    client: Client,
    corp: CorpId,
    app: Option<Arc<str>>,
}

impl Speaker {
    /// Sees to it that there is a token to call with.
    pub async fn ready(&self) -> Result<(), CallError> {
        self.grant().await?;
        Ok(())
    }

    /// Returns the name of the app as which this speaks, when none was said the enterprise's first.
    pub async fn app(&self) -> Result<String, CallError> {
        Ok(self.grant().await?.app)
    }

    /// Returns as whom this speaks, and with which token.
    async fn grant(&self) -> Result<Grant, TokenError> {
        self.client.tokens.grant(self.corp, self.app.as_deref()).await
    }
}

/// Lets types that hold names, numbers of telephones or texts print nothing of them.
macro_rules! prints_nothing {
    ($($name:ident),+ $(,)?) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}
use prints_nothing;
