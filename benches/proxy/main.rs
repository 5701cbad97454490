//! The proxy beside nginx, in turn in one run: the same service, the same load, processes of their own.
//!
//! Printed are CPU-seconds for 100,000 requests and what the proxy adds to the median latency, each as a
//! ratio to nginx; how exactly weights are kept; and how soon a weight of zero holds under load. Who is first
//! changes from round to round.
//! `tests/tools/nginx.sh` fetches nginx where none is there.

mod client;
mod roles;

use client::Load;
use roles::Role;
use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Requests of one round of the comparison.
const REQUESTS: usize = 100_000;
const ROUNDS: usize = 5;
const CONNECTIONS: usize = 32;
/// Requests for each weight.
const SAMPLE: usize = 20_000;
const WEIGHTS: [u32; 5] = [1, 10, 25, 50, 99];
/// How often a weight is set to zero under load.
const SWITCHES: usize = 100;
/// How long the new version has users, and how long it is watched after it should have none.
const WITH_USERS: Duration = Duration::from_millis(30);
const WATCHED: Duration = Duration::from_millis(250);
/// A weight of zero holds within this, 99 times of 100.
const GOAL: Duration = Duration::from_millis(100);

fn main() {
    if let Some(role) = roles::asked_for() {
        return roles::play(&role);
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if wanted.is_some_and(|wanted| !"proxy".contains(wanted.as_str())) {
        return;
    }
    let (stable, canary) = (Role::service("stable"), Role::service("canary"));
    let mut ours = Role::proxy(stable.address, canary.address);
    let nginx = Nginx::start(stable.address);
    against_nginx(&stable, &ours, &nginx);
    weights(&mut ours);
    switches(&mut ours);
}

/// CPU and latency, in turn.
fn against_nginx(service: &Role, ours: &Role, nginx: &Nginx) {
    println!("proxy: CPU-seconds for 100,000 requests, ours / nginx");
    let cpu = |address: SocketAddr, processes: &[u32]| {
        let before = cpu_seconds(processes);
        let done = Load::closed(address, CONNECTIONS, REQUESTS);
        assert_eq!(done.failed, 0, "requests failed");
        cpu_seconds(processes) - before
    };
    let nginx_processes = nginx.processes();
    cpu(ours.address, &[ours.id()]);
    cpu(nginx.address, &nginx_processes);
    let pairs: Vec<_> = (0..ROUNDS)
        .map(|round| {
            let (first, second) =
                (|| cpu(ours.address, &[ours.id()]), || cpu(nginx.address, &nginx_processes));
            in_turn(round, first, second)
        })
        .collect();
    let ratio = median(pairs.iter().map(|(a, b)| a / b));
    let (a, b) = (median(pairs.iter().map(|pair| pair.0)), median(pairs.iter().map(|pair| pair.1)));
    println!("  ours {a:9.3} s    nginx {b:7.3} s    ratio {ratio:6.2}   ({ROUNDS} rounds)");

    println!("proxy: median latency added to the service's own, at 500 requests a second");
    let p50 = |address| {
        let done = Load::open(address, 500.0, Duration::from_secs(4));
        assert_eq!(done.failed, 0, "requests failed");
        done.quantile_us(0.5)
    };
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|round| {
            let alone = p50(service.address);
            let (a, b) = in_turn(round, || p50(ours.address), || p50(nginx.address));
            (alone, a, b)
        })
        .collect();
    let added = |of: fn(&(f64, f64, f64)) -> f64| median(rounds.iter().map(|round| of(round) - round.0));
    println!("  ours {:9.0} us   nginx {:7.0} us", added(|round| round.1), added(|round| round.2));
}

/// Both results; who is first changes from round to round.
fn in_turn<T>(round: usize, ours: impl FnOnce() -> T, nginx: impl FnOnce() -> T) -> (T, T) {
    if round.is_multiple_of(2) {
        let first = ours();
        return (first, nginx());
    }
    let first = nginx();
    (ours(), first)
}

