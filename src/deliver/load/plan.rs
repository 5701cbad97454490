//! What load is put on what.

use hyper::Uri;
use hyper::header::HeaderName;
use std::str::FromStr;
use std::time::Duration;
use taskmaster_delivery::spec::Load;

/// Highest rate, in requests a second.
pub(super) const HIGHEST_RATE: f64 = 100_000.0;

/// What load is put on what.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whom.
    pub target: Target,
    /// What is asked for, in turn; the target's own path where there is none.
    pub paths: Vec<String>,
    /// Requests a second.
    pub rate: f64,
    /// How long; until it is stopped unless given.
    pub duration: Option<Duration>,
    /// Most connections at a time. As many requests may wait for one; further ones are missed.
    pub connections: usize,
    /// Longest time of one request, from its turn.
    pub timeout: Duration,
    /// Users who keep their cookies; every request is a new user unless given.
    pub sessions: Option<Sessions>,
    /// How an answer tells its version.
    pub version: VersionFrom,
}

impl Plan {
    /// A plan with the usual bounds: one path, 256 connections, 5 s for a request.
    pub fn new(target: Target, rate: f64) -> Self {
        Self {
            target,
            paths: Vec::new(),
            rate,
            duration: None,
            connections: 256,
            timeout: Duration::from_secs(5),
            sessions: None,
            version: VersionFrom::default(),
        }
    }

    /// The load of a rollout file. Each request is a new user, so that users are dealt to versions anew.
    pub fn of(load: &Load, target: Target) -> Self {
        let (paths, duration) = (load.paths.clone(), load.duration);
        Self { paths, duration, ..Self::new(target, load.rate) }
    }

    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<PlanFault> {
        if !(self.rate > 0.0 && self.rate <= HIGHEST_RATE) {
            return Some(PlanFault::Rate);
        }
        if self.connections == 0 || self.timeout.is_zero() {
            return Some(PlanFault::Nothing);
        }
        if self.sessions.as_ref().is_some_and(|sessions| sessions.at_once == 0 || sessions.requests == 0) {
            return Some(PlanFault::Nothing);
        }
        let wrong = |path: &&String| !path.starts_with('/') || path.parse::<Uri>().is_err();
        self.paths.iter().find(wrong).map(|path| PlanFault::Path(path.clone()))
    }
}

/// Users who keep their cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// So many at a time, who ask in turn.
    pub at_once: usize,
    /// After so many requests of one a new one comes in its place.
    pub requests: u64,
}

/// How an answer tells its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionFrom {
    /// By a header.
    Header(HeaderName),
    /// By a field of the JSON object that it is.
    Field(String),
}

impl Default for VersionFrom {
    fn default() -> Self {
        Self::Header(HeaderName::from_static("x-app-version"))
    }
}

/// A server and a path: a plain `http://` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The path, and what follows a question mark.
    pub path: String,
}

impl Target {
    /// What the `Host` header says.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl FromStr for Target {
    type Err = PlanFault;

    fn from_str(text: &str) -> Result<Self, PlanFault> {
        let uri: Uri = text.trim().parse().map_err(|_| PlanFault::Url)?;
        if uri.scheme_str() != Some("http") {
            return Err(PlanFault::Scheme);
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(PlanFault::Url)?;
        Ok(Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(80),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

/// Why no load can be put on anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// It is no URL.
    #[error("not a URL")]
    Url,
    /// It is one of another kind.
    #[error("only http:// URLs can be put under load")]
    Scheme,
    /// The rate is out of range.
    #[error("the rate is above 0 and at most {HIGHEST_RATE} requests a second")]
    Rate,
    /// A bound lets nothing through.
    #[error("connections, timeout and sessions are above 0")]
    Nothing,
    /// A path is none.
    #[error("`{0}` is no path such as /orders")]
    Path(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_plain_urls() {
        let target: Target = " http://[::1]:81/a?b=c ".parse().unwrap();
        assert_eq!((target.authority().as_str(), target.path.as_str()), ("[::1]:81", "/a?b=c"));
        let target: Target = "http://example.com".parse().unwrap();
        assert_eq!((target.port, target.path.as_str()), (80, "/"));
        assert_eq!("https://example.com".parse::<Target>(), Err(PlanFault::Scheme));
        assert_eq!("example.com".parse::<Target>(), Err(PlanFault::Scheme));
        assert_eq!("http:// x".parse::<Target>(), Err(PlanFault::Url));
    }

    #[test]
    fn plans_are_checked() {
        let plan = || Plan::new("http://h/".parse().unwrap(), 1.0);
        assert_eq!(plan().fault(), None);
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(Plan { rate, ..plan() }.fault(), Some(PlanFault::Rate));
        }
        for path in ["orders", "", "/a b"] {
            let paths = vec!["/".to_owned(), path.to_owned()];
            assert_eq!(Plan { paths, ..plan() }.fault(), Some(PlanFault::Path(path.to_owned())));
        }
        assert_eq!(Plan { connections: 0, ..plan() }.fault(), Some(PlanFault::Nothing));
        let sessions = Some(Sessions { at_once: 0, requests: 1 });
        assert_eq!(Plan { sessions, ..plan() }.fault(), Some(PlanFault::Nothing));
    }
}
