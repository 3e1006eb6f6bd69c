//! Somebody became a contact: read the profile from WeCom, now that the event is out and the welcome is on its way.

use async_trait::async_trait;
use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::{CorpId, ExternalUserId, Timestamp};
use scrm_mq::{Claim, EffectHandler, Failure, Next};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::{self, ContactAdded, CustomerRead};
use scrm_wecom::client::token::TokenError;
use scrm_wecom::client::{CallError, Class, Client, Customer, Follower};

pub(super) struct OnContactAdded {
    pub(super) wecom: Client,
}

/// A customer to read; reading is harmless, so there is nothing to claim.
pub(super) struct ToRead {
    corp: CorpId,
    app: String,
    customer: ExternalUserId,
    read_at: Timestamp,
}

#[async_trait]
impl EffectHandler<ContactAdded> for OnContactAdded {
    type Unit = ToRead;
    type Outcome = Result<Customer, CallError>;

    async fn claim(
        &self,
        txn: &Txn,
        event: &ContactAdded,
        envelope: &Envelope,
    ) -> Result<Claim<ToRead>, Failure> {
        let customer = ExternalUserId::parse(&event.external_user_id)
            .map_err(|error| Failure::Reject(format!("external_user_id {error}")))?;
        Ok(Claim::Call(ToRead { corp: envelope.corp, app: event.app.clone(), customer, read_at: txn.now() }))
    }

    async fn call(&self, unit: &ToRead) -> Self::Outcome {
        self.wecom.of(unit.corp, Some(&unit.app)).customer(&unit.customer).await
    }

    async fn record(&self, txn: &Txn, unit: &ToRead, outcome: &Self::Outcome) -> Result<Next, Failure> {
        let customer = match outcome {
            Ok(customer) => customer,
            // Not there, or not visible: reading it again tells nothing else, and the lead lives without a profile.
            Err(CallError::Wecom { errcode, class: Class::Stop, .. }) => {
                tracing::info!(corp.id = %unit.corp, errcode, "WeCom does not show a new customer");
                return Ok(Next::Done);
            }
            // Disconnected meanwhile: there is nobody to ask as.
            Err(CallError::Token(TokenError::NotConnected)) => return Ok(Next::Done),
            Err(error) => return Ok(Next::Retry(error.to_string())),
        };
        outbox::put(txn, unit.corp, &Cause::here(unit.read_at), &event_of(unit.corp, customer)).await?;
        Ok(Next::Done)
    }
}

fn event_of(corp: CorpId, customer: &Customer) -> CustomerRead {
    let contact = &customer.contact;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    CustomerRead {
        corp_id: corp.to_string(),
        external_user_id: contact.id.as_str().to_owned(),
        name: contact.name.clone(),
        r#type: contact.kind.unwrap_or_default(),
        gender: contact.gender.unwrap_or_default(),
        avatar: text(&contact.avatar),
        unionid: text(&contact.unionid),
        corp_name: text(&contact.corp_full_name.clone().or_else(|| contact.corp_name.clone())),
        position: text(&contact.position),
        followers: customer.followers.iter().map(follower_of).collect(),
    }
}

fn follower_of(follower: &Follower) -> v1::Follower {
    v1::Follower {
        user_id: follower.user.as_str().to_owned(),
        remark: follower.remark.clone().unwrap_or_default(),
        added_at: follower.created_at.map_or(0, |moment| moment.timestamp()),
        tag_ids: follower.corp_tag_ids().map(str::to_owned).collect(),
        add_way: follower.add_way.unwrap_or_default(),
        state: follower.state.clone().unwrap_or_default(),
        operator: follower.operator.clone().unwrap_or_default(),
    }
}
