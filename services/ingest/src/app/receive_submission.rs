//! Taking in a webhook: prove the sender, check what it says, store, answer.

use aws_lc_rs::digest::{SHA256, digest};
use prost::Message as _;
use scrm_kernel::time::from_millis;
use scrm_kernel::{SubmissionId, Timestamp};
use scrm_proto::ingest::v1::{LeadSubmitted, LeadSubmittedPersonal, PERSONAL};

use super::{App, Error};
use crate::domain::lead_source::LeadSource;
use crate::domain::submission::{self, Submission};
use crate::store;
use crate::store::submission::NewSubmission;

/// What a signature begins with: its version.
const SIGNATURE_VERSION: &str = "v1=";
/// Kind of the blind index of phones.
const PHONE_INDEX: &str = "phone";

/// A webhook as it came over HTTP.
#[derive(Debug, Clone, Copy)]
pub struct RawSubmission<'a> {
    /// Last part of the address.
    pub source: &'a str,
    /// `X-Scrm-Timestamp`.
    pub timestamp: Option<&'a str>,
    /// `X-Scrm-Signature`.
    pub signature: Option<&'a str>,
    /// `X-Scrm-Id`.
    pub id: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// When all of it was here.
    pub received_at: Timestamp,
}

impl App {
    /// Takes in a submission. When this returns its id, it is on the disk; a repetition has the id of the first copy.
    pub async fn receive_submission(&self, raw: RawSubmission<'_>) -> Result<SubmissionId, Error> {
        let source = self.sender_of(&raw).await?;
        let (sender_id, submission) =
            submission::read(raw.body, &source.mapping, raw.id).map_err(Error::Invalid)?;

        let id = SubmissionId::mint(raw.received_at);
        let hash: store::submission::Hash =
            digest(&SHA256, raw.body).as_ref().try_into().expect("SHA-256 gives 32 bytes");
        let stored = self.submissions.put(NewSubmission {
            id,
            corp: source.corp,
            event: self.event_of(id, &source, &submission).encode_to_vec(),
            source: source.name.clone(),
            sender_id,
            hash,
            body: store::submission::seal(&self.keys, source.corp, raw.body),
            received_at: raw.received_at,
            traceparent: scrm_telemetry::traceparent(),
        });
        let stored = stored.await.inspect_err(|error| {
            tracing::error!(error = %error, "Could not store a submission; its sender shall send it again");
        })?;
        if stored.hash == hash { Ok(stored.id) } else { Err(Error::SubmissionChanged) }
    }

    /// Returns the source that signed a webhook just now. What exactly is wrong otherwise is for our log only.
    async fn sender_of(&self, raw: &RawSubmission<'_>) -> Result<LeadSource, Error> {
        let refuse = |reason: &'static str| {
            tracing::debug!(reason, "Refused a webhook");
            Error::NotSigned
        };
        let timestamp = raw.timestamp.ok_or_else(|| refuse("no timestamp"))?;
        let seconds: i64 = timestamp.parse().map_err(|_| refuse("timestamp is no number"))?;
        let signature = raw.signature.and_then(|signature| signature.strip_prefix(SIGNATURE_VERSION));
        let signature = signature.and_then(|signature| hex::decode(signature).ok());
        let signature = signature.ok_or_else(|| refuse("no signature"))?;
        let signer =
            self.hooks.signer(&self.db, &self.keys, raw.source, timestamp, raw.body, &signature).await;
        let hook = signer
            .inspect_err(|error| tracing::error!(error = %error, "Cannot read the lead sources"))
            .map_err(Error::SourcesUnreadable)?
            .ok_or_else(|| refuse("unknown source or wrong signature"))?;

        let signed_at = from_millis(seconds.saturating_mul(1000));
        let apart = (raw.received_at - signed_at).abs().to_std().unwrap_or(std::time::Duration::MAX);
        if apart > self.config.hook_window() {
            tracing::warn!(
                source.name = %hook.source.name, hook.signed_at = %signed_at,
                "Clock or replay: a webhook was signed outside the window"
            );
            return Err(Error::NotSigned);
        }
        Ok(hook.source.clone())
    }

    fn event_of(&self, id: SubmissionId, source: &LeadSource, submission: &Submission) -> LeadSubmitted {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let phone = submission.phone.as_ref().map(scrm_kernel::Phone::as_str);
        let index = phone.map(|phone| self.keys.blind_index(source.corp, PHONE_INDEX, phone));
        let personal = LeadSubmittedPersonal {
            phone: phone.unwrap_or_default().to_owned(),
            email: text(&submission.email),
            answers: submission.answers.clone(),
        };
        let sealed = self.keys.seal(source.corp, PERSONAL, &personal.encode_to_vec());
        let person = submission.external_user_id.as_ref();
        LeadSubmitted {
            corp_id: source.corp.to_string(),
            submission_id: id.to_string(),
            source: source.name.as_str().to_owned(),
            source_name: source.title.clone(),
            group: source.group.clone(),
            name: text(&submission.name),
            region: text(&submission.region),
            product: text(&submission.product),
            channel: text(&submission.channel),
            remark: text(&submission.remark),
            external_user_id: person.map(|person| person.as_str().to_owned()).unwrap_or_default(),
            unionid: text(&submission.union_id),
            phone_index: index.map(|index| index.as_bytes().to_vec()).unwrap_or_default(),
            personal: sealed.into_bytes(),
        }
    }
}
