//! The built-in load of a rollout: requests of our own, so that an idle service yields samples.

use crate::deliver::load::{Load, Plan, Target};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use taskmaster_core::rollout::LoadEnd;
use taskmaster_delivery::spec;

/// The built-in load, while there is one and after it.
#[derive(Default)]
pub(super) struct BuiltIn {
    running: Option<Load>,
    /// The release for which it was begun.
    release: u64,
    last: Option<LoadEnd>,
}

impl BuiltIn {
    /// Begins it where it is wanted, and ends it where it is not. One that has ended by its own time stays
    /// ended for its release.
    pub(super) fn keep(&mut self, wanted: Option<&spec::Load>, door: SocketAddr, release: u64) {
        match (wanted, &self.running) {
            (None, Some(_)) => {
                self.last = self.end();
                if let Some(load) = self.running.take() {
                    tokio::spawn(load.stop());
                }
            }
            (Some(wanted), None) => {
                let target = Target { host: reached(door.ip()), port: door.port(), path: "/".to_owned() };
                match Load::start(Plan::of(wanted, target)) {
                    Ok(load) => (self.running, self.release, self.last) = (Some(load), release, None),
                    Err(fault) => tracing::warn!(%fault, "no load"),
                }
            }
            (Some(_), Some(_)) if release != self.release => {
                self.keep(None, door, release);
                self.keep(wanted, door, release);
            }
            _ => {}
        }
    }

    /// True while it sends.
    pub(super) fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|load| !load.is_over())
    }

    /// What it came to so far.
    pub(super) fn end(&self) -> Option<LoadEnd> {
        let Some(load) = &self.running else { return self.last.clone() };
        let report = load.snapshot();
        Some(LoadEnd {
            rate: report.rate,
            requests: report.sent,
            failures: report.failed,
            p50_ms: report.latency.p50_ms,
            p99_ms: report.latency.p99_ms,
        })
    }
}

/// The address by which a listening one is reached.
fn reached(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        IpAddr::V6(ip) if ip.is_unspecified() => format!("[{}]", Ipv6Addr::LOCALHOST),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}
