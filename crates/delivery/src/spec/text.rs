//! Texts that stand in the file, or are found elsewhere: addresses and secrets.

use super::check::Faults;
use serde::de::{self, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::{self, Debug, Formatter};

/// A text that stands in the file, or a reference to one: `{env: NAME}` or `{file: PATH}`. Who performs
/// the rollout looks it up. An address may hold a secret, so none is shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Text {
    /// As it stands.
    Literal(String),
    /// In this variable of the environment.
    Env(String),
    /// In this file, which is relative to the rollout's; an end of line at its end is no part of it.
    File(String),
}

impl Text {
    /// True where the file says only where it is found.
    pub fn is_reference(&self) -> bool {
        !matches!(self, Self::Literal(_))
    }

    /// What stands in the file, where it does.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Env(_) | Self::File(_) => None,
        }
    }
}

impl Debug for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal(…)"),
            Self::Env(name) => write!(f, "Env({name:?})"),
            Self::File(path) => write!(f, "File({path:?})"),
        }
    }
}

/// A reference as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Reference<'a> {
    Env(&'a str),
    File(&'a str),
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Literal(text) => serializer.serialize_str(text),
            Self::Env(name) => Reference::Env(name).serialize(serializer),
            Self::File(path) => Reference::File(path).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Text;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a text, `{env: NAME}` or `{file: PATH}`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text::Literal(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text, E> {
        Ok(Text::Literal(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text, E> {
        Ok(Text::Literal(number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
        Ok(Text::Literal(number.to_string()))
    }

    /// A reader has taken `1.10` for `1.1` already.
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Text, E> {
        Err(E::custom("a number with a point is no text: put it in quotes"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        let wrong = || de::Error::custom("a reference has exactly one key: env or file");
        let key: String = map.next_key()?.ok_or_else(wrong)?;
        let value: String = map.next_value()?;
        let text = match key.as_str() {
            "env" => Text::Env(value),
            "file" => Text::File(value),
            other => return Err(de::Error::unknown_field(other, &["env", "file"])),
        };
        if map.next_key::<String>()?.is_some() { Err(wrong()) } else { Ok(text) }
    }
}

impl Faults {
    /// A text of which every reference can be looked up.
    pub(super) fn text(&mut self, key: &str, text: &Text) {
        let (name, fault) = match text {
            Text::Literal(literal) => ("", literal.contains('\0').then_some("holds a zero byte")),
            Text::Env(name) => (".env", (!is_variable(name)).then_some("is no name of a variable")),
            Text::File(path) => (".file", is_no_path(path).then_some("is no path of a file")),
        };
        if let Some(fault) = fault {
            self.at(format!("{key}{name}"), |faults| faults.say(fault));
        }
    }

    /// A secret: it may not stand in the file.
    pub(super) fn secret(&mut self, key: &str, text: Option<&Text>) {
        let Some(text) = text else { return };
        if text.is_reference() {
            return self.text(key, text);
        }
        self.at(key, |faults| {
            faults.help("a secret does not stand in a file like this one", "`{env: NAME}` or `{file: PATH}`");
        });
    }

    /// An address of the web.
    pub(super) fn url(&mut self, key: &str, text: &Text) {
        self.text(key, text);
        let fault = text.literal().and_then(url_fault);
        if let Some((fault, help)) = fault {
            self.at(key, |faults| faults.help(fault, help));
        }
    }
}

/// A name that a variable of the environment may have.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// No path leads anywhere by it.
pub(super) fn is_no_path(path: &str) -> bool {
    path.trim().is_empty() || path.contains('\0')
}

/// A name of a header or cookie (a token, RFC 9110 §5.6.2).
pub(super) fn is_token(name: &str) -> bool {
    let is_sign = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
}

/// What is wrong with an address, and what helps. Its path is up to who listens.
fn url_fault(url: &str) -> Option<(&'static str, &'static str)> {
    const SHAPE: &str = "such as https://host:port/path";
    if url.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Some(("an address holds no space", SHAPE));
    }
    let Some((scheme, rest)) = url.split_once("://") else { return Some(("is no address", SHAPE)) };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Some(("is no address of http or https", SHAPE));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Some((
            "names a user, and a password stands in no address",
            "`{env: NAME}` for the whole address",
        ));
    }
    let port_at = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    let (host, port) = authority.split_at(port_at.unwrap_or(authority.len()));
    let is_port = port.is_empty() || port[1..].parse::<u16>().is_ok();
    (host.is_empty() || !is_port).then_some(("names no host and port", SHAPE))
}
