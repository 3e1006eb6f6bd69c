//! `scrm republish`: what was sent is sent again, after a broker was lost or restored.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use crate::operator::Operator;

/// Has the running services send again what they sent since a moment; returns a line for each service.
pub async fn run(data: &Path, since: &str, service: Option<&str>) -> anyhow::Result<Vec<String>> {
    let operator = Operator::of(data, service, "scrm republish")?;
    let (tokens, mut lines) = (operator.tokens().await?, Vec::new());
    for service in operator.services() {
        let mut republished = 0;
        for token in &tokens {
            let answer = operator.post(token, service, "republish", &json!({"since": since})).await?;
            let some = answer["republished"].as_u64();
            republished += some.with_context(|| format!("{service} does not say how many"))?;
        }
        lines.push(format!("{service}: {republished} events are sent again"));
    }
    Ok(lines)
}
