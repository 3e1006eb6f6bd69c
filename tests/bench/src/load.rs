//! Requests over HTTP/1.1 connections that stay open: as many as possible, or at a steady rate.
//!
//! Every byte is prepared before the clock starts, and answers are read only as far as needed, so that one core of load
//! keeps up with any server on another one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Bytes of an answer at most: nothing longer is asked for here.
const MAX_ANSWER: usize = 16 * 1024;
/// How long an answer may take before the run fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// One answered request.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// Its place among the requests.
    pub index: usize,
    /// The status code.
    pub status: u16,
    /// When it was sent, or should have been.
    pub due: Instant,
    /// When the answer was there.
    pub at: Instant,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// In no order.
    pub answered: Vec<Answered>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

impl Outcome {
    /// Returns how many requests a second were answered.
    pub fn rate(&self) -> f64 {
        crate::figure::number(self.answered.len()) / self.elapsed.as_secs_f64()
    }

    /// Fails unless every answer has this status.
    pub fn expect_all(&self, status: u16) -> anyhow::Result<()> {
        match self.answered.iter().find(|answered| answered.status != status) {
            Some(other) => {
                bail!("request {} was answered with {} instead of {status}", other.index, other.status)
            }
            None => Ok(()),
        }
    }
}

/// Writes a POST with its headers.
pub fn post(path_and_query: &str, address: SocketAddr, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("POST {path_and_query} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        text.push_str(name);
        text.push_str(": ");
        text.push_str(value);
        text.push_str("\r\n");
    }
    text.push_str("Content-Length: ");
    text.push_str(&body.len().to_string());
    text.push_str("\r\n\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// When the requests go out.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Each connection sends the next one as soon as it has an answer, for so long or until there are no more.
    Flat(Duration),
    /// So many a second, whatever the answers do.
    Steady(f64),
}

/// Sends requests over so many connections; every request at most once. `on_answer` is called for each answer.
pub async fn run(
    address: SocketAddr,
    connections: usize,
    requests: Arc<Vec<Vec<u8>>>,
    pace: Pace,
    on_answer: impl Fn(Answered) + Clone + Send + 'static,
) -> anyhow::Result<Outcome> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await.context("the server takes no connection")?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for stream in streams {
        let (requests, next, on_answer) = (Arc::clone(&requests), Arc::clone(&next), on_answer.clone());
        tasks.spawn(send_in_turn(stream, requests, next, begun, pace, on_answer));
    }
    let mut answered = Vec::new();
    while let Some(task) = tasks.join_next().await {
        answered.extend(task.context("a connection of ours failed")??);
    }
    let last = answered.iter().map(|answered| answered.at).max().context("nothing was answered")?;
    Ok(Outcome { answered, elapsed: last - begun })
}

async fn send_in_turn(
    mut stream: TcpStream,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    begun: Instant,
    pace: Pace,
    on_answer: impl Fn(Answered),
) -> anyhow::Result<Vec<Answered>> {
    let mut answered = Vec::new();
    let mut buffer = vec![0; MAX_ANSWER];
    loop {
        if matches!(pace, Pace::Flat(time) if begun.elapsed() >= time) {
            return Ok(answered);
        }
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(index) else { return Ok(answered) };
        let due = match pace {
            Pace::Flat(_) => Instant::now(),
            Pace::Steady(rate) => {
                let due = begun + Duration::from_secs_f64(crate::figure::number(index) / rate);
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        stream.write_all(request).await.context("the server closed a connection")?;
        let status = tokio::time::timeout(PATIENCE, read_answer(&mut stream, &mut buffer)).await;
        let status = status.context("an answer takes too long")??;
        let one = Answered { index, status, due, at: Instant::now() };
        on_answer(one);
        answered.push(one);
    }
}

/// Reads one answer to its end; returns its status.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<u16> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.context("the server broke a connection")?;
        if read == 0 {
            bail!("the server closed a connection, or answers with more than {MAX_ANSWER} bytes");
        }
        filled += read;
        if let Some((status, length)) = head_of(&buffer[..filled])?
            && filled >= length
        {
            return Ok(status);
        }
    }
}

/// Reads the head of an answer: its status, and the bytes of head and body together; `None` while it is not all there.
fn head_of(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).context("the head of an answer is text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let status = status.context("an answer begins with a status")?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse::<usize>().ok() } else { None }
    });
    let body = length.context("an answer says how long it is")?;
    Ok(Some((status, end + 4 + body)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Mutex;

    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_end_of_an_answer_is_known_from_its_head() {
        let whole = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\nx: y\r\n\r\nabc";
        assert_eq!(head_of(whole).unwrap(), Some((202, whole.len())));
        assert_eq!(head_of(b"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n").unwrap(), Some((200, 37)));
        assert_eq!(head_of(b"HTTP/1.1 200 OK\r\nconte").unwrap(), None);
        assert!(head_of(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "without a length its end is unknown");
        assert!(head_of(b"nonsense\r\n\r\n").is_err());
    }

    /// Answers every request with the status, one at a time on each connection.
    async fn server() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn every_request_is_sent_once_whatever_the_pace() {
        let address = server().await;
        let requests: Arc<Vec<_>> =
            Arc::new((0..200).map(|index| post("/x", address, &[("a", "b")], &index.to_string())).collect());
        for pace in [Pace::Flat(Duration::from_mins(1)), Pace::Steady(10_000.0)] {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let hearing = Arc::clone(&heard);
            let note = move |answered: Answered| hearing.lock().unwrap().push(answered.index);
            let outcome = run(address, 8, Arc::clone(&requests), pace, note).await.unwrap();
            outcome.expect_all(200).unwrap();
            assert!(outcome.expect_all(202).is_err());
            let mut heard = heard.lock().unwrap().clone();
            heard.sort_unstable();
            assert_eq!(heard, (0..200).collect::<Vec<_>>());
            assert_eq!(outcome.answered.len(), 200);
        }
    }
}
