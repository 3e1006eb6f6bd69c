//! An installation, its company, and proxies on all ways between them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use scrm_kernel::Clock;
use scrm_testing::{Shape, TestWecom};
use scrm_wecom_sandbox::DeliveryRules;

use super::plan::Way;
use crate::company::{Company, Ways};
use crate::installation::{self, Installation};
use crate::outside::Outside;
use crate::proxy::Proxy;
use crate::servers::{Server, Servers};

/// Members whom people meet.
const STAFF: usize = 20;
/// Callbacks under way at once. Each is three open files of this process: a process often may have no more than 1024.
const AT_ONCE: usize = 64;

/// What a storm comes over.
pub(super) struct Surroundings {
    pub(super) installation: Installation,
    pub(super) company: Arc<Company>,
    pub(super) outside: Arc<Outside>,
    /// In the distributed shape.
    pub(super) servers: Option<Arc<Servers>>,
    proxies: Vec<(Way, Proxy)>,
}

impl Surroundings {
    /// Starts everything, in fair weather.
    pub(super) async fn start(programs: &Path) -> Self {
        let mut proxies = Vec::new();
        let (mut installation, servers) = match Shape::chosen() {
            Shape::Embedded => (Installation::new(programs).await, None),
            Shape::Distributed => {
                let servers = Servers::start().await;
                let place = installation::Surroundings {
                    database: through(&servers, Server::Postgres, Way::Database, &mut proxies).await,
                    broker: through(&servers, Server::Rabbit, Way::Broker, &mut proxies).await,
                    cache: through(&servers, Server::Redis, Way::Cache, &mut proxies).await,
                };
                (Installation::on(programs, place).await, Some(Arc::new(servers)))
            }
        };
        installation.start(None).await;
        let rules = DeliveryRules { parallel: AT_ONCE, ..DeliveryRules::default() };
        let wecom = TestWecom::start_with(Clock::system(), rules);
        let to_wecom = Proxy::start(address_in(wecom.url())).await;
        let door = Proxy::start(installation.address_of("ingest")).await;
        let ways = Ways {
            wecom: format!("http://{}", to_wecom.address()),
            ingest: format!("http://{}", door.address()),
        };
        proxies.extend([(Way::Wecom, to_wecom), (Way::Door, door)]);
        let company = Arc::new(Company::connect_by(&installation, wecom, ways, STAFF).await);
        let outside = Arc::new(Outside::of(&installation));
        Self { installation, company, outside, servers, proxies }
    }

    /// Returns the proxy on a way.
    pub(super) fn proxy(&self, way: Way) -> &Proxy {
        let found = self.proxies.iter().find(|(of, _)| *of == way);
        &found.expect("only ways of the shape are disturbed").1
    }

    /// Ends everything; unless all is well, what the processes said stays.
    pub(super) async fn finish(self, is_well: bool) {
        if !is_well {
            let path = self.installation.keep_log();
            eprintln!("what the processes said: {}", path.display());
        }
        self.installation.finish().await;
        if let Some(servers) = self.servers.and_then(Arc::into_inner) {
            servers.finish().await;
        }
    }
}

/// Starts a proxy in front of a server, and returns the address of the server through it.
async fn through(servers: &Servers, server: Server, way: Way, proxies: &mut Vec<(Way, Proxy)>) -> String {
    let proxy = Proxy::start(servers.address(server)).await;
    let url = servers.url(server).replace(&servers.address(server).to_string(), &proxy.address().to_string());
    proxies.push((way, proxy));
    // The server's own database is for nobody: each service has one.
    match url.strip_suffix("/postgres") {
        Some(server) => format!("{server}/scrm_{{service}}"),
        None => url,
    }
}

fn address_in(url: &str) -> SocketAddr {
    let place = url.strip_prefix("http://").expect("it speaks plain HTTP");
    place.parse().expect("it is on this machine")
}
