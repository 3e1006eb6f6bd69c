//! Sending a welcome message: never without its text because of what is attached to it.

use std::time::{Duration, Instant};

use scrm_kernel::CorpId;
use scrm_wecom::client::{CallError, Class, Speaker, Welcome};
use secrecy::ExposeSecret as _;

use super::App;
use super::attach_media::Attached;
use crate::domain::attachment::Attachment;
use crate::domain::welcome::Answer;
use crate::store::welcome::Code;

/// How long all of it may take, from the first call on: whoever has the message has it for 15 seconds.
const SAYING: Duration = Duration::from_secs(11);
/// WeCom does not know a `media_id`.
const BAD_MEDIA: i64 = 40007;

impl App {
    /// Sends a text with what is attached to it; `wanted` is what should be.
    pub(super) async fn say(
        &self,
        corp: CorpId,
        code: &Code,
        text: Option<String>,
        attached: Attached,
        wanted: &[Attachment],
    ) -> Answer {
        if text.is_none() && attached.sendable.is_empty() {
            return match attached.problem {
                Some(problem) => Answer::Later(format!("nothing can be attached: {problem}")),
                None => Answer::Refused("nothing is left to say without the name".to_owned()),
            };
        }
        let saying = Saying { app: self, corp, code, text, speaker: self.wecom.of(corp, Some(&code.app)) };
        let begun = Instant::now();
        let refused = match saying.send(&attached).await {
            Ok(()) => return sent(attached.problem),
            Err(error) => error,
        };
        if attached.sendable.is_empty() || !may_be_theirs(&refused) {
            return answer_of(&refused);
        }
        let again = saying.again(attached, wanted, refused);
        let outcome = tokio::time::timeout(SAYING.saturating_sub(begun.elapsed()), again).await;
        outcome
            .unwrap_or_else(|_| Answer::Unclear("the message was sent again, and no answer came".to_owned()))
    }
}

/// One message on its way.
struct Saying<'a> {
    app: &'a App,
    corp: CorpId,
    code: &'a Code,
    text: Option<String>,
    speaker: Speaker,
}

impl Saying<'_> {
    async fn send(&self, attached: &Attached) -> Result<(), CallError> {
        let (code, attachments) = (self.code.text.expose_secret().to_owned(), attached.sendable.clone());
        self.speaker.send_welcome(&Welcome { code, text: self.text.clone(), attachments }).await
    }

    /// Sends a refused message again: with files uploaded anew, and if they do not help, without anything attached.
    async fn again(&self, attached: Attached, wanted: &[Attachment], mut refused: CallError) -> Answer {
        if refused.errcode() == Some(BAD_MEDIA)
            && let Some(anew) = self.app.attached_anew(self.corp, &self.code.app, wanted, &attached).await
            && (self.text.is_some() || !anew.sendable.is_empty())
        {
            refused = match self.send(&anew).await {
                Ok(()) => return sent(anew.problem),
                Err(error) => error,
            };
        }
        if self.text.is_none() || !may_be_theirs(&refused) {
            return answer_of(&refused);
        }
        match self.send(&Attached::default()).await {
            Ok(()) => sent(Some(refused.to_string())),
            Err(error) => answer_of(&error),
        }
    }
}

fn sent(problem: Option<String>) -> Answer {
    let without =
        |problem| Answer::SentWithout(format!("some of what was to be attached is missing: {problem}"));
    problem.map_or(Answer::Sent, without)
}

/// Says whether what is attached may be why WeCom refuses: a message without it is worth a try then.
fn may_be_theirs(error: &CallError) -> bool {
    matches!(answer_of(error), Answer::Refused(_))
        && error.class() == Class::Stop
        && error.errcode().is_some()
}

fn answer_of(error: &CallError) -> Answer {
    match (error.errcode(), error.class()) {
        (Some(41051), _) => Answer::Started,
        (Some(41050), _) => Answer::BadCode,
        (Some(41096), _) | (_, Class::Retry | Class::RefreshToken | Class::Wait) => {
            Answer::Later(error.to_string())
        }
        (_, Class::Unclear) => Answer::Unclear(error.to_string()),
        (_, Class::Operator | Class::Stop) => Answer::Refused(error.to_string()),
    }
}
