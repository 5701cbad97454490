//! Tells by headers and cookies which requests go to the share's version.

use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderName};
use regex::Regex;
use taskmaster_delivery::spec::{Compare, Field, HeaderRoute};

/// Routes that were made ready: any of them brings a request to the share's version.
#[derive(Debug, Default)]
pub(super) struct Matchers(Vec<Vec<Matcher>>);

#[derive(Debug)]
struct Matcher {
    field: Where,
    compare: Test,
}

#[derive(Debug)]
enum Where {
    Header(HeaderName),
    Cookie(String),
    Nowhere,
}

#[derive(Debug)]
enum Test {
    Exact(String),
    Prefix(String),
    Regex(Regex),
    Never,
}

impl Matchers {
    /// Whatever cannot be made ready matches nothing. A route without matches is none.
    pub(super) fn new(routes: &[HeaderRoute]) -> Self {
        let ready = |route: &HeaderRoute| {
            route
                .matches
                .iter()
                .map(|one| Matcher { field: Where::new(&one.field), compare: Test::new(&one.compare) })
                .collect::<Vec<_>>()
        };
        Self(routes.iter().filter(|route| !route.matches.is_empty()).map(ready).collect())
    }

    pub(super) fn any(&self, headers: &HeaderMap) -> bool {
        self.0.iter().any(|route| route.iter().all(|matcher| matcher.holds(headers)))
    }
}

impl Matcher {
    fn holds(&self, headers: &HeaderMap) -> bool {
        match &self.field {
            Where::Header(name) => headers.get_all(name).iter().any(|value| {
                std::str::from_utf8(value.as_bytes()).is_ok_and(|text| self.compare.holds(text))
            }),
            Where::Cookie(name) => cookies(headers, name).any(|value| self.compare.holds(value)),
            Where::Nowhere => false,
        }
    }
}

impl Where {
    fn new(field: &Field) -> Self {
        match field {
            Field::Header(name) => {
                HeaderName::from_bytes(name.as_bytes()).map_or(Self::Nowhere, Self::Header)
            }
            Field::Cookie(name) => Self::Cookie(name.clone()),
        }
    }
}

impl Test {
    fn new(compare: &Compare) -> Self {
        match compare {
            Compare::Exact(value) => Self::Exact(value.clone()),
            Compare::Prefix(value) => Self::Prefix(value.clone()),
            Compare::Regex(text) => Regex::new(&format!("^(?:{text})$")).map_or(Self::Never, Self::Regex),
        }
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Exact(value) => text == value,
            Self::Prefix(value) => text.starts_with(value.as_str()),
            Self::Regex(regex) => regex.is_match(text),
            Self::Never => false,
        }
    }
}

/// The values of a cookie, in the order in which they were sent.
pub(super) fn cookies<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(move |pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskmaster_delivery::spec::Match;

    fn header(name: &str, compare: Compare) -> Match {
        Match { field: Field::Header(name.into()), compare }
    }

    fn cookie(name: &str, compare: Compare) -> Match {
        Match { field: Field::Cookie(name.into()), compare }
    }

    fn holds(matches: Vec<Match>, sent: &[(&str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Matchers::new(&[HeaderRoute { name: "testers".into(), matches }]).any(&headers)
    }

    #[test]
    fn headers_and_cookies() {
        let exact = |text: &str| Compare::Exact(text.into());
        let prefix = |text: &str| Compare::Prefix(text.into());
        let regex = |text: &str| Compare::Regex(text.into());
        for (expected, matches, sent) in [
            (true, vec![header("X-Test", exact("1"))], vec![("x-test", "1")]),
            (false, vec![header("X-Test", exact("1"))], vec![("x-test", "11")]),
            (false, vec![header("X-Test", exact("1"))], vec![]),
            // Any of several lines, and all of several conditions.
            (true, vec![header("x-test", exact("1"))], vec![("x-test", "0"), ("x-test", "1")]),
            (false, vec![header("a", exact("1")), header("b", exact("2"))], vec![("a", "1")]),
            (true, vec![header("a", exact("1")), header("b", exact("2"))], vec![("a", "1"), ("b", "2")]),
            (true, vec![header("ua", prefix("curl/"))], vec![("ua", "curl/8")]),
            (false, vec![header("ua", prefix("curl/"))], vec![("ua", "a curl/8")]),
            // A regular expression is for the whole value.
            (true, vec![header("ua", regex(".*Fire.*"))], vec![("ua", "a Firefox b")]),
            (false, vec![header("ua", regex("Fire|b"))], vec![("ua", "a Firefox b")]),
            (false, vec![header("ua", regex("(("))], vec![("ua", "((")]),
            (true, vec![cookie("group", exact("b"))], vec![("cookie", "a=1; group=b; c=2")]),
            (true, vec![cookie("group", exact("b"))], vec![("cookie", "a=1"), ("cookie", "group=b")]),
            (false, vec![cookie("group", exact("b"))], vec![("cookie", "xgroup=b; group=bb")]),
            (true, vec![cookie("group", exact("x=y"))], vec![("cookie", "group=x=y")]),
            (false, vec![header("bad name", exact("1"))], vec![]),
        ] {
            assert_eq!(holds(matches.clone(), &sent), expected, "{matches:?} {sent:?}");
        }
        assert!(!holds(Vec::new(), &[("a", "1")]));
    }
}
