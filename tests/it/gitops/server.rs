//! A Git server over smart HTTP: `git http-backend` behind a small HTTP/1.1 server on loopback. It ends with
//! the test that made it.
//!
//! Faults are set for the requests to come, so that a test says what a client meets.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a request meets instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This status, with a body that Git shows to nobody.
    Status(u16),
    /// Leads to another address.
    Redirect(String),
    /// No answer before the fault is taken away or the test ends.
    Hang,
    /// The head and the first half of the body, then the connection is closed.
    Cut,
    /// The head and the first half of the body, then nothing before the fault is taken away or the test ends.
    Stall,
}

/// Status, head lines and body of an answer.
type Answered = (u16, Vec<(String, String)>, Vec<u8>);

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `GET /origin.git/info/refs?service=git-upload-pack`.
    pub(crate) line: String,
    /// Its headers; names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
}

#[derive(Default)]
struct State {
    /// Met by requests whose line holds the text.
    fault: Option<(String, Fault)>,
    /// `user:word` that must be given, and for which requests: those whose line holds the text.
    auth: Option<(String, String)>,
    requests: Vec<Request>,
    /// How many requests are held by a fault right now.
    held: usize,
}

struct Shared {
    root: PathBuf,
    env: Vec<(String, String)>,
    state: Mutex<State>,
    changed: Condvar,
    ended: AtomicBool,
}

/// The server.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves the bare repositories in `root`, with this environment for git.
    pub(crate) fn start(root: &Path, env: Vec<(String, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            env,
            state: Mutex::default(),
            changed: Condvar::new(),
            ended: AtomicBool::new(false),
        });
        let ours = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ours.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), ours) = (stream, Arc::clone(&ours)) else { continue };
                std::thread::spawn(move || ours.connection(stream));
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on requests whose line holds `about` meet `fault`; an empty text is in all of them.
    pub(crate) fn fault(&self, about: &str, fault: Fault) {
        self.shared.state.lock().unwrap().fault = Some((about.to_owned(), fault));
    }

    /// All is well again; who was held gets an answer.
    pub(crate) fn heal(&self) {
        self.shared.state.lock().unwrap().fault = None;
        self.shared.changed.notify_all();
    }

    /// From now on `user:word` must be given for requests whose line holds `about`.
    pub(crate) fn require(&self, pair: &str, about: &str) {
        self.shared.state.lock().unwrap().auth = Some((pair.to_owned(), about.to_owned()));
    }

    /// What it was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.state.lock().unwrap().requests.clone()
    }

    /// Returns once a request is held by a fault.
    pub(crate) fn wait_until_held(&self) {
        let state = self.shared.state.lock().unwrap();
        let limit = Duration::from_secs(60);
        let waited = self.shared.changed.wait_timeout_while(state, limit, |state| state.held == 0).unwrap();
        assert!(!waited.1.timed_out(), "no request was held");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.heal();
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Answers requests until the client or the test ends.
    fn connection(&self, stream: TcpStream) {
        let Ok(writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        let mut writer = writer;
        while !self.ended.load(Ordering::SeqCst) {
            match self.exchange(&mut reader, &mut writer) {
                Some(true) => {}
                _ => return,
            }
        }
    }

    /// One request and its answer; true where the connection goes on.
    fn exchange(&self, reader: &mut BufReader<TcpStream>, writer: &mut TcpStream) -> Option<bool> {
        let request = read_head(reader)?;
        if request.headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        let body = read_body(reader, &request.headers)?;
        let (fault, allowed) = {
            let mut state = self.state.lock().unwrap();
            state.requests.push(request.clone());
            let fault = state.fault.clone().filter(|(about, _)| request.line.contains(about));
            (fault.map(|(_, fault)| fault), is_allowed(state.auth.as_ref(), &request))
        };
        match fault {
            Some(Fault::Status(status)) => return answer(writer, status, &[], b"no\n").then_some(true),
            Some(Fault::Redirect(to)) => {
                return answer(writer, 301, &[("Location".to_owned(), to)], b"").then_some(true);
            }
            Some(Fault::Hang) => self.hold(),
            _ => {}
        }
        if !allowed {
            let challenge = ("WWW-Authenticate".to_owned(), "Basic realm=\"git\"".to_owned());
            return answer(writer, 401, &[challenge], b"who are you\n").then_some(true);
        }
        let (status, headers, content) = self.backend(&request, &body)?;
        if matches!(fault, Some(Fault::Cut | Fault::Stall)) {
            writer.write_all(&head(status, &headers, content.len())).ok()?;
            writer.write_all(&content[..content.len() / 2]).ok()?;
            writer.flush().ok()?;
            if fault == Some(Fault::Stall) {
                self.hold();
            }
            return None;
        }
        answer(writer, status, &headers, &content).then_some(true)
    }

    /// Waits until the fault is taken away.
    fn hold(&self) {
        let mut state = self.state.lock().unwrap();
        state.held += 1;
        self.changed.notify_all();
        state = self
            .changed
            .wait_while(state, |state| state.fault.is_some() && !self.ended.load(Ordering::SeqCst))
            .unwrap();
        state.held -= 1;
    }

    /// Git's own server, by the rules of CGI.
    fn backend(&self, request: &Request, body: &[u8]) -> Option<Answered> {
        let mut words = request.line.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
        let mut command = Command::new("git");
        command.arg("http-backend").env_clear().envs(self.env.iter().cloned());
        command
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("REQUEST_METHOD", method)
            .env("CONTENT_TYPE", header("content-type"))
            .env("CONTENT_LENGTH", body.len().to_string())
            .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
            .env("GIT_PROTOCOL", header("git-protocol"))
            .env("REMOTE_USER", "somebody")
            .env("REMOTE_ADDR", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let mut stdin = child.stdin.take()?;
        let body = body.to_vec();
        let feeding = std::thread::spawn(move || {
            // One that does not read to the end has said why in its answer.
            let _ = stdin.write_all(&body);
        });
        let output = child.wait_with_output().ok()?;
        feeding.join().ok()?;
        Some(split_answer(&output.stdout))
    }
}

fn is_allowed(auth: Option<&(String, String)>, request: &Request) -> bool {
    match auth.filter(|(_, about)| request.line.contains(about.as_str())) {
        Some((pair, _)) => {
            request.headers.get("authorization") == Some(&format!("Basic {}", base64(pair.as_bytes())))
        }
        None => true,
    }
}

/// Written out here, so that the client's own is not its judge.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let part = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = part(0) << 16 | part(1) << 8 | part(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char;
            out.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim().split_once(':') {
            Some((name, value)) => {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
            None => return Some(Request { line: line.trim().to_owned(), headers }),
        }
    }
}

fn read_body(reader: &mut BufReader<TcpStream>, headers: &BTreeMap<String, String>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Some(body);
            }
        }
    }
    let length = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    body.resize(length, 0);
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

/// Head and body of what a CGI program printed.
fn split_answer(output: &[u8]) -> Answered {
    let end =
        output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(output.len().saturating_sub(4));
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let mut status = 200;
    let mut headers = Vec::new();
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("status") {
            status = value.trim().split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(500);
        } else {
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    (status, headers, output.get(end + 4..).unwrap_or_default().to_vec())
}

fn head(status: u16, headers: &[(String, String)], length: usize) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

fn answer(writer: &mut TcpStream, status: u16, headers: &[(String, String)], body: &[u8]) -> bool {
    let whole = [head(status, headers, body.len()), body.to_vec()].concat();
    writer.write_all(&whole).and_then(|()| writer.flush()).is_ok()
}
