//! A Git server over smart HTTP: `git http-backend` behind a small HTTP/1.1 server. On a free port of loopback it
//! ends with the test that made it; on an address that is named it may also go on until the process ends.
//!
//! Faults are set for the requests to come, so that a test says what a client meets.

mod backend;
mod http;

pub use http::{Request, base64};

use backend::Backend;
use http::Answer;
use std::ffi::OsString;
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// So many requests are remembered, the first ones: more than a test asks about.
const REMEMBERED: usize = 10_000;

/// git, by its full path: of a bare name and a PATH that is set, the standard library forks the process, and the
/// memory of a process that runs hundreds of tests takes long to fork.
#[must_use]
pub fn git() -> Command {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places = std::env::split_paths(&path).map(|dir| dir.join("git"));
        places.find(|program| program.is_file()).unwrap_or_else(|| "git".into())
    });
    Command::new(&*PROGRAM)
}

/// What a request meets instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
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
    backend: Backend,
    state: Mutex<State>,
    changed: Condvar,
    ended: AtomicBool,
}

/// The server; it ends when dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves the bare repositories in `root` on a free port of loopback, with this environment for git and no other.
    pub fn start<E: Into<OsString>>(root: &Path, env: impl IntoIterator<Item = (E, E)>) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::listen(any, root, env).expect("loopback has a free port")
    }

    /// The same on this address.
    pub fn listen<E: Into<OsString>>(
        address: SocketAddr,
        root: &Path,
        env: impl IntoIterator<Item = (E, E)>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let env = env.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let shared = Arc::new(Shared {
            backend: Backend { root: root.to_owned(), env },
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
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// Serves until the process ends.
    pub fn stay(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on requests whose line holds `about` meet `fault`; an empty text is in all of them.
    pub fn fault(&self, about: &str, fault: Fault) {
        self.shared.state().fault = Some((about.to_owned(), fault));
    }

    /// All is well again; who was held gets an answer.
    pub fn heal(&self) {
        self.shared.state().fault = None;
        self.shared.changed.notify_all();
    }

    /// From now on `user:word` must be given for requests whose line holds `about`.
    pub fn require(&self, pair: &str, about: &str) {
        self.shared.state().auth = Some((pair.to_owned(), about.to_owned()));
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// Returns once a request is held by a fault.
    pub fn wait_until_held(&self) {
        let limit = Duration::from_secs(60);
        let waited =
            self.shared.changed.wait_timeout_while(self.shared.state(), limit, |state| state.held == 0);
        let is_late = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        assert!(!is_late, "no request was held");
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
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers requests until the client or the test ends.
    fn connection(&self, stream: TcpStream) {
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        while !self.ended.load(Ordering::SeqCst) {
            match self.exchange(&mut reader, &mut writer) {
                Some(true) => {}
                _ => return,
            }
        }
    }

    /// One request and its answer; true where the connection goes on.
    fn exchange(&self, reader: &mut BufReader<TcpStream>, writer: &mut TcpStream) -> Option<bool> {
        let request = http::read_head(reader)?;
        if request.headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        let body = http::read_body(reader, &request.headers)?;
        let (fault, is_allowed) = self.note(&request);
        match fault {
            Some(Fault::Status(status)) => return Answer::new(status, "no\n").write(writer).then_some(true),
            Some(Fault::Redirect(to)) => {
                return Answer::new(301, "").with("Location", to).write(writer).then_some(true);
            }
            Some(Fault::Hang) => self.hold(),
            _ => {}
        }
        if !is_allowed {
            let challenge = Answer::new(401, "who are you\n").with("WWW-Authenticate", "Basic realm=\"git\"");
            return challenge.write(writer).then_some(true);
        }
        let answer = self.backend.ask(&request, body);
        if matches!(fault, Some(Fault::Cut | Fault::Stall)) {
            writer.write_all(&answer.head()).ok()?;
            writer.write_all(&answer.body[..answer.body.len() / 2]).ok()?;
            writer.flush().ok()?;
            if fault == Some(Fault::Stall) {
                self.hold();
            }
            return None;
        }
        answer.write(writer).then_some(true)
    }

    /// Remembers a request; the fault that it meets, and whether it may be asked.
    fn note(&self, request: &Request) -> (Option<Fault>, bool) {
        let mut state = self.state();
        if state.requests.len() < REMEMBERED {
            state.requests.push(request.clone());
        }
        let is_met = |about: &str| request.line.contains(about);
        let fault = state.fault.clone().filter(|(about, _)| is_met(about)).map(|(_, fault)| fault);
        let auth = state.auth.as_ref().filter(|(_, about)| is_met(about));
        (fault, auth.is_none_or(|(pair, _)| request.is_by(pair)))
    }

    /// Waits until the fault is taken away.
    fn hold(&self) {
        let mut state = self.state();
        state.held += 1;
        self.changed.notify_all();
        let is_held = |state: &mut State| state.fault.is_some() && !self.ended.load(Ordering::SeqCst);
        state = self.changed.wait_while(state, is_held).unwrap_or_else(PoisonError::into_inner);
        state.held -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_taken_is_an_error() {
        let server = Server::start::<&str>(Path::new("."), []);
        let again = Server::listen::<&str>(server.address, Path::new("."), []);
        assert_eq!(again.err().map(|fault| fault.kind()), Some(io::ErrorKind::AddrInUse));
    }
}
