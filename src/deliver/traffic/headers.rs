//! Fields that belong to one connection go, and what a service should know of its client comes.

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{HeaderMap, Request, Uri, Version};
use std::net::SocketAddr;
use std::time::Duration;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Marks a copy, so that a service can tell.
const MIRRORED: HeaderName = HeaderName::from_static("x-taskmaster-mirrored");

/// Most fields of a request.
const FIELDS: usize = 100;

/// The client of a connection, as its requests tell the service.
#[derive(Debug)]
pub(super) struct Peer {
    address: Option<HeaderValue>,
    /// It is on this machine, such as whoever ends TLS: what it says of clients is kept.
    is_local: bool,
}

impl Peer {
    pub(super) fn new(address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical();
        Self { address: HeaderValue::from_str(&ip.to_string()).ok(), is_local: ip.is_loopback() }
    }
}

/// What a request is, besides its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// It asks for another protocol.
    Upgrade,
}

/// Refuses what no service should see.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), &'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err("it names two hosts");
    }
    match (first, request.uri().authority()) {
        // Before HTTP/1.1 there was none.
        (None, None) if request.version() > Version::HTTP_10 => return Err("it names no host"),
        (Some(host), Some(authority)) if !is_same(host, authority.as_str()) => {
            return Err("it names two hosts");
        }
        _ => {}
    }
    let mut lengths = request.headers().get_all(CONTENT_LENGTH).iter();
    let (length, other) = (lengths.next(), lengths.next());
    if other.is_some() {
        return Err("it has two lengths");
    }
    if length.is_some_and(|length| length.is_empty() || !length.as_bytes().iter().all(u8::is_ascii_digit)) {
        return Err("its length is no number");
    }
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    let is_known = |coding: &HeaderValue| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_some_and(|coding| !is_known(coding)) || codings.next().is_some() {
        return Err("its transfer coding is another one than chunked");
    }
    Ok(())
}

/// True where a field names the same host as a target.
fn is_same(host: &HeaderValue, authority: &str) -> bool {
    let bare = |text: &str| text.strip_suffix(":80").unwrap_or(text).to_ascii_lowercase();
    host.to_str().is_ok_and(|host| bare(host) == bare(name(authority)))
}

/// Host and port, without whom they are asked as.
fn name(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or_default()
}

/// True of more fields than are taken. HTTP/2 may send one cookie a line: all of them are one.
pub(super) fn are_too_many<B>(request: &Request<B>) -> bool {
    let crumbs = request.headers().get_all(COOKIE).iter().count();
    request.headers().len() - crumbs.saturating_sub(1) > FIELDS
}

/// What a request asks for.
pub(super) fn kind<B>(request: &Request<B>) -> Kind {
    let headers = request.headers();
    let Some(protocol) = headers.get(UPGRADE) else { return Kind::Plain };
    // HTTP/2 is spoken from the first byte or not at all: behind an upgrade to it nobody checks anything.
    let protocols = protocol.to_str().unwrap_or_default().to_ascii_lowercase();
    let is_http = protocols.split(',').any(|protocol| protocol.trim().starts_with("h2"));
    let is_asked = tokens(headers).any(|token| token.eq_ignore_ascii_case("upgrade"));
    if request.version() == Version::HTTP_11 && is_asked && !is_http { Kind::Upgrade } else { Kind::Plain }
}

