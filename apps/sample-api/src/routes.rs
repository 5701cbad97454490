//! The routes and the two layers around them.
//!
//! Every request passes `observe` (metrics, the version header). Only application routes pass
//! `disturb` (requests in flight, injected faults): health and metrics must tell the truth about
//! an instance that misbehaves.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::config::{Label, ServeConfig};
use crate::faults::Faults;
use crate::metrics::{CONTENT_TYPE, Identity, Metrics, RouteLabels};
use crate::pages::{self, Facts};
use crate::shutdown::{Lifecycle, Phase};
use crate::{NAME, VERSION_HEADER, clock};

/// The longest wait that `/slow` grants, in milliseconds.
pub const SLOW_LIMIT_MS: u64 = 10_000;

/// What `/slow` waits when nobody says how long, in milliseconds.
const SLOW_DEFAULT_MS: u64 = 100;

/// One instance of the service, as its routes see it.
#[derive(Debug)]
pub struct App {
    version: Label,
    version_header: HeaderValue,
    revision: Option<Label>,
    colour: Option<Label>,
    started_at: Timestamp,
    started: Instant,
    lifecycle: Lifecycle,
    faults: Faults,
    metrics: Metrics,
}

impl App {
    /// The instance that `config` describes, started now, with faults drawn from `seed`.
    #[must_use]
    pub fn new(config: &ServeConfig, seed: u64, lifecycle: Lifecycle) -> Self {
        let started_at = clock::wall();
        let identity = Identity {
            version: config.version.as_str(),
            revision: config.revision.as_ref().map_or("", Label::as_str),
            colour: config.colour.as_ref().map_or("", Label::as_str),
        };
        let latency = Duration::from_millis(config.latency_ms);
        Self {
            version_header: HeaderValue::from_str(config.version.as_str())
                .expect("a label is visible ASCII, which any header value may be"),
            metrics: Metrics::new(identity, started_at.as_duration().as_secs_f64()),
            version: config.version.clone(),
            revision: config.revision.clone(),
            colour: config.colour.clone(),
            started_at,
            started: clock::monotonic(),
            lifecycle,
            faults: Faults::new(config.error_rate, seed, latency),
        }
    }

    /// How many application requests are in flight.
    #[must_use]
    pub fn in_flight(&self) -> i64 {
        self.metrics.in_flight()
    }

    fn ready(&self) -> bool {
        self.lifecycle.phase() == Phase::Ready
    }
}

/// All routes of the instance.
pub fn router(app: Arc<App>) -> Router {
    let application = Router::new()
        .route("/", get(landing))
        .route("/slow", get(slow))
        .route("/version", get(version))
        .route("/html", get(html))
        .route_layer(from_fn_with_state(Arc::clone(&app), disturb));
    let operational = Router::new()
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics));
    application
        .merge(operational)
        .fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(&app), observe))
        .with_state(app)
}

type Shared = State<Arc<App>>;

async fn observe(State(app): Shared, request: Request, next: Next) -> Response {
    let started = clock::monotonic();
    let route = labels(&request);
    let mut response = next.run(request).await;
    app.metrics.answered(&route, response.status(), started.elapsed());
    let headers = response.headers_mut();
    headers.insert(VERSION_HEADER, app.version_header.clone());
    if app.lifecycle.phase() >= Phase::Draining {
        // Clients that keep connections open must look for another instance now, not at the
        // moment this one closes.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn disturb(State(app): Shared, request: Request, next: Next) -> Response {
    let _in_flight = app.metrics.enter();
    let route = labels(&request);
    let fails = app.faults.next_fails();
    if !app.faults.latency().is_zero() {
        sleep(app.faults.latency()).await;
    }
    let response = if fails {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "injected fault")
    } else {
        next.run(request).await
    };
    if response.status().is_server_error() {
        app.metrics.failed(&route);
    }
    response
}

fn labels(request: &Request) -> RouteLabels {
    let template = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    RouteLabels::new(request.method(), template)
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

async fn landing(State(app): Shared) -> Response {
    page(&app, pages::landing)
}

async fn html(State(app): Shared) -> Response {
    page(&app, pages::version)
}

fn page(app: &App, render: fn(&Facts<'_>) -> String) -> Response {
    let started_at = app.started_at.to_string();
    let facts = Facts {
        version: app.version.as_str(),
        revision: app.revision.as_ref().map(Label::as_str),
        colour: app.colour.as_ref().map(Label::as_str),
        started_at: &started_at,
        phase: app.lifecycle.phase().word(),
    };
    let policy = [(header::CONTENT_SECURITY_POLICY, pages::POLICY)];
    (policy, Html(render(&facts))).into_response()
}

#[derive(Debug, Deserialize)]
struct SlowQuery {
    ms: Option<u64>,
}

#[derive(Debug, Serialize)]
struct SlowAnswer {
    slept_ms: u64,
}

async fn slow(query: Result<Query<SlowQuery>, axum::extract::rejection::QueryRejection>) -> Response {
    let Ok(Query(SlowQuery { ms })) = query else {
        return refusal(StatusCode::BAD_REQUEST, "ms must be a whole number of milliseconds");
    };
    let slept_ms = ms.unwrap_or(SLOW_DEFAULT_MS);
    if slept_ms > SLOW_LIMIT_MS {
        let error = format!("ms must be at most {SLOW_LIMIT_MS}");
        return refusal(StatusCode::BAD_REQUEST, &error);
    }
    sleep(Duration::from_millis(slept_ms)).await;
    Json(SlowAnswer { slept_ms }).into_response()
}

#[derive(Debug, Serialize)]
struct VersionAnswer<'a> {
    name: &'static str,
    version: &'a str,
    revision: Option<&'a str>,
    colour: Option<&'a str>,
    started_at: String,
    uptime_seconds: f64,
}

async fn version(State(app): Shared) -> Response {
    Json(VersionAnswer {
        name: NAME,
        version: app.version.as_str(),
        revision: app.revision.as_ref().map(Label::as_str),
        colour: app.colour.as_ref().map(Label::as_str),
        started_at: app.started_at.to_string(),
        uptime_seconds: app.started.elapsed().as_secs_f64(),
    })
    .into_response()
}

async fn health(State(app): Shared) -> Response {
    let answer = json!({
        "status": "ok",
        "phase": app.lifecycle.phase().word(),
        "ready": app.ready(),
        "version": app.version.as_str(),
    });
    Json(answer).into_response()
}

async fn live() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

async fn ready(State(app): Shared) -> Response {
    let status = if app.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let answer = json!({ "status": app.lifecycle.phase().word() });
    (status, Json(answer)).into_response()
}

async fn metrics(State(app): Shared) -> Response {
    match app.metrics.render(app.ready()) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be written"),
    }
}

async fn not_found(method: Method) -> Response {
    refusal(StatusCode::NOT_FOUND, &format!("no such path for {method}"))
}
