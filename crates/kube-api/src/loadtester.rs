//! Gates of Flagger's load tester: how a person's yes is sent to it, by way of the API server.
//!
//! A webhook names the load tester as pods reach it, `http://flagger-loadtester.test/gate/check`. The API
//! server leads requests to services, so neither a port nor a shell in a pod is needed.

use crate::canary::{Canary, Webhook};
use crate::phase::one_line;
use serde_json::{Value, json};

/// What a gate is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateVerb {
    /// It says yes from now on.
    Open,
    /// It says no again.
    Close,
}

/// A request to a load tester.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateCall {
    /// The gate, for people.
    pub gate: String,
    /// Path on the API server.
    pub path: String,
    /// What is sent.
    pub body: Value,
}

/// Why a gate cannot be opened here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateRefusal {
    /// Somebody else answers for it.
    #[error("the gate {gate} is no gate of Flagger's load tester")]
    Foreign {
        /// Its name.
        gate: String,
    },
    /// It always says the same.
    #[error("the gate {gate} says no for ever: its address is that of `halt`")]
    Halt {
        /// Its name.
        gate: String,
    },
    /// Its address holds for Flagger's own namespace, which is not known here.
    #[error("the address of the gate {gate} names no namespace")]
    NoNamespace {
        /// Its name.
        gate: String,
    },
}

impl GateRefusal {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "say yes where its service takes it",
            Self::Halt { .. } => "let the webhook's address end with `/gate/check`",
            Self::NoNamespace { .. } => "write its host as `SERVICE.NAMESPACE`",
        }
    }
}

/// The request that opens or closes a gate.
///
/// # Errors
/// Where it is no gate of a load tester.
pub fn gate_call(canary: &Canary, webhook: &Webhook, verb: GateVerb) -> Result<GateCall, GateRefusal> {
    let gate = one_line(&webhook.name);
    let foreign = || GateRefusal::Foreign { gate: gate.clone() };
    let address = Address::of(&webhook.url).ok_or_else(foreign)?;
    let (kind, last) = address.path.rsplit_once('/').ok_or_else(foreign)?;
    let folder = kind.rsplit('/').next().unwrap_or_default();
    match (folder, last) {
        ("gate" | "rollback", "check") => {}
        ("gate", "halt") => return Err(GateRefusal::Halt { gate }),
        _ => return Err(foreign()),
    }
    let Some(namespace) = address.namespace else { return Err(GateRefusal::NoNamespace { gate }) };
    let scheme = if address.is_secure { "https:" } else { "" };
    let word = match verb {
        GateVerb::Open => "open",
        GateVerb::Close => "close",
    };
    let (service, port) = (address.service, address.port);
    let path = format!("/api/v1/namespaces/{namespace}/services/{scheme}{service}:{port}/proxy{kind}/{word}");
    let body = json!({ "name": canary.metadata.name, "namespace": canary.metadata.namespace });
    Ok(GateCall { gate, path, body })
}

/// Where a webhook leads, as far as it leads to a service of this cluster.
struct Address<'u> {
    is_secure: bool,
    service: &'u str,
    namespace: Option<&'u str>,
    port: u16,
    /// Begins with a slash.
    path: &'u str,
}

impl<'u> Address<'u> {
    fn of(url: &'u str) -> Option<Self> {
        let (is_secure, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return None,
        };
        let (host, path) = rest.split_at(rest.find('/')?);
        // Anything else (a query, an escape) would mean another request than Flagger sends.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        if !path.chars().all(is_plain) || path.split('/').any(|part| part == "..") {
            return None;
        }
        let (name, port) = match host.split_once(':') {
            Some((name, port)) => (name, port.parse().ok()?),
            None => (host, if is_secure { 443 } else { 80 }),
        };
        let mut parts = name.split('.');
        let (service, namespace) = (parts.next()?, parts.next());
        let tail: Vec<&str> = parts.collect();
        let is_inside = matches!(tail.as_slice(), [] | ["svc"] | ["svc", "cluster", "local"]);
        let are_names = is_label(service) && namespace.is_none_or(is_label);
        (is_inside && are_names).then_some(Self { is_secure, service, namespace, port, path })
    }
}

/// A name as Kubernetes gives it to services and namespaces; not an address of numbers.
fn is_label(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let has_letter = text.chars().any(|c| c.is_ascii_lowercase());
    has_letter
        && text.len() <= 63
        && text.chars().all(inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
