//! `scrm dead`: what consumers gave up, at the command line.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::operator::Operator;

/// Rows of a page.
const PAGE: usize = 200;
/// Letters of the reason in a table.
const SHOWN_REASON: usize = 60;

/// What to do with dead letters.
#[derive(Debug, Args)]
pub struct Dead {
    #[command(subcommand)]
    command: Command,
    /// The data folder.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// Which enterprise, by our id or WeCom's; the first one if absent.
    #[arg(long, global = true)]
    corp: Option<String>,
    /// Only this service.
    #[arg(long, global = true)]
    service: Option<String>,
    /// Print JSON, one letter a line.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List dead letters, newest first.
    List {
        /// `waiting`, `redriving`, `redriven`, `discarded` or `all`.
        #[arg(long, default_value = "waiting")]
        state: String,
        /// Only those of this queue.
        #[arg(long)]
        queue: Option<String>,
        /// At most so many of each service.
        #[arg(long, default_value_t = 100)]
        most: usize,
    },
    /// Show one dead letter with its body, which is personal data.
    Show {
        /// Its id.
        id: String,
    },
    /// Put dead letters back into the queue they died in.
    Redrive {
        /// Their ids.
        #[arg(required_unless_present = "queue", conflicts_with = "queue")]
        ids: Vec<String>,
        /// All of this queue.
        #[arg(long)]
        queue: Option<String>,
    },
    /// Give dead letters up for good.
    Discard {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Why; it is kept with the letter.
        #[arg(long)]
        reason: String,
    },
}

/// Does what was asked, and returns the lines to print.
pub async fn run(dead: Dead) -> anyhow::Result<Vec<String>> {
    let Dead { command, data, corp, service, json } = dead;
    let data = data.context("say which data folder: --data DIR")?;
    let operator = Operator::of(&data, service.as_deref(), "scrm dead")?;
    let token = operator.token(corp.as_deref()).await?;
    let desk = Desk { operator, token };
    match command {
        Command::List { state, queue, most } => {
            let letters = desk.list(&state, queue.as_deref(), most).await?;
            Ok(if json { letters.iter().map(Value::to_string).collect() } else { table(&letters) })
        }
        Command::Show { id } => {
            let (_, letter) = desk.find(&id).await?;
            Ok(if json { vec![letter.to_string()] } else { fields(&letter) })
        }
        Command::Redrive { queue: Some(queue), .. } => desk.redrive_queue(&queue).await,
        Command::Redrive { ids, .. } => desk.decide(&ids, "redrive", &json!({})).await,
        Command::Discard { ids, reason } => desk.decide(&ids, "discard", &json!({"reason": reason})).await,
    }
}

/// The dead letters of an enterprise, in all services.
struct Desk {
    operator: Operator,
    token: String,
}

impl Desk {
    async fn list(&self, state: &str, queue: Option<&str>, most: usize) -> anyhow::Result<Vec<Value>> {
        let mut letters = Vec::new();
        for service in self.operator.services() {
            letters.extend(self.list_of(service, state, queue, most).await?);
        }
        Ok(letters)
    }

    async fn list_of(
        &self,
        service: &str,
        state: &str,
        queue: Option<&str>,
        most: usize,
    ) -> anyhow::Result<Vec<Value>> {
        let limit = Some(format!("limit={}", most.clamp(1, PAGE)));
        let state = (state != "all").then(|| format!("state={state}"));
        let queue = queue.map(|queue| format!("queue={queue}"));
        let filter = [limit, state, queue].into_iter().flatten().collect::<Vec<_>>().join("&");
        let (mut letters, mut cursor) = (Vec::new(), String::new());
        while letters.len() < most {
            let path = format!("dead-letters?{filter}{cursor}");
            let page = self.operator.get(&self.token, service, &path).await?;
            letters.extend(page["items"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        letters.truncate(most);
        Ok(letters)
    }

    /// Finds the service that has a letter, and reads it.
    async fn find(&self, id: &str) -> anyhow::Result<(&'static str, Value)> {
        let mut refusal = None;
        for service in self.operator.services() {
            match self.operator.get(&self.token, service, &format!("dead-letters/{id}")).await {
                Ok(letter) => return Ok((service, letter)),
                Err(error) => refusal = Some(error),
            }
        }
        Err(refusal.with_context(|| format!("there is no service to ask for {id}"))?)
    }

    async fn decide(&self, ids: &[String], what: &str, body: &Value) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        for id in ids {
            let (service, _) = self.find(id).await?;
            let path = format!("dead-letters/{id}/{what}");
            let letter = self.operator.post(&self.token, service, &path, body).await?;
            lines.push(format!("{id} is {}", text(&letter["state"])));
        }
        Ok(lines)
    }

    async fn redrive_queue(&self, queue: &str) -> anyhow::Result<Vec<String>> {
        let service = queue.split('.').next().unwrap_or_default();
        if !self.operator.services().contains(&service) {
            bail!("{queue} is no queue of a service: they are called as in leads.contact");
        }
        let mut redriven = 0;
        loop {
            let body = json!({"queue": queue});
            let answer = self.operator.post(&self.token, service, "dead-letters/redrive", &body).await?;
            let some = answer["redriven"].as_u64().context("the service does not say how many")?;
            redriven += some;
            if some < scrm_process::upkeep::MOST_REDRIVEN as u64 {
                return Ok(vec![format!("{redriven} letters go back into {queue}")]);
            }
        }
    }
}

fn table(letters: &[Value]) -> Vec<String> {
    let mut lines = vec![format!("{:36}  {:24}  {:9}  {:20}  REASON", "ID", "DIED", "STATE", "QUEUE")];
    for letter in letters {
        let reason: String = text(&letter["reason"]).chars().take(SHOWN_REASON).collect();
        lines.push(format!(
            "{:36}  {:24}  {:9}  {:20}  {}",
            text(&letter["id"]),
            text(&letter["died_at"]),
            text(&letter["state"]),
            text(&letter["queue"]),
            reason.replace(char::is_control, " ")
        ));
    }
    lines
}

fn fields(letter: &Value) -> Vec<String> {
    let fields = letter.as_object().into_iter().flatten();
    fields.map(|(name, value)| format!("{name}: {}", text(value).replace(char::is_control, " "))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
