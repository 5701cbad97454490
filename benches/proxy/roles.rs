//! The other processes of the comparison: this program, started again in a role.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;
use taskmaster::deliver::traffic::{Door, Limits, Proxy, Settings, Table};
use taskmaster_delivery::engine::{Revision, Routes, Share};

const ROLE: &str = "BENCH_ROLE";

/// Another process. It ends with us: its standard input does.
pub(crate) struct Role {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Role {
    /// A service that answers with its version and 256 bytes.
    pub(crate) fn service(version: &str) -> Self {
        Self::start(&format!("service {version}"))
    }

    /// The proxy in front of both.
    pub(crate) fn proxy(stable: SocketAddr, canary: SocketAddr) -> Self {
        Self::start(&format!("proxy {stable} {canary}"))
    }

    fn start(role: &str) -> Self {
        let mut me = Command::new(std::env::current_exe().expect("this program"));
        let mut child =
            me.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let orders = child.stdin.take().expect("a pipe");
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        answers.read_line(&mut line).expect("it says where it listens");
        let address = line.trim().parse().expect("an address");
        Self { child, orders, answers, address }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sets the canary's weight; it holds when this returns.
    pub(crate) fn weight(&mut self, weight: u32) {
        writeln!(self.orders, "{weight}").expect("it reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The role that this process was started in.
pub(crate) fn asked_for() -> Option<String> {
    std::env::var(ROLE).ok()
}

pub(crate) fn play(role: &str) {
    let words: Vec<_> = role.split(' ').collect();
    // As the agent has it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("an address");
    match words[..] {
        ["service", version] => {
            println!("{address}");
            runtime.block_on(serve(listener, version.to_owned()));
        }
        ["proxy", stable, canary] => {
            let endpoints = [("stable", stable), ("canary", canary)];
            let endpoints: Vec<(Revision, SocketAddr)> = endpoints
                .map(|(name, at)| (Revision(name.to_owned()), at.parse().expect("an address")))
                .into();
            runtime.block_on(proxy(listener, address, endpoints));
        }
        _ => panic!("no such role: {role}"),
    }
}

async fn serve(listener: TcpListener, version: String) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
    let body = Bytes::from(vec![b'x'; 256]);
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let (version, body) = (version.clone(), body.clone());
        tokio::spawn(async move {
            let answer = service_fn(|_: Request<Incoming>| {
                let answer =
                    Response::builder().header("x-app-version", &version).body(Full::new(body.clone()));
                async { Ok::<_, Infallible>(answer.expect("an answer")) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn proxy(listener: TcpListener, address: SocketAddr, endpoints: Vec<(Revision, SocketAddr)>) {
    let table = |weight: u32| Table {
        routes: Routes {
            active: Revision("stable".to_owned()),
            share: Some(Share { revision: Revision("canary".to_owned()), weight }),
            ..Routes::default()
        },
        endpoints: endpoints.iter().map(|(revision, at)| (revision.clone(), vec![*at])).collect(),
    };
    let settings = Settings {
        service: "bench".to_owned(),
        sticky: None,
        bounds_ms: vec![100.0, 250.0, 500.0, 1000.0],
        limits: Limits::default(),
        seed: 1,
    };
    let proxy = Proxy::start(settings, vec![(Door::Main, listener)], table(0)).expect("the proxy starts");
    println!("{address}");
    let (orders, mut ordered) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if orders.send(line.parse::<u32>().expect("a weight")).is_err() {
                return;
            }
        }
    });
    while let Some(weight) = ordered.recv().await {
        proxy.set(table(weight));
        println!("ok");
    }
    proxy.stop(Duration::ZERO).await;
}
