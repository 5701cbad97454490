//! A server of this test's own: it speaks HTTP as far as it wants to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskmaster::deliver::metrics::{Prometheus, Settings};
use zeroize::Zeroizing;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// It answers each connection on a thread of its own, and keeps the requests.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// `answer` is given the request, its number from 0 on, and the connection.
    pub(crate) fn new(answer: impl Fn(&Request, usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
                    while let Some(request) = read(&mut stream) {
                        let number = {
                            let mut log = log.lock().unwrap();
                            log.push(request.clone());
                            log.len() - 1
                        };
                        answer(&request, number, &mut stream);
                    }
                });
            }
        });
        Self { address, seen }
    }

    /// A server that answers every query alike: with status and body.
    pub(crate) fn saying(answer: impl Fn(&Request, usize) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::new(move |request, number, stream| {
            let (status, body) = answer(request, number);
            reply(stream, status, "", &body);
        })
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// Settings of one try within half a minute.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            url: Zeroizing::new(format!("http://{}", self.address)),
            timeout: Duration::from_secs(30),
            retries: 0,
            ..Settings::default()
        }
    }

    pub(crate) fn client(&self) -> Prometheus {
        Prometheus::new(&self.settings()).unwrap()
    }
}

/// An answer with a body. The client may hang up first.
pub(crate) fn reply(stream: &mut impl Write, status: u16, headers: &str, body: &str) {
    let length = body.len();
    let _ = stream.write_all(
        format!("HTTP/1.1 {status} So\r\nContent-Length: {length}\r\n{headers}\r\n{body}").as_bytes(),
    );
}

/// A successful answer with this data.
pub(crate) fn success(kind: &str, result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#)
}

/// A vector of series with these labels (as JSON) and values.
pub(crate) fn vector(series: &[(&str, f64)]) -> String {
    let one =
        |(labels, value): &(&str, f64)| format!(r#"{{"metric":{labels},"value":[1763740800.25,"{value}"]}}"#);
    success("vector", &format!("[{}]", series.iter().map(one).collect::<Vec<_>>().join(",")))
}

/// Reads one request; nothing where the client has hung up.
pub(crate) fn read(stream: &mut impl Read) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let mut words = lines.next()?.split(' ');
            let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
            let header = |line: &str| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_ascii_lowercase(), value.trim().to_owned()))
            };
            let headers: Vec<(String, String)> = lines.filter_map(header).collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
            if body.len() >= length {
                return Some(Request { method, path, headers, form: fields(body) });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn fields(body: &str) -> Vec<(String, String)> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (plain(name), plain(value))).collect()
}

/// What was written in a form, percent signs and plus signs undone.
fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match bytes[at] {
            b'+' => out.push(b' '),
            b'%' => {
                out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
                at += 2;
            }
            other => out.push(other),
        }
        at += 1;
    }
    String::from_utf8(out).unwrap()
}

/// A runtime for one test.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
