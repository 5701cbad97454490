//! Users who keep their cookies for some requests and then go.

use super::plan::Sessions;
use hyper::header::{HeaderMap, HeaderValue, SET_COOKIE};
use std::collections::BTreeMap;

/// Most cookies of a user, and the longest in bytes.
const MOST: usize = 16;
const LONGEST: usize = 4 * 1024;

/// Users, who ask in turn.
#[derive(Debug)]
pub(super) struct Users {
    requests: u64,
    users: Vec<User>,
}

#[derive(Clone, Debug, Default)]
struct User {
    /// How many came to this place before.
    ordinal: u64,
    asked: u64,
    cookies: BTreeMap<String, String>,
}

/// Which user a request is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    place: usize,
    ordinal: u64,
}

impl Users {
    pub(super) fn new(sessions: Sessions) -> Self {
        Self { requests: sessions.requests, users: vec![User::default(); sessions.at_once] }
    }

    /// The user whose turn it is, and what they send.
    pub(super) fn next(&mut self, number: u64) -> Option<(Ticket, Option<HeaderValue>)> {
        let count = u64::try_from(self.users.len()).unwrap_or(u64::MAX).max(1);
        let place = usize::try_from(number % count).unwrap_or(0);
        let user = self.users.get_mut(place)?;
        if user.asked >= self.requests {
            *user = User { ordinal: user.ordinal + 1, ..User::default() };
        }
        user.asked += 1;
        let pairs: Vec<_> = user.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = (!pairs.is_empty()).then(|| HeaderValue::from_str(&pairs.join("; ")).ok()).flatten();
        Some((Ticket { place, ordinal: user.ordinal }, cookie))
    }

    /// Keeps what an answer sets, where its user is still there.
    pub(super) fn keep(&mut self, ticket: Ticket, headers: &HeaderMap) {
        let Some(user) = self.users.get_mut(ticket.place) else { return };
        if user.ordinal != ticket.ordinal {
            return;
        }
        for line in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            user.set(line);
        }
    }
}

impl User {
    /// Reads `name=value; attributes`: of those only the end of a cookie counts.
    fn set(&mut self, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let ends = parts.any(|attribute| {
            let (name, value) = attribute.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("max-age")
                && value.trim().parse::<i64>().is_ok_and(|age| age <= 0)
        });
        if ends {
            self.cookies.remove(name);
        } else if name.len() + value.len() <= LONGEST
            && (self.cookies.len() < MOST || self.cookies.contains_key(name))
        {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (SET_COOKIE, HeaderValue::from_str(line).unwrap())).collect()
    }

    fn sent(users: &mut Users, number: u64) -> (Ticket, Option<String>) {
        let (ticket, cookie) = users.next(number).unwrap();
        (ticket, cookie.map(|cookie| cookie.to_str().unwrap().to_owned()))
    }

    #[test]
    fn users_keep_cookies_and_go() {
        let mut users = Users::new(Sessions { at_once: 2, requests: 2 });
        let (first, cookie) = sent(&mut users, 0);
        assert_eq!(cookie, None);
        users.keep(first, &headers(&["version=v4; Path=/; HttpOnly", "b=2", "nonsense"]));
        assert_eq!(sent(&mut users, 1).1, None);
        assert_eq!(sent(&mut users, 2), (first, Some("b=2; version=v4".into())));
        let (second, cookie) = sent(&mut users, 4);
        assert_eq!(cookie, None);
        assert_ne!(second, first);
        // An answer for somebody who has gone.
        users.keep(first, &headers(&["version=v4"]));
        assert_eq!(sent(&mut users, 6).1, None);
    }

    #[test]
    fn cookies_end_and_are_bounded() {
        let mut users = Users::new(Sessions { at_once: 1, requests: 100 });
        let (ticket, _) = sent(&mut users, 0);
        users.keep(ticket, &headers(&["a=1", "b=2"]));
        users.keep(ticket, &headers(&["a=; Max-Age=0"]));
        assert_eq!(sent(&mut users, 1).1.as_deref(), Some("b=2"));
        for number in 0..100 {
            users.keep(ticket, &headers(&[&format!("c{number}={}", "x".repeat(number * 100))]));
        }
        assert_eq!(users.users[0].cookies.len(), MOST);
    }
}
