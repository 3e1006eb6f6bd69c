//! Traces: which steps one outside event led to, over all services, and how long each took.
//!
//! A step is a span of `tracing` with the target [`TARGET`]; logs do not show it. Without a collector there are no spans,
//! and [`traceparent`] is `None`. What travels between services is the context of W3C: <https://www.w3.org/TR/trace-context/>.

use std::collections::HashMap;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, layer};

use crate::BadTelemetry;

/// The target of spans that are steps of a trace.
pub const TARGET: &str = "scrm_trace";
/// The variable by which OpenTelemetry says where traces go, for those whose own configuration does not.
pub const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The field of the context of W3C.
const TRACEPARENT: &str = "traceparent";
/// How long the collector may take for a batch, and for the last one at the end.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where traces go.
#[derive(Debug, Clone)]
pub struct Traces {
    /// The collector, such as `http://collector:4318/v1/traces`: OTLP as protobuf over HTTP.
    pub endpoint: String,
    /// What the process is called there.
    pub service: String,
}

/// Sends spans to a collector, in batches, from a thread of its own.
#[derive(Debug)]
pub struct Exporter(SdkTracerProvider);

impl Exporter {
    pub(crate) fn start(traces: &Traces) -> Result<Self, BadTelemetry> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&traces.endpoint)
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| BadTelemetry::Traces(traces.endpoint.clone(), error.to_string()))?;
        let resource = Resource::builder().with_service_name(traces.service.clone()).build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Self(provider))
    }

    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer: SdkTracer = self.0.tracer("hongyan");
        let steps = Targets::new().with_target(TARGET, LevelFilter::TRACE);
        let spans = tracing_opentelemetry::layer().with_tracer(tracer);
        let spans = spans.with_location(false).with_threads(false).with_tracked_inactivity(false);
        layer::Layer::with_filter(spans, steps)
    }

    /// Sends what has not been sent. It may block for a few seconds.
    pub fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(error = %error, "The last traces could not be sent");
        }
    }
}

/// Returns the context of the present step, for whoever continues it elsewhere.
pub fn traceparent() -> Option<String> {
    let span = Span::current();
    if span.is_disabled() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Gives a step that has begun the name that is known only now.
pub fn rename(span: &Span, name: String) {
    if !span.is_disabled() {
        span.context().span().update_name(name);
    }
}

/// Makes a step the continuation of one elsewhere.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent.filter(|_| !span.is_disabled()) else { return };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    // Only a span that has begun has a parent already.
    span.set_parent(context).ok();
}
