//! The listener: one request a connection, everything bounded.

use super::metrics::{self, Hooks};
use super::signature::Seen;
use super::webhook::{Hook, Verdict};
use crate::app::bell::Bell;
use crate::app::sync::status;
use crate::app::workspace::Workspace;
use crate::clock;
use crate::report::Render;
use crate::report::view::SyncStatusView;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use zeroize::Zeroizing;

/// Connections at once. One more ends the oldest: who only holds connections keeps nobody out.
const CONNECTIONS: usize = 32;
/// Largest head of a request.
const MAX_HEAD: usize = 64 << 10;
/// Longest life of a connection.
const LIFE: Duration = Duration::from_secs(30);
/// Largest body of a webhook: GitHub sends no larger one.
const MAX_BODY: usize = 25 << 20;

/// What is served.
pub struct Served {
    /// Where the ledger is.
    pub workspace: Workspace,
    /// The sync.
    pub name: String,
    /// What it follows.
    pub git_ref: String,
    /// What a webhook rings.
    pub bell: Bell,
    /// The secret of webhooks; without one there are none.
    pub secret: Option<Zeroizing<String>>,
}

/// Shared by all connections.
struct Site {
    served: Served,
    seen: Mutex<Seen>,
    hooks: Hooks,
}

/// Serves in a thread of its own, for as long as the process lives. The address that it listens on.
///
/// # Errors
/// The address cannot be used; the system gives no thread.
pub fn serve(address: &str, served: Served) -> io::Result<SocketAddr> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let site = Arc::new(Site { served, seen: Mutex::default(), hooks: Hooks::default() });
    let run = move || runtime.block_on(accept(listener, site));
    std::thread::Builder::new().name("web".to_owned()).spawn(run)?;
    Ok(bound)
}

async fn accept(listener: StdListener, site: Arc<Site>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() == CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let site = Arc::clone(&site);
        let connection = tokio::spawn(async move {
            let service = service_fn(move |request| {
                let site = Arc::clone(&site);
                async move { Ok::<_, Infallible>(answer(request, &site).await) }
            });
            let mut builder = http1::Builder::new();
            builder.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
            builder.max_buf_size(MAX_HEAD);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            // Who goes away, or stays too long, is of no interest.
            let _ = tokio::time::timeout(LIFE, connection).await;
        });
        open.push_back(connection.abort_handle());
    }
}

type Answer = Response<Full<Bytes>>;

fn reply(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    reply(status, "text/plain; charset=utf-8", text)
}

async fn answer(request: Request<Incoming>, site: &Site) -> Answer {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/webhook" if request.method() == Method::POST => hook(request, site).await,
        "/webhook" => plain(StatusCode::METHOD_NOT_ALLOWED, "only POST\n"),
        "/metrics" | "/status" | "/healthz" if !is_read => {
            plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n")
        }
        "/metrics" => view(site).map_or_else(unreadable, |view| {
            reply(StatusCode::OK, metrics::CONTENT_TYPE, metrics::text(&view, &site.hooks))
        }),
        "/status" => view(site).map_or_else(unreadable, |view| {
            reply(StatusCode::OK, "application/json", format!("{:#}\n", view.json()))
        }),
        "/healthz" => plain(StatusCode::OK, "ok\n"),
        _ => plain(StatusCode::NOT_FOUND, "here are /webhook, /metrics, /status and /healthz\n"),
    }
}

fn view(site: &Site) -> Option<SyncStatusView> {
    let view = status::view(&site.served.workspace, Some(&site.served.name));
    view.inspect_err(|fault| tracing::warn!(%fault, "the status of the sync cannot be read")).ok()
}

fn unreadable() -> Answer {
    plain(StatusCode::SERVICE_UNAVAILABLE, "the ledger cannot be read now\n")
}

async fn hook(request: Request<Incoming>, site: &Site) -> Answer {
    let Some(secret) = &site.served.secret else {
        return plain(StatusCode::NOT_FOUND, "no webhooks are taken: --webhook-secret is missing\n");
    };
    let (parts, body) = request.into_parts();
    // Who says so is not read at all.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "too large\n");
    }
    let headers = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let mut hook = match Hook::begin(&headers, secret) {
        Ok(hook) => hook,
        Err(disbelief) => return said(site, Verdict::Refused(disbelief)),
    };
    let mut body = Limited::new(body, MAX_BODY);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "too large, or broken off\n");
        };
        hook.body(frame.data_ref().map_or(&[], |data| data.as_ref()));
    }
    let now = clock::now().as_second();
    let verdict = {
        let mut seen = site.seen.lock().unwrap_or_else(PoisonError::into_inner);
        hook.end(&site.served.git_ref, &mut seen, now)
    };
    said(site, verdict)
}

fn said(site: &Site, verdict: Verdict) -> Answer {
    site.hooks.count(verdict);
    match verdict {
        Verdict::Accepted => {
            site.served.bell.ring();
            plain(StatusCode::ACCEPTED, "a sync begins\n")
        }
        Verdict::Ignored => plain(StatusCode::OK, "not about this sync\n"),
        Verdict::Replayed => plain(StatusCode::OK, "seen already\n"),
        Verdict::Refused(disbelief) => {
            tracing::warn!(%disbelief, "a webhook is refused");
            plain(StatusCode::UNAUTHORIZED, "not believed\n")
        }
    }
}
