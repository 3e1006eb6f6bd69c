//! A running `scrm`, and how to talk to it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use scrm_testing::eventually;
use serde_json::Value;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Returns the command with some arguments.
pub(crate) fn scrm(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scrm"));
    command.args(arguments);
    command
}

/// Runs a command on a data folder to its end; returns whether it succeeded, and what it printed: lines, and complaints.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> (bool, Vec<String>, String) {
    let output = scrm(arguments).args(["--data", data.to_str().unwrap()]).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    (output.status.success(), lines, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A process that is killed when the test ends.
pub(crate) struct Process {
    child: Child,
    /// Addresses that it printed, in order.
    addresses: Vec<String>,
}

impl Process {
    /// Starts a command and waits until it has printed `addresses` addresses.
    pub(crate) fn start(arguments: &[&str], addresses: usize) -> Self {
        let mut child = scrm(arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, printed) = mpsc::channel();
        // Reads on until the process ends, so that it never waits for a reader.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("http://") {
                    sender.send(format!("http://{address}")).ok();
                }
            }
        });
        let mut process = Self { child, addresses: Vec::new() };
        for _ in 0..addresses {
            process.addresses.push(printed.recv_timeout(PATIENCE).expect("it prints where it listens"));
        }
        process
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.addresses[0])
    }

    pub(crate) fn sandbox_url(&self, path: &str) -> String {
        format!("{}{path}", self.addresses[1])
    }

    /// Ends it like a power failure of the process: no chance to finish anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Returns how much memory it has had at most, in KiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Returns where it takes TCP connections.
    pub(crate) fn listening(&self) -> BTreeSet<SocketAddr> {
        let place = format!("/proc/{}", self.child.id());
        let open = std::fs::read_dir(format!("{place}/fd")).unwrap();
        let open: BTreeSet<_> =
            open.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok()).collect();
        let read = |table: &str| std::fs::read_to_string(format!("{place}/net/{table}")).unwrap();
        let sockets = read("tcp") + &read("tcp6");
        let sockets = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // Those of the whole machine: local address, state and inode are the second, fourth and tenth of each.
        let listening = sockets.filter(|socket| socket[3] == "0A");
        let own = listening.filter(|socket| open.contains(Path::new(&format!("socket:[{}]", socket[9]))));
        own.map(|socket| address_of(socket[1])).collect()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }
}

/// Reads an address as Linux shows it: words of four bytes, the last byte first, and a port, as it is said.
fn address_of(shown: &str) -> SocketAddr {
    let (ip, port) = shown.split_once(':').unwrap();
    let word = |place: usize| u32::from_str_radix(&ip[place..place + 8], 16).unwrap().to_le_bytes();
    let ip: IpAddr = match ip.len() {
        8 => word(0).into(),
        _ => <[u8; 16]>::try_from([word(0), word(8), word(16), word(24)].concat()).unwrap().into(),
    };
    SocketAddr::new(ip, u16::from_str_radix(port, 16).unwrap())
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Prints a token of a data folder.
pub(crate) fn token(data: &Path) -> String {
    let output = scrm(&["token", "--role", "admin", "--data", data.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let token = text.strip_suffix('\n').unwrap();
    assert!(!token.contains(char::is_whitespace), "it prints only the token");
    token.to_owned()
}

/// HTTP from outside.
pub(crate) struct Outsider {
    client: reqwest::Client,
    token: String,
}

impl Outsider {
    pub(crate) fn new(token: String) -> Self {
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
        Self { client, token }
    }

    pub(crate) async fn get(&self, url: &str) -> (u16, Value) {
        let answer = self.client.get(url).bearer_auth(&self.token).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    pub(crate) async fn text(&self, url: &str) -> String {
        self.client.get(url).bearer_auth(&self.token).send().await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn get_bare(&self, url: &str) -> u16 {
        self.client.get(url).send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn post(&self, url: &str, body: &Value) -> (u16, Value) {
        let answer = self.client.post(url).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// Posts a body several times at once, as a stranger; returns how each was answered.
    pub(crate) async fn post_at_once(&self, url: &str, body: &str, times: usize) -> Vec<u16> {
        let requests = (0..times).map(|_| self.client.post(url).body(body.to_owned()).send());
        let answers = requests.collect::<tokio::task::JoinSet<_>>().join_all().await;
        answers.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect()
    }

    pub(crate) async fn put(&self, url: &str, body: &Value) -> (u16, Value) {
        let answer = self.client.put(url).bearer_auth(&self.token).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// Reads a customer's leads until there is one.
    pub(crate) async fn leads_of(&self, process: &Process, customer: &str) -> Vec<Value> {
        let url = process.url(&format!("/api/v1/leads/leads?external_user_id={customer}"));
        eventually(&format!("a lead of {customer}"), async || {
            let (status, body) = self.get(&url).await;
            assert_eq!(status, 200, "{body}");
            Some(body["items"].as_array().unwrap().clone()).filter(|leads| !leads.is_empty())
        })
        .await
    }
}
