//! A proxy, services and clients, down to their bytes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskmaster::deliver::traffic::{Counts, Door, Limits, Proxy, Settings, Sticky, Table};
use taskmaster_delivery::engine::{Revision, Routes, Share};
use taskmaster_testkit::until;

/// Nothing here takes longer; what hangs fails.
pub(super) const LONGEST: Duration = Duration::from_secs(20);

/// One side of a connection.
pub(super) struct Conn {
    pub(super) reader: BufReader<TcpStream>,
}

/// A message as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) start: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// The body came to its end.
    pub(super) is_whole: bool,
}

impl Message {
    pub(super) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(super) fn path(&self) -> &str {
        self.start.split(' ').nth(1).unwrap()
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Conn {
    pub(super) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(LONGEST)).unwrap();
        stream.set_write_timeout(Some(LONGEST)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(stream) }
    }

    pub(super) fn to(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).unwrap())
    }

    /// Sends bytes; the other side may have gone.
    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.reader.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    pub(super) fn close(&self) {
        let _ = self.reader.get_ref().shutdown(Shutdown::Both);
    }

    /// Closes so that the other side sees a reset.
    pub(super) fn reset(self) {
        rustix::net::sockopt::set_socket_linger(self.reader.get_ref(), Some(Duration::ZERO)).unwrap();
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let count = self.reader.read_line(&mut line).ok()?;
        (count > 0).then(|| line.trim_end().to_owned())
    }

    /// The head of a message; nothing where the connection ended.
    pub(super) fn head(&mut self) -> Option<Message> {
        let start = self.line()?;
        let mut message = Message { start, ..Message::default() };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Some(message);
            }
            let (name, value) = line.split_once(':')?;
            message.fields.push((name.to_lowercase(), value.trim().to_owned()));
        }
    }

    pub(super) fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).ok().map(|()| bytes)
    }

    /// A chunk of a body; empty at the end.
    pub(super) fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line()?, 16).ok()?;
        let bytes = self.exactly(size)?;
        (self.line()? == "").then_some(bytes)
    }

    fn body(&mut self, message: &mut Message, is_answer: bool) {
        if message.field("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk() {
                message.is_whole = chunk.is_empty();
                message.body.extend(chunk);
                if message.is_whole {
                    return;
                }
            }
        } else if let Some(length) = message.field("content-length") {
            let length: usize = length.parse().unwrap();
            let count = self.reader.by_ref().take(length as u64).read_to_end(&mut message.body);
            message.is_whole = count.is_ok_and(|count| count == length);
        } else if is_answer && !matches!(message.status(), 101 | 204 | 304) {
            message.is_whole = self.reader.read_to_end(&mut message.body).is_ok();
        } else {
            message.is_whole = true;
        }
    }

    /// A request with its body.
    pub(super) fn request(&mut self) -> Option<Message> {
        let mut message = self.head()?;
        self.body(&mut message, false);
        message.is_whole.then_some(message)
    }

    /// An answer with as much of its body as came.
    pub(super) fn answer(&mut self) -> Option<Message> {
        let mut message = self.head()?;
        self.body(&mut message, true);
        Some(message)
    }

    /// An answer without its body, such as one to HEAD.
    pub(super) fn ask(&mut self, request: impl AsRef<[u8]>) -> Message {
        assert!(self.send(request), "the proxy closed");
        self.answer().expect("no answer")
    }

    /// True where the other side closed, and nothing more came.
    pub(super) fn is_closed(&mut self) -> bool {
        let mut byte = [0; 1];
        !matches!(self.reader.read(&mut byte), Ok(1..))
            && !matches!(self.reader.get_ref().peek(&mut byte), Err(e) if e.kind() == std::io::ErrorKind::WouldBlock)
    }
}

pub(super) fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop\r\n{fields}\r\n")
}

pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A service; its connections are served in threads of their own.
pub(super) struct Service {
    pub(super) address: SocketAddr,
    pub(super) connections: Arc<AtomicUsize>,
    pub(super) requests: Arc<Mutex<Vec<Message>>>,
    open: Arc<Mutex<BTreeMap<usize, TcpStream>>>,
    is_over: Arc<AtomicBool>,
}

