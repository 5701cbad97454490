//! How a Prometheus server is asked, with every secret looked up.

use crate::deliver::outbound;
use crate::process::redact::Redactor;
use crate::read;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::path::{Path, PathBuf};
use std::time::Duration;
use taskmaster_delivery::spec::{Source, Text};
use zeroize::Zeroizing;

/// How a server is asked. Its address may hold a secret, so `Debug` shows none of it.
#[derive(Clone)]
pub struct Settings {
    /// Its address, before `/api/v1`.
    pub url: Zeroizing<String>,
    /// A token for it.
    pub bearer: Option<Zeroizing<String>>,
    /// Further headers.
    pub headers: BTreeMap<String, Zeroizing<String>>,
    /// A file of certificates to trust besides the usual ones.
    pub ca: Option<PathBuf>,
    /// Longest time of one try.
    pub timeout: Duration,
    /// So many tries after the first.
    pub retries: u32,
}

impl Default for Settings {
    /// Five seconds and two more tries, as in a rollout file.
    fn default() -> Self {
        Self {
            url: Zeroizing::default(),
            bearer: None,
            headers: BTreeMap::new(),
            ca: None,
            timeout: Duration::from_secs(5),
            retries: 2,
        }
    }
}

impl Debug for Settings {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("headers", &self.headers.keys())
            .field("ca", &self.ca)
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// Why a server cannot be asked. It names what is wrong and shows no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// A reference leads nowhere.
    #[error("{what}: {why}")]
    Missing {
        /// `bearer`, `url`, or a header.
        what: String,
        /// Why it cannot be had.
        why: String,
    },
    /// The address is none.
    #[error("its address is not one of http or https")]
    Url,
    /// A header cannot be sent.
    #[error("the header `{0}` cannot be sent")]
    Header(String),
    /// The certificates cannot be read.
    #[error("the certificates of {path} cannot be read: {why}")]
    Certificates {
        /// Where they should be.
        path: String,
        /// Why not.
        why: String,
    },
    /// No client can be made.
    #[error("no client can be made: {0}")]
    Client(String),
}

impl Settings {
    /// The settings of a source of a rollout file. `look_up` gives the text of a reference; [`look_up`] does so by the
    /// environment and the files of this process.
    ///
    /// # Errors
    /// The first reference that leads nowhere.
    pub fn of(
        source: &Source,
        directory: &Path,
        look_up: impl Fn(&Text) -> Result<Zeroizing<String>, String>,
    ) -> Result<Self, BadSettings> {
        let text = |what: &str, text: &Text| {
            look_up(text).map_err(|why| BadSettings::Missing { what: what.to_owned(), why })
        };
        let header = |(name, value): (&String, &Text)| Ok((name.clone(), text(name, value)?));
        Ok(Self {
            url: text("url", &source.url)?,
            bearer: source.bearer.as_ref().map(|bearer| text("bearer", bearer)).transpose()?,
            headers: source.headers.iter().map(header).collect::<Result<_, BadSettings>>()?,
            ca: source.ca.as_ref().map(|file| directory.join(file)),
            timeout: source.timeout,
            retries: source.retries,
        })
    }

    /// What goes with every request.
    pub(super) fn header_map(&self) -> Result<HeaderMap, BadSettings> {
        let mut map = HeaderMap::new();
        let value = |name: &str, text: &str| {
            let value = HeaderValue::from_str(text).map_err(|_| BadSettings::Header(name.to_owned()));
            value.map(|mut value| {
                value.set_sensitive(true);
                value
            })
        };
        for (name, text) in &self.headers {
            let header =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| BadSettings::Header(name.clone()))?;
            map.insert(header, value(name, text)?);
        }
        if let Some(token) = &self.bearer {
            let whole = Zeroizing::new(format!("Bearer {}", token.trim_end()));
            map.insert(AUTHORIZATION, value("authorization", &whole)?);
        }
        Ok(map)
    }

    /// What takes its secrets out of a server's words: who knows them may send them back.
    pub(super) fn redactor(&self) -> Option<Redactor> {
        let bearer = self.bearer.iter().map(|token| ("bearer".to_owned(), token.trim_end()));
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.as_str()));
        let url = outbound::secrets(&self.url);
        let url = url.iter().map(|part| ("url".to_owned(), part.as_str()));
        Redactor::new(bearer.chain(headers).chain(url))
    }
}

/// The text of a reference, by the environment and the files of this process. Files are relative to `directory`.
///
/// # Errors
/// In words that name the reference.
pub fn look_up(text: &Text, directory: &Path) -> Result<Zeroizing<String>, String> {
    match text {
        Text::Literal(literal) => Ok(Zeroizing::new(literal.clone())),
        Text::Env(name) => match std::env::var(name) {
            Ok(value) => Ok(Zeroizing::new(value)),
            Err(_) => Err(format!("the variable `{name}` is not set, or no text")),
        },
        Text::File(path) => {
            read::secret(&directory.join(path)).map_err(|why| format!("the file `{path}`: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let settings = Settings {
            url: Zeroizing::new("https://me:hidden-pw@hidden-host/".to_owned()),
            bearer: Some(Zeroizing::new("hidden-token".to_owned())),
            headers: BTreeMap::from([("x-a".to_owned(), Zeroizing::new("hidden-header".to_owned()))]),
            ..Settings::default()
        };
        let shown = format!("{settings:?} {:?}", settings.header_map().unwrap());
        assert!(!shown.contains("hidden"), "{shown}");
        let told = settings.redactor().unwrap().text("no: hidden-token hidden-header hidden-pw hidden-host");
        assert_eq!(told, "no: <secret bearer> <secret x-a> <secret url> <secret url>");
    }

    #[test]
    fn references_are_looked_up_and_named_where_they_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "s3cret\r\n").unwrap();
        let find = |text: &Text| look_up(text, folder.path());
        assert_eq!(find(&Text::File("token".into())).unwrap().as_str(), "s3cret");
        assert_eq!(find(&Text::Literal("a".into())).unwrap().as_str(), "a");
        assert!(find(&Text::File("none".into())).unwrap_err().starts_with("the file `none`: "));
        let why = find(&Text::Env("TASKMASTER_SURELY_NOT_SET".into())).unwrap_err();
        assert_eq!(why, "the variable `TASKMASTER_SURELY_NOT_SET` is not set, or no text");
        let bad = Settings {
            headers: BTreeMap::from([("a b".into(), Zeroizing::default())]),
            ..Settings::default()
        };
        assert_eq!(bad.header_map().unwrap_err(), BadSettings::Header("a b".into()));
    }
}
