//! Copies of requests: sent beside, answered to nobody, and dropped where there are too many.

use super::endpoint::Visit;
use super::headers;
use super::plan::Arm;
use super::reply::Why;
use super::send::{Effort, send};
use super::shared::count;
use super::upload::Outgoing;
use super::upstream::{Upstream, poll_part};
use super::watch::{Waiting, Watch};
use super::worker::{Ticket, Worker};
use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::{HeaderMap, Method, Request, Uri};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

/// Most bytes of an answer that are read, so that its connection can be used again.
const ANSWER_BYTES: usize = 1024 * 1024;

/// A copy that is not sent yet.
pub(super) struct Copy {
    worker: Arc<Worker>,
    arm: Arc<Arm>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Copy {
    pub(super) fn new<B>(worker: Arc<Worker>, arm: Arc<Arm>, request: &Request<B>) -> Self {
        let mut headers = request.headers().clone();
        headers::for_copy(&mut headers);
        Self { worker, arm, method: request.method().clone(), uri: request.uri().clone(), headers }
    }

    /// Sends it, unless too many are on their way or its version has gone.
    pub(super) fn send(self, body: Bytes) {
        let most = self.worker.shared.settings.limits.mirrors;
        let place = Place::new(self.worker.clone(), most);
        let visit = self.worker.shared.choose_again(&self.arm, None);
        let (Some(place), Some(visit)) = (place, visit) else {
            self.drop();
            return;
        };
        tokio::spawn(async move {
            let arm = self.arm.clone();
            arm.meter.mirror();
            if !self.run(body, visit).await {
                arm.meter.mirror_failed();
            }
            drop(place);
        });
    }

    /// It is not sent.
    fn drop(self) {
        count(&self.worker.shared.totals.mirrors_dropped);
    }

    /// True where an answer came that is no 5xx.
    async fn run(self, body: Bytes, mut visit: Visit) -> bool {
        let Self { worker, arm, method, uri, mut headers } = self;
        if !body.is_empty() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let mut request = Request::new(Outgoing::Whole(Some(body).filter(|body| !body.is_empty())));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
        let watch = Arc::new(Watch::new(worker.shared.ticks.clone(), Waiting::Answer, None));
        let _ticket = Ticket::new(worker.clone(), watch.clone());
        let sent = send(&worker, &arm, &mut visit, request, &watch, &Effort::COPY).await;
        let Ok((mut upstream, answer)) = sent else { return false };
        let is_good = !answer.status().is_server_error();
        let hop = headers::for_client(&mut answer.headers().clone());
        if drain(answer.into_body(), &mut upstream, &watch).await.is_ok() {
            worker.keep(&visit, upstream, hop.patience());
        }
        is_good
    }
}

/// Reads a body to its end.
async fn drain(mut body: Incoming, upstream: &mut Upstream, watch: &Watch) -> Result<(), Why> {
    let mut left = ANSWER_BYTES;
    watch.wait(Waiting::Body);
    poll_fn(|context| {
        watch.register(context);
        while !body.is_end_stream() {
            match poll_part(&mut body, Some(&mut *upstream), context) {
                Poll::Ready(Some(Ok(frame))) => {
                    left = left.saturating_sub(frame.data_ref().map_or(1, Bytes::len));
                    if left == 0 {
                        return Poll::Ready(Err(Why::Broken));
                    }
                }
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Why::Broken)),
                Poll::Ready(None) => break,
                Poll::Pending if watch.is_over() || upstream.has_ended() => {
                    return Poll::Ready(Err(Why::Answer));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        if !upstream.is_free() {
            upstream.drive(context);
        }
        Poll::Ready(Ok(()))
    })
    .await
}

/// One of so many copies at once.
struct Place(Arc<Worker>);

impl Place {
    fn new(worker: Arc<Worker>, most: usize) -> Option<Self> {
        if worker.mirrors.fetch_add(1, Ordering::Relaxed) < most {
            return Some(Self(worker));
        }
        worker.mirrors.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.mirrors.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Collects a body for its copy while it goes by.
pub(super) struct Tee {
    copy: Copy,
    parts: Vec<Bytes>,
    left: usize,
}

impl Tee {
    /// Nothing where the body is too long.
    pub(super) fn new(copy: Copy, at_least: u64) -> Option<Self> {
        let left = copy.worker.shared.settings.limits.mirrored_bytes;
        if at_least > left as u64 {
            copy.drop();
            return None;
        }
        Some(Self { copy, parts: Vec::new(), left })
    }

    /// False where the body turns out to be too long.
    pub(super) fn push(&mut self, part: &Bytes) -> bool {
        let fits = part.len() <= self.left;
        if fits {
            self.left -= part.len();
            self.parts.push(part.clone());
        }
        fits
    }

    /// The body is whole.
    pub(super) fn send(self) {
        let body = match self.parts.as_slice() {
            [one] => one.clone(),
            parts => Bytes::from(parts.concat()),
        };
        self.copy.send(body);
    }

    pub(super) fn give_up(self) {
        self.copy.drop();
    }
}
