//! Traces: a collector sees which steps one callback led to, through all services.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use scrm_telemetry::ENDPOINT;
use scrm_testing::eventually_within;
use scrm_tests::{Company, Installation};

use crate::PROGRAMS;

/// Steps are sent every five seconds.
const PATIENCE: Duration = Duration::from_mins(1);
/// What one contact of a member leads to, among other things.
const EXPECTED: [&str; 6] = [
    "POST /callback/wecom/{app}",
    "handle leads.contact",
    "handle leads.welcome",
    "handle leads.card",
    "handle customers.contact",
    "externalcontact/send_welcome_msg",
];

/// A step as the collector gets it.
#[derive(Debug, Clone)]
struct Step {
    name: String,
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
}

type Steps = Arc<Mutex<Vec<Step>>>;

/// A collector of traces on a port of its own.
struct Collector {
    steps: Steps,
    url: String,
    server: ServerHandle,
}

impl Collector {
    fn start() -> Self {
        let steps = Steps::default();
        let data = Data::new(Arc::clone(&steps));
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).route("/v1/traces", web::post().to(collect))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/traces", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { steps, url, server: handle }
    }

    fn steps(&self) -> Vec<Step> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn collect(steps: Data<Steps>, body: Bytes) -> HttpResponse {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let spans = request.resource_spans.into_iter().flat_map(|of_process| of_process.scope_spans);
    let found = spans.flat_map(|of_library| of_library.spans).map(|span| Step {
        name: span.name,
        trace: span.trace_id,
        id: span.span_id,
        parent: span.parent_span_id,
    });
    steps.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
    HttpResponse::Ok().content_type("application/x-protobuf").finish()
}

#[tokio::test]
async fn one_callback_is_one_trace_through_all_services() {
    let collector = Collector::start();
    let mut installation = Installation::new(Path::new(PROGRAMS)).await;
    let variable = (ENDPOINT, collector.url.as_str());
    installation.start_with(&[variable]).await;
    let company = Company::connect(&installation).await;
    let person = company.somebody();
    assert_eq!(company.add_members(&[person]).await, [true]);

    let trace = eventually_within(PATIENCE, "a trace has every step", async || {
        let steps = collector.steps();
        let begins = steps.iter().filter(|step| step.name == EXPECTED[0]);
        let mut traces = begins.map(|begin| of_trace(&steps, &begin.trace));
        traces.find(|trace| EXPECTED.iter().all(|name| trace.iter().any(|step| step.name == *name)))
    })
    .await;
    let ids: BTreeSet<_> = trace.iter().map(|step| &step.id).collect();
    assert_eq!(ids.len(), trace.len(), "every step is told once");
    for step in &trace {
        let is_first = step.name == EXPECTED[0];
        assert_eq!(step.parent.is_empty(), is_first, "{step:?}");
        assert!(is_first || ids.contains(&step.parent), "{step:?} follows a step that nobody has seen");
    }
    installation.finish().await;
    company.wecom.finish().await;
    collector.server.stop(false).await;
}

fn of_trace(steps: &[Step], trace: &[u8]) -> Vec<Step> {
    steps.iter().filter(|step| step.trace == trace).cloned().collect()
}
