//! A TCP proxy that a test makes misbehave: what stands between two programs, gone wrong.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How much is carried at once.
const CHUNK: usize = 16 * 1024;

/// How a proxy treats what comes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Carries everything, at once.
    Pass,
    /// Ends every new connection; those there are go on.
    Refuse,
    /// Carries everything, each piece this much later.
    Slow(Duration),
    /// Takes connections and bytes, and carries nothing.
    Stall,
}

/// What the connections of a proxy look at.
#[derive(Debug, Clone, Copy)]
struct Order {
    mode: Mode,
    /// Connections that were made before the last cut are over.
    cuts: u64,
}

/// A proxy in front of one address.
pub struct Proxy {
    address: SocketAddr,
    order: Arc<watch::Sender<Order>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy that carries everything to `target`, which need not answer yet.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let order = Arc::new(watch::Sender::new(Order { mode: Mode::Pass, cuts: 0 }));
        let task = tokio::spawn(accept(listener, target, Arc::clone(&order)));
        Self { address, order, task }
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Treats what comes by like this from now on.
    pub fn set(&self, mode: Mode) {
        self.order.send_modify(|order| order.mode = mode);
    }

    /// Breaks all connections there are.
    pub fn cut(&self) {
        self.order.send_modify(|order| order.cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, order: Arc<watch::Sender<Order>>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let orders = order.subscribe();
        if orders.borrow().mode == Mode::Refuse {
            continue;
        }
        tokio::spawn(async move {
            // Whoever asks for a server that is dead sees the connection end.
            if let Ok(server) = TcpStream::connect(target).await {
                carry(client, server, orders).await;
            }
        });
    }
}

/// Carries both ways until one side ends or the connection is cut.
async fn carry(client: TcpStream, server: TcpStream, mut orders: watch::Receiver<Order>) {
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let cuts = orders.borrow().cuts;
    tokio::select! {
        _ = pump(from_client, to_server, orders.clone()) => {}
        _ = pump(from_server, to_client, orders.clone()) => {}
        _ = orders.wait_for(|order| order.cuts != cuts) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut orders: watch::Receiver<Order>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let taken = from.read(&mut chunk).await?;
        if taken == 0 {
            return Ok(());
        }
        // Ends with the proxy only, and then nobody wants the bytes any more.
        let order = orders.wait_for(|order| order.mode != Mode::Stall).await.map(|order| *order);
        if let Ok(Order { mode: Mode::Slow(delay), .. }) = order {
            tokio::time::sleep(delay).await;
        }
        to.write_all(&chunk[..taken]).await?;
    }
}

#[cfg(test)]
mod tests {
    use scrm_testing::eventually;

    use super::*;

    /// Starts a server that says everything back.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await.ok();
                });
            }
        });
        address
    }

    async fn say(stream: &mut TcpStream, word: &[u8]) -> io::Result<Vec<u8>> {
        stream.write_all(word).await?;
        let mut heard = vec![0; word.len()];
        stream.read_exact(&mut heard).await?;
        Ok(heard)
    }

    #[tokio::test]
    async fn it_carries_refuses_and_cuts() {
        let proxy = Proxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"one").await.unwrap(), b"one");

        proxy.set(Mode::Refuse);
        let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(say(&mut refused, b"two").await.is_err());
        assert_eq!(say(&mut stream, b"three").await.unwrap(), b"three");

        proxy.set(Mode::Pass);
        proxy.cut();
        assert!(say(&mut stream, b"four").await.is_err());
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"five").await.unwrap(), b"five");
    }

    #[tokio::test]
    async fn what_was_stalled_comes_whole_and_in_order() {
        let proxy = Proxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"before").await.unwrap(), b"before");
        proxy.set(Mode::Stall);
        stream.write_all(b"held ").await.unwrap();
        stream.write_all(b"back").await.unwrap();
        proxy.set(Mode::Slow(Duration::from_millis(1)));
        let mut heard = Vec::new();
        eventually("everything comes", async || {
            let mut chunk = [0; 9];
            let taken = stream.read(&mut chunk).await.ok()?;
            heard.extend_from_slice(&chunk[..taken]);
            (heard.len() >= 9).then_some(())
        })
        .await;
        assert_eq!(heard, b"held back");
    }
}