/// The share of the canary, against what was set.
fn weights(ours: &mut Role) {
    println!("proxy: share of the new version over {SAMPLE} requests");
    for weight in WEIGHTS {
        ours.weight(weight);
        let done = Load::closed(ours.address, CONNECTIONS, SAMPLE);
        let share = 100.0 * done.of("canary") as f64 / SAMPLE as f64;
        println!(
            "  weight {weight:3} %: {share:7.3} %, error {:.3} points",
            (share - f64::from(weight)).abs()
        );
    }
}

/// From the order to the last request that was sent and met the canary all the same, from the record of all
/// requests: those of an order are sent before the canary is to have users again.
fn switches(ours: &mut Role) {
    println!("proxy: from the order of weight 0 to the last request that meets the new version, under load");
    let load = Load::begin(ours.address, CONNECTIONS);
    let mut orders = Vec::new();
    for _ in 0..SWITCHES {
        ours.weight(50);
        std::thread::sleep(WITH_USERS);
        let ordered = Instant::now();
        ours.weight(0);
        std::thread::sleep(WATCHED);
        orders.push((ordered, Instant::now()));
    }
    let done = load.end();
    let after = |(ordered, ended): (Instant, Instant)| {
        let last = done.last_sent_to("canary", ordered, ended);
        last.map_or(Duration::ZERO, |last| last - ordered)
    };
    let mut late: Vec<_> = orders.into_iter().map(after).collect();
    late.sort_unstable();
    let (half, p99) = (late[late.len() / 2], late[late.len() * 99 / 100]);
    println!(
        "  median {:.1} ms   p99 {:.1} ms (wanted: at most {} ms)   {} of {} requests failed",
        half.as_secs_f64() * 1e3,
        p99.as_secs_f64() * 1e3,
        GOAL.as_millis(),
        done.failed,
        done.answered() + done.failed,
    );
    assert!(done.of("canary") > 0 && done.failed == 0, "requests failed, or none met the new version");
    assert!(p99 <= GOAL, "a weight of 0 held too late");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Time on processors of all threads of these processes, from the scheduler's own count in nanoseconds.
fn cpu_seconds(processes: &[u32]) -> f64 {
    let of_thread = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default() / 1e9
    };
    let of_process = |id: &u32| {
        let threads = fs::read_dir(format!("/proc/{id}/task")).expect("the process lives");
        threads.filter_map(Result::ok).map(of_thread).sum::<f64>()
    };
    processes.iter().map(of_process).sum()
}

/// nginx in front of the service, with one worker and kept connections.
struct Nginx {
    address: SocketAddr,
    master: Child,
    _folder: tempfile::TempDir,
}

impl Nginx {
    fn start(service: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let address = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let config = format!(
            "daemon off; worker_processes 1; pid nginx.pid; error_log stderr error;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 100000000;\n\
             client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n\
             upstream service {{ server {service}; keepalive 64; keepalive_requests 100000000; }}\n\
             server {{ listen {address}; location / {{ proxy_pass http://service; proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\"; proxy_set_header Host $host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}\n"
        );
        fs::write(folder.path().join("nginx.conf"), config).expect("a file can be written");
        let program = std::env::var("NGINX_PROGRAM").unwrap_or_else(|_| "/usr/sbin/nginx".to_owned());
        let mut nginx = Command::new(&program);
        nginx.arg("-p").arg(folder.path()).args(["-c", "nginx.conf"]).stdin(Stdio::null());
        let master =
            nginx.spawn().unwrap_or_else(|fault| panic!("{program}: {fault}; run tests/tools/nginx.sh"));
        client::until_open(address);
        let nginx = Self { address, master, _folder: folder };
        // The listener is there before the worker is; its time on the processor is to be counted.
        let deadline = Instant::now() + Duration::from_secs(10);
        while nginx.processes().len() < 2 {
            assert!(Instant::now() < deadline, "nginx has no worker");
            std::thread::sleep(Duration::from_millis(5));
        }
        nginx
    }

    /// Master and workers.
    fn processes(&self) -> Vec<u32> {
        let master = self.master.id();
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"));
        let children = children.expect("the kernel lists children");
        let workers = children.split_whitespace().filter_map(|id| id.parse().ok());
        std::iter::once(master).chain(workers).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // TERM, so that the master ends its workers.
        let _ = Command::new("kill").arg(self.master.id().to_string()).status();
        let _ = self.master.wait();
    }
}