impl Service {
    /// Does as told with each connection, which is numbered from 0.
    pub(super) fn raw(serve: impl Fn(Conn, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
            open: Arc::default(),
            is_over: Arc::default(),
        };
        let (open, is_over) = (service.open.clone(), service.is_over.clone());
        let (serve, connections) = (Arc::new(serve), service.connections.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let number = connections.fetch_add(1, Ordering::SeqCst);
                open.lock().unwrap().insert(number, stream.try_clone().unwrap());
                let (serve, open) = (serve.clone(), open.clone());
                std::thread::spawn(move || {
                    serve(Conn::new(stream), number);
                    // The last handle: now it closes.
                    open.lock().unwrap().remove(&number);
                });
            }
        });
        service
    }

    /// Answers every request with what the function gives for it, and keeps the requests.
    pub(super) fn new(answer: impl Fn(&Message) -> String + Send + Sync + 'static) -> Self {
        let requests: Arc<Mutex<Vec<Message>>> = Arc::default();
        let log = requests.clone();
        let service = Self::raw(move |mut conn, _| {
            while let Some(request) = conn.request() {
                let bytes = answer(&request);
                log.lock().unwrap().push(request);
                if !conn.send(bytes) {
                    return;
                }
            }
        });
        Self { requests, ..service }
    }

    /// Answers with its name.
    pub(super) fn named(name: &'static str) -> Self {
        Self::new(move |_| ok(name))
    }

    pub(super) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub(super) fn seen(&self) -> Vec<Message> {
        self.requests.lock().unwrap().clone()
    }

    /// It is gone, with all of its connections.
    pub(super) fn stop(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the one that accepts, which then drops the listener.
        drop(TcpStream::connect(self.address));
        until("the service listens no more", 5, || TcpStream::connect(self.address).is_err().then_some(()));
        for stream in self.open.lock().unwrap().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

pub(super) fn revision(name: &str) -> Revision {
    Revision(name.into())
}

/// An address that nobody listens at.
pub(super) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A table: the active version, another one's share, and where they are.
pub(super) fn table(active: &str, share: Option<(&str, u32)>, at: &[(&str, SocketAddr)]) -> Table {
    let mut endpoints: BTreeMap<Revision, Vec<SocketAddr>> = BTreeMap::new();
    for (name, address) in at {
        endpoints.entry(revision(name)).or_default().push(*address);
    }
    let share = share.map(|(name, weight)| Share { revision: revision(name), weight });
    Table { routes: Routes { active: revision(active), share, ..Routes::default() }, endpoints }
}

pub(super) fn settings() -> Settings {
    Settings {
        service: "shop".into(),
        sticky: None,
        bounds_ms: vec![5.0, 100.0, 1_000.0],
        limits: Limits::default(),
        seed: 42,
    }
}

pub(super) fn sticky() -> Settings {
    Settings { sticky: Some(Sticky { cookie: "tm".into(), max_age: Duration::from_mins(1) }), ..settings() }
}

/// A proxy and where it listens.
pub(super) struct World {
    pub(super) proxy: Proxy,
    pub(super) address: SocketAddr,
    pub(super) preview: SocketAddr,
}

impl World {
    pub(super) fn new(settings: Settings, table: Table) -> Self {
        let (main, preview) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let (address, preview_address) = (main.local_addr().unwrap(), preview.local_addr().unwrap());
        let doors = vec![(Door::Main, main), (Door::Preview, preview)];
        let proxy = Proxy::start(settings, doors, table).unwrap();
        Self { proxy, address, preview: preview_address }
    }

    /// One service, `v1`.
    pub(super) fn one(service: &Service) -> Self {
        Self::new(settings(), table("v1", None, &[("v1", service.address)]))
    }

    pub(super) fn limited(service: &Service, limits: Limits) -> Self {
        Self::new(Settings { limits, ..settings() }, table("v1", None, &[("v1", service.address)]))
    }

    pub(super) fn connect(&self) -> Conn {
        Conn::to(self.address)
    }

    /// One request on a connection of its own.
    pub(super) fn get(&self, path: &str, fields: &str) -> Message {
        self.connect().ask(get(path, &format!("{fields}Connection: close\r\n")))
    }

    pub(super) fn counts(&self, name: &str) -> Counts {
        self.proxy.snapshot().versions.get(&revision(name)).cloned().unwrap_or_default()
    }

    /// The value of a metric's first line that has this text.
    pub(super) fn metric(&self, name: &str) -> f64 {
        let text = self.proxy.metrics();
        let line = text.lines().find(|line| line.starts_with(&format!("taskmaster_proxy_{name}{{")));
        line.unwrap_or_else(|| panic!("{name} is not in\n{text}"))
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    pub(super) fn stop(self, grace: Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(self.proxy.stop(grace));
    }
}
