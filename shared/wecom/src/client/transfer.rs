//! Handing customers from one member to another (继承).

use scrm_kernel::{ExternalUserId, Timestamp, WecomUserId};
use serde::{Deserialize, Serialize};

use super::endpoint::{Endpoint, TRANSFER, TRANSFER_RESIGNED, TRANSFERRED, TRANSFERRED_RESIGNED};
use super::error::CallError;
use super::page::{self, Chunk, Items};
use super::{Speaker, lenient, prints_nothing};

/// Whether the member who hands over is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// 在职继承: takes effect after 24 hours unless the customer refuses; twice in 90 days at most.
    OnJob,
    /// 离职继承: the member has left.
    Resigned,
}

impl Handover {
    const fn endpoints(self) -> (&'static Endpoint, &'static Endpoint) {
        match self {
            Self::OnJob => (&TRANSFER, &TRANSFERRED),
            Self::Resigned => (&TRANSFER_RESIGNED, &TRANSFERRED_RESIGNED),
        }
    }
}

/// Customers to hand over.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// Who has them.
    #[serde(rename = "handover_userid")]
    pub from: WecomUserId,
    /// Who shall have them.
    #[serde(rename = "takeover_userid")]
    pub to: WecomUserId,
    /// Up to 100.
    #[serde(rename = "external_userid")]
    pub customers: Vec<ExternalUserId>,
    /// What customers read about it, up to 200 characters; WeCom's words when there is none. Only on the job.
    #[serde(rename = "transfer_success_msg", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

prints_nothing!(Transfer);

/// What WeCom says to the transfer of one customer. Accepted does not mean done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TransferAnswer {
    /// The customer.
    #[serde(rename = "external_userid")]
    pub customer: ExternalUserId,
    /// 0 is accepted; 40100 and 40129 after an unclear try mean accepted before.
    #[serde(default)]
    pub errcode: i64,
}

/// How far the transfer of one customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "i64")]
pub enum TransferStatus {
    /// The customer belongs to the other member.
    Done,
    /// The 24 hours are not over.
    Waiting,
    /// The customer refused.
    RefusedByCustomer,
    /// The other member has too many customers.
    TooManyCustomers,
    /// WeCom knows of no such transfer.
    Unknown,
    /// A number that WeCom added since.
    Other(i64),
}

impl From<i64> for TransferStatus {
    fn from(status: i64) -> Self {
        match status {
            1 => Self::Done,
            2 => Self::Waiting,
            3 => Self::RefusedByCustomer,
            4 => Self::TooManyCustomers,
            5 => Self::Unknown,
            other => Self::Other(other),
        }
    }
}

/// The state of one transfer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TransferResult {
    /// The customer.
    #[serde(rename = "external_userid")]
    pub customer: ExternalUserId,
    /// How far it is.
    pub status: TransferStatus,
    /// When it was done.
    #[serde(default, rename = "takeover_time", deserialize_with = "lenient::moment")]
    pub taken_over_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct TransferReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    customer: Vec<TransferAnswer>,
}

#[derive(Serialize)]
struct ResultsBody<'a> {
    handover_userid: &'a WecomUserId,
    takeover_userid: &'a WecomUserId,
    #[serde(skip_serializing_if = "str::is_empty")]
    cursor: &'a str,
}

#[derive(Deserialize)]
struct ResultsReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    customer: Vec<TransferResult>,
    next_cursor: Option<String>,
}

impl Speaker {
    /// Asks WeCom to hand customers over (`externalcontact/transfer_customer` and its `resigned` sister).
    pub async fn transfer_customers(
        &self,
        handover: Handover,
        transfer: &Transfer,
    ) -> Result<Vec<TransferAnswer>, CallError> {
        let (ask, _) = handover.endpoints();
        let reply: TransferReply = self.post(ask, transfer).await?;
        Ok(reply.customer)
    }

    /// Lists the transfers between two members (`externalcontact/transfer_result` and its `resigned` sister).
    pub fn transfer_results(
        &self,
        handover: Handover,
        from: WecomUserId,
        to: WecomUserId,
    ) -> Items<TransferResult> {
        let (_, look) = handover.endpoints();
        let speaker = self.clone();
        page::items(move |cursor| {
            let (speaker, from, to) = (speaker.clone(), from.clone(), to.clone());
            async move {
                let body = ResultsBody { handover_userid: &from, takeover_userid: &to, cursor: &cursor };
                let reply: ResultsReply = speaker.post(look, &body).await?;
                Ok(Chunk { rows: reply.customer, next: reply.next_cursor })
            }
        })
    }
}
