//! One request: where it goes, how it gets there, and what is counted of it.

use super::answer::Answer;
use super::connection::Client;
use super::endpoint::Visit;
use super::headers::{self, Kind};
use super::meter::Meter;
use super::mirror::{Copy, Tee};
use super::reply::Why;
use super::send::{Effort, send};
use super::session::Session;
use super::shared::{Choice, count};
use super::tunnel;
use super::upload::{Outgoing, Sending, Upload};
use super::upstream::Upstream;
use super::watch::{Waiting, Watch};
use super::worker::{Ticket, Worker};
use crate::clock;
use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::SET_COOKIE;
use hyper::{Method, Request, Response, StatusCode, Version};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Status of a request whose client went away before its answer.
const GONE: u16 = 499;

/// A request on its connection, from its head to its answer's last byte.
pub(super) struct Turn {
    watch: Arc<Watch>,
    /// Of a multiplexed connection, where each request has a watch of its own.
    stream: Option<(Ticket, Arc<Watch>)>,
}

impl Turn {
    fn begin(client: &Client) -> Self {
        if client.fault.is_some() {
            client.watch.wait(Waiting::Answer);
            return Self { watch: client.watch.clone(), stream: None };
        }
        let parent = client.watch.clone();
        parent.stream_began();
        let ticks = client.worker.shared.ticks.clone();
        let watch = Arc::new(Watch::new(ticks, Waiting::Answer, Some(parent.clone())));
        let ticket = Ticket::new(client.worker.clone(), watch.clone());
        Self { watch, stream: Some((ticket, parent)) }
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        match &self.stream {
            Some((_, parent)) => parent.stream_ended(),
            None => self.watch.rest(),
        }
    }
}

/// What is counted of a request, at its endpoint and of its version. One that is dropped before it has an
/// answer was given up by its client.
pub(super) struct Exchange {
    worker: Arc<Worker>,
    meter: Arc<Meter>,
    visit: Visit,
    session: Option<Session>,
    /// Of a request with a body.
    sending: Option<Arc<Sending>>,
    began: Instant,
    is_counted: bool,
    has_failed: bool,
}

impl Exchange {
    fn new(worker: Arc<Worker>, choice: Choice, sending: Option<Arc<Sending>>, began: Instant) -> Self {
        let Choice { arm, visit, session, .. } = choice;
        let meter = arm.meter.clone();
        Self { worker, meter, visit, session, sending, began, is_counted: false, has_failed: false }
    }

    /// Its client sent a body that ended early or is not well formed.
    fn is_client_cut(&self) -> bool {
        self.sending.as_ref().is_some_and(|sending| sending.is_cut())
    }

    fn count(&mut self, code: u16) {
        self.is_counted = true;
        self.meter.count(code, clock::monotonic().saturating_duration_since(self.began));
    }

    fn fail(&mut self) {
        if !std::mem::replace(&mut self.has_failed, true) {
            self.meter.fail(self.session);
        }
    }

    /// The head of its answer is there.
    fn answered(&mut self, status: StatusCode) {
        self.count(status.as_u16());
        if status.is_server_error() {
            self.fail();
        }
    }

    /// It has no answer of its service.
    fn unanswered(&mut self, why: Why) {
        tracing::debug!(endpoint = %self.visit.0.address, ?why, "a service gave no answer");
        match why {
            // No fault of any version.
            Why::Exhausted => self.is_counted = true,
            _ => self.answered(why.status()),
        }
    }

    /// Its answer ended early: the version's failure, unless its client had cut or garbled its body before. Who
    /// is silent while the service waits for more of a body (`is_silence`) is the client as well.
    pub(super) fn cut(&mut self, is_silence: bool) {
        let is_awaited = self.sending.as_ref().is_some_and(|sending| sending.is_awaited());
        if !(self.is_client_cut() || is_silence && is_awaited) {
            self.fail();
        }
    }

    /// Its answer is whole: its connection may be used again.
    pub(super) fn finish(self, upstream: Box<Upstream>, patience: u32) {
        self.worker.keep(&self.visit, upstream, patience);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.is_counted {
            self.count(GONE);
        }
    }
}