/// Makes a client's request one of this proxy.
pub(super) fn for_service<B>(request: &mut Request<B>, peer: &Peer, kind: Kind, has_length: bool) {
    if request.version() == Version::HTTP_2 {
        join_cookies(request.headers_mut());
    }
    let protocol = (kind == Kind::Upgrade).then(|| request.headers_mut().remove(UPGRADE)).flatten();
    remove_hop_by_hop(request.headers_mut());
    name_host(request);
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    headers.remove(EXPECT);
    headers.remove(MIRRORED);
    if let Some(protocol) = protocol {
        headers.insert(UPGRADE, protocol);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    if !has_length {
        headers.remove(CONTENT_LENGTH);
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    forward(headers, peer);
}

/// Tells the service who asked whom.
fn forward(headers: &mut HeaderMap, peer: &Peer) {
    if let Some(address) = &peer.address {
        let is_kept = peer.is_local && headers.contains_key(FORWARDED_FOR);
        let chain = is_kept.then(|| {
            let before = headers.get_all(FORWARDED_FOR).iter();
            let all: Vec<&[u8]> = before.chain([address]).map(HeaderValue::as_bytes).collect();
            HeaderValue::from_bytes(&all.join(&b", "[..])).ok()
        });
        headers.insert(FORWARDED_FOR, chain.flatten().unwrap_or_else(|| address.clone()));
    }
    if !(peer.is_local && headers.contains_key(FORWARDED_PROTO)) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !(peer.is_local && headers.contains_key(FORWARDED_HOST))
        && let Some(host) = headers.get(HOST).cloned()
    {
        headers.insert(FORWARDED_HOST, host);
    }
}

/// HTTP/2 may send one cookie a line; before it there is one line for all.
fn join_cookies(headers: &mut HeaderMap) {
    let lines: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if lines.len() > 1
        && let Ok(line) = HeaderValue::from_bytes(&lines.join(&b"; "[..]))
    {
        headers.insert(COOKIE, line);
    }
}

/// The host stands in a field, and the target is a path. Who named no host asked for none.
fn name_host<B>(request: &mut Request<B>) {
    let uri = request.uri();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().and_then(|authority| HeaderValue::from_str(name(authority.as_str())).ok());
    // A query may come without a path.
    let target = if path.starts_with('?') { format!("/{path}").parse() } else { path.parse::<Uri>() };
    *request.uri_mut() = target.unwrap_or_else(|_| Uri::from_static("/"));
    let headers = request.headers_mut();
    match host {
        Some(host) => drop(headers.insert(HOST, host)),
        None if !headers.contains_key(HOST) => drop(headers.insert(HOST, HeaderValue::from_static(""))),
        None => {}
    }
}

/// Makes a request that goes to the service one that is its copy.
pub(super) fn for_copy(headers: &mut HeaderMap) {
    headers.remove(TRANSFER_ENCODING);
    headers.insert(MIRRORED, HeaderValue::from_static("1"));
}

/// What is to be known of an answer before its fields go.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hop {
    /// Seconds for which the service keeps the connection, as it says.
    keeps_seconds: Option<u32>,
}

impl Hop {
    /// Ticks for which its connection may wait for another request: a second less than the service says.
    pub(super) fn patience(&self) -> u32 {
        let ticks = |seconds: u32| super::watch::ticks(Duration::from_secs(seconds.into()));
        match self.keeps_seconds {
            None => u32::MAX,
            Some(0 | 1) => 0,
            Some(seconds) => ticks(seconds - 1),
        }
    }
}

/// Makes a service's answer one of this proxy.
pub(super) fn for_client(headers: &mut HeaderMap) -> Hop {
    let keeps = headers.get(KEEP_ALIVE).and_then(|value| value.to_str().ok());
    let keeps_seconds = keeps.and_then(|text| {
        let of_timeout = |part: &str| part.trim().strip_prefix("timeout=")?.parse().ok();
        text.split(',').find_map(of_timeout)
    });
    // Where both are there, the coding counted.
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    remove_hop_by_hop(headers);
    Hop { keeps_seconds }
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        // What frames and names a request or proves who asks cannot be taken away by a wish of its client.
        let stays = |name: &HeaderName| matches!(*name, HOST | CONTENT_LENGTH | COOKIE);
        let named: Vec<HeaderName> = tokens(headers)
            .filter(|token| !token.eq_ignore_ascii_case("close") && !token.eq_ignore_ascii_case("upgrade"))
            .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
            .filter(|name| !stays(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [
        KEEP_ALIVE,
        PROXY_CONNECTION,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_static("/a?b");
        for (name, value) in fields {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        request
    }

    fn sent(fields: &[(&'static str, &'static str)], peer: &str) -> Vec<(String, String)> {
        let mut request = request(fields);
        let kind = kind(&request);
        for_service(&mut request, &Peer::new(peer.parse().unwrap()), kind, true);
        let pair = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let mut fields: Vec<_> = request.headers().iter().map(pair).collect();
        fields.sort();
        fields
    }

    fn has(fields: &[(String, String)], name: &str) -> Option<String> {
        fields.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn fields_of_one_hop_stay_there() {
        let fields = sent(
            &[
                ("host", "a"),
                ("connection", "keep-alive, X-Secret, host, cookie"),
                ("keep-alive", "timeout=5"),
                ("x-secret", "1"),
                ("te", "trailers"),
                ("upgrade", "h2c"),
                ("transfer-encoding", "chunked"),
                ("proxy-authorization", "x"),
                ("cookie", "c"),
                ("accept", "*/*"),
                ("x-taskmaster-mirrored", "1"),
            ],
            "127.0.0.1:1",
        );
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["accept", "cookie", "host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]
        );
    }

    #[test]
    fn a_client_elsewhere_says_nothing_about_others() {
        let said = [
            ("host", "shop"),
            ("x-forwarded-for", "9.9.9.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil"),
        ];
        let local = sent(&said, "127.0.0.1:1");
        assert_eq!(has(&local, "x-forwarded-for").as_deref(), Some("9.9.9.9, 127.0.0.1"));
        assert_eq!(has(&local, "x-forwarded-proto").as_deref(), Some("https"));
        assert_eq!(has(&local, "x-forwarded-host").as_deref(), Some("evil"));
        let far = sent(&said, "[::ffff:10.0.0.7]:1");
        assert_eq!(has(&far, "x-forwarded-for").as_deref(), Some("10.0.0.7"));
        assert_eq!(has(&far, "x-forwarded-proto").as_deref(), Some("http"));
        assert_eq!(has(&far, "x-forwarded-host").as_deref(), Some("shop"));
    }

    #[test]
    fn upgrades_are_passed_on_but_to_http() {
        let upgrade = |protocol| {
            let fields = [("host", "a"), ("connection", "Keep-Alive, Upgrade"), ("upgrade", protocol)];
            let fields = sent(&fields, "127.0.0.1:1");
            (has(&fields, "upgrade"), has(&fields, "connection"))
        };
        assert_eq!(upgrade("websocket"), (Some("websocket".into()), Some("upgrade".into())));
        assert_eq!(upgrade("h2c"), (None, None));
        assert_eq!(kind(&request(&[("upgrade", "websocket")])), Kind::Plain);
    }

    #[test]
    fn a_whole_address_becomes_host_and_path() {
        for (uri, host, path) in [
            ("http://user@shop:81/a?b", "shop:81", "/a?b"),
            ("http://shop?x=1", "shop", "/?x=1"),
            ("http://shop", "shop", "/"),
        ] {
            let mut whole = request(&[]);
            *whole.uri_mut() = Uri::from_static(uri);
            for_service(&mut whole, &Peer::new("127.0.0.1:1".parse().unwrap()), Kind::Plain, false);
            assert_eq!(
                (whole.uri().to_string().as_str(), &whole.headers()["host"]),
                (path, &host.parse().unwrap())
            );
            assert_eq!(whole.headers()["transfer-encoding"], "chunked");
        }
        // Of HTTP/2 the target may be a query alone.
        let mut query = request(&[("host", "shop")]);
        *query.uri_mut() = Uri::builder().path_and_query("?x=1").build().unwrap();
        for_service(&mut query, &Peer::new("127.0.0.1:1".parse().unwrap()), Kind::Plain, true);
        assert_eq!(query.uri(), "/?x=1");
    }

    #[test]
    fn an_authority_is_the_host() {
        let of = |uri: &'static str, fields: &[(&'static str, &'static str)]| {
            let mut whole = request(fields);
            (*whole.uri_mut(), *whole.version_mut()) = (Uri::from_static(uri), Version::HTTP_2);
            check(&whole)
        };
        assert_eq!(of("http://shop/", &[]), Ok(()));
        assert_eq!(of("http://user@Shop:80/", &[("host", "shop")]), Ok(()));
        assert_eq!(of("http://shop:81/", &[("host", "shop")]), Err("it names two hosts"));
        assert_eq!(of("http://shop/", &[("host", "other")]), Err("it names two hosts"));
        assert_eq!(of("/", &[("host", "shop")]), Ok(()));
        assert_eq!(of("/", &[]), Err("it names no host"));
        let mut old = request(&[]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(check(&old), Ok(()));
    }

    #[test]
    fn crumbs_of_a_cookie_are_one_field() {
        let mut many = request(&[("cookie", "a=1")]);
        for (name, count) in [("x", FIELDS - 1), ("cookie", 50)] {
            for _ in 0..count {
                many.headers_mut().append(name, HeaderValue::from_static("1"));
            }
        }
        assert!(!are_too_many(&many));
        many.headers_mut().append("x", HeaderValue::from_static("1"));
        assert!(are_too_many(&many));
    }

    #[test]
    fn who_is_asked_must_be_clear() {
        assert_eq!(check(&request(&[("host", "a")])), Ok(()));
        assert_eq!(check(&request(&[])), Err("it names no host"));
        assert_eq!(check(&request(&[("host", "a"), ("host", "a")])), Err("it names two hosts"));
        let lengths = |fields: &[(&'static str, &'static str)]| {
            let host = [("host", "a")];
            check(&request(&[&host, fields].concat()))
        };
        assert_eq!(lengths(&[("content-length", "1"), ("content-length", "2")]), Err("it has two lengths"));
        assert_eq!(lengths(&[("content-length", "+1")]), Err("its length is no number"));
        assert_eq!(lengths(&[("content-length", "1")]), Ok(()));
    }

    #[test]
    fn cookies_of_http2_become_one_line() {
        let mut crumbs = request(&[("host", "a"), ("cookie", "a=1"), ("cookie", "b=2")]);
        *crumbs.version_mut() = Version::HTTP_2;
        for_service(&mut crumbs, &Peer::new("127.0.0.1:1".parse().unwrap()), Kind::Plain, true);
        let lines: Vec<_> = crumbs.headers().get_all("cookie").iter().collect();
        assert_eq!(lines, ["a=1; b=2"]);
    }

    #[test]
    fn of_an_answer_the_coding_counts() {
        let mut headers = HeaderMap::new();
        headers.insert("transfer-encoding", HeaderValue::from_static("chunked"));
        headers.insert("content-length", HeaderValue::from_static("5"));
        headers.insert("keep-alive", HeaderValue::from_static("max=3, timeout=7"));
        headers.insert("connection", HeaderValue::from_static("close, x-a"));
        headers.insert("x-a", HeaderValue::from_static("1"));
        let hop = for_client(&mut headers);
        assert_eq!((hop.keeps_seconds, hop.patience()), (Some(7), 60));
        assert_eq!((Hop { keeps_seconds: Some(1) }.patience(), Hop::default().patience()), (0, u32::MAX));
        assert!(headers.is_empty(), "{headers:?}");
    }
}
