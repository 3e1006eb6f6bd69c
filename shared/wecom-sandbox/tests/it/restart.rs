//! The program itself, killed in the middle.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// The running program, and where it listens.
struct Program {
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Program {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wecom-sandbox"))
            .args(["--port", "0", "--speed", "0", "--seed", "3", "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { child, url, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn get(&self, path: &str) -> Value {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.url)).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn token(&self) -> String {
        let app = self.get("/_control/apps").await[0].clone();
        let text = |name: &str| app[name].as_str().unwrap().to_owned();
        let query = format!("corpid={}&corpsecret={}", text("corp_id"), text("secret"));
        let answer = self.get(&format!("/cgi-bin/gettoken?{query}")).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// As `kill -9`.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[actix_web::test]
async fn what_was_answered_is_there_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let token = program.token().await;
    let scan = json!({"app": "demo", "type": "scan", "times": 20, "fields": {"state": "referral"}});
    let met = program.post("/_control/events", scan).await;
    let way = json!({"type": 2, "scene": 2, "party": [1], "state": "all"});
    let way =
        program.post(&format!("/cgi-bin/externalcontact/add_contact_way?access_token={token}"), way).await;
    program.kill();

    let program = Program::start(folder.path());
    assert_eq!(program.token().await, token);
    for delivery in met["deliveries"].as_array().unwrap() {
        let id = delivery["external_user_id"].as_str().unwrap();
        let path = format!("/cgi-bin/externalcontact/get?access_token={token}&external_userid={id}");
        assert_eq!(program.get(&path).await["follow_user"][0]["userid"], delivery["user_id"]);
    }
    let body = json!({"config_id": way["config_id"]});
    let path = format!("/cgi-bin/externalcontact/get_contact_way?access_token={token}");
    assert_eq!(program.post(&path, body).await["contact_way"]["state"], "all");
    assert_eq!(program.get("/_control/calls").await.as_array().unwrap().len(), 24);
    program.kill();
}