/// Answers a request, always.
pub(super) async fn handle(
    client: Arc<Client>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let turn = Turn::begin(&client);
    let response = match answer(&client, request, turn).await {
        Ok(response) => response,
        Err(why) => {
            let totals = &client.worker.shared.totals;
            match why {
                Why::NoTarget => count(&totals.without_target),
                Why::Refused(_) | Why::Fields | Why::Method => count(&totals.refused),
                Why::Answer | Why::Upload | Why::ConnectTime => count(&totals.timed_out),
                Why::Unreachable | Why::Broken | Why::Protocol | Why::Exhausted => {}
            }
            why.response()
        }
    };
    Ok(response)
}

async fn answer(
    client: &Arc<Client>,
    mut request: Request<Incoming>,
    turn: Turn,
) -> Result<Response<Answer>, Why> {
    let number = client.served.fetch_add(1, Ordering::Relaxed);
    admit(client, &request, number)?;
    let began = clock::monotonic();
    let choice = client.worker.shared.choose(client.door, request.headers()).ok_or(Why::NoTarget)?;
    let kind = headers::kind(&request);
    let upgrade = (kind == Kind::Upgrade).then(|| hyper::upgrade::on(&mut request));
    let sending = (!request.body().is_end_stream()).then(Arc::<Sending>::default);
    let request = outgoing(client, request, &choice, &turn, number, sending.clone(), kind);
    let (arm, new_session) = (choice.arm.clone(), choice.session.filter(|_| choice.is_new_session));
    let mut exchange = Exchange::new(client.worker.clone(), choice, sending, began);
    let sent = send(&client.worker, &arm, &mut exchange.visit, request, turn.watch(), &Effort::REQUEST).await;
    let (upstream, mut response) = match sent {
        Ok((_, response)) if response.status() == StatusCode::SWITCHING_PROTOCOLS && upgrade.is_none() => {
            exchange.unanswered(Why::Protocol);
            return Err(Why::Protocol);
        }
        Ok(sent) => sent,
        Err(why) => {
            let is_cut = exchange.is_client_cut();
            let why = if is_cut { Why::Refused("its body ended early or is not well formed") } else { why };
            exchange.unanswered(why);
            return Err(why);
        }
    };
    exchange.answered(response.status());
    let cookie = new_session.and_then(|session| client.worker.shared.cookie(session));
    if let (Some(upgrade), StatusCode::SWITCHING_PROTOCOLS) = (upgrade, response.status()) {
        return Ok(tunnel::begin(client, upgrade, *upstream, exchange, &response, cookie));
    }
    let hop = headers::for_client(response.headers_mut());
    if let Some(line) = cookie {
        response.headers_mut().append(SET_COOKIE, line);
    }
    *response.version_mut() = Version::HTTP_11;
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(head, Answer::new(body, upstream, exchange, hop.patience(), turn)))
}

/// Refuses what no service should see.
fn admit(client: &Client, request: &Request<Incoming>, number: u64) -> Result<(), Why> {
    if let Some(why) = client.fault.as_ref().and_then(|fault| fault.of(number)) {
        return Err(Why::Refused(why));
    }
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(Why::Method);
    }
    if headers::are_too_many(request) {
        return Err(Why::Fields);
    }
    headers::check(request).map_err(Why::Refused)
}

/// The request as the service gets it; a copy is sent, or made ready to be.
fn outgoing(
    client: &Arc<Client>,
    mut request: Request<Incoming>,
    choice: &Choice,
    turn: &Turn,
    number: u64,
    sending: Option<Arc<Sending>>,
    kind: Kind,
) -> Request<Outgoing> {
    let has_length = request.body().size_hint().exact().is_some();
    headers::for_service(&mut request, &client.peer, kind, has_length);
    let copy = choice.copy.as_ref().filter(|_| kind == Kind::Plain);
    let copy = copy.map(|arm| Copy::new(client.worker.clone(), arm.clone(), &request));
    let Some(sending) = sending else {
        if let Some(copy) = copy {
            copy.send(Bytes::new());
        }
        return request.map(|_| Outgoing::Whole(None));
    };
    let tee = copy.and_then(|copy| Tee::new(copy, request.body().size_hint().lower()));
    request.map(|body| {
        let watch = turn.watch.clone();
        let fault = client.fault.clone().map(|fault| (fault, number));
        Outgoing::Client(Box::new(Upload { body, watch, fault, sending, tee }))
    })
}
