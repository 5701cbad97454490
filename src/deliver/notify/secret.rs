//! Texts that nobody may see: keys, and URLs with a token in them.

use crate::deliver::outbound;
use crate::process::redact::Redactor;
use crate::read;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use taskmaster_delivery::spec::Text;
use zeroize::Zeroizing;

/// A text that is wiped after use and shown by nothing here.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// A secret.
    pub fn new(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }

    /// The text itself, for the moment at which it is sent.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads what a rollout file refers to. Files are relative to `folder`; the line break at the end of
    /// one belongs to nobody's secret.
    ///
    /// # Errors
    /// In words that name the reference and never the value.
    pub fn read(
        text: &Text,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SecretFault> {
        let fault = |why: String| SecretFault { reference: reference(text), why };
        let value = match text {
            Text::Literal(text) => Zeroizing::new(text.clone()),
            Text::Env(name) => {
                Zeroizing::new(env(name).ok_or_else(|| fault("the variable is not set".to_owned()))?)
            }
            Text::File(path) => read::secret(&folder.join(path)).map_err(|error| fault(error.to_string()))?,
        };
        if value.trim().is_empty() {
            return Err(fault("it is empty".to_owned()));
        }
        Ok(Self(Arc::new(value)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// Why a secret cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secret {reference}: {why}")]
pub struct SecretFault {
    /// `env:NAME` or `file:PATH`.
    pub reference: String,
    /// One line for people.
    pub why: String,
}

fn reference(text: &Text) -> String {
    match text {
        Text::Literal(_) => "as written".to_owned(),
        Text::Env(name) => format!("env:{name}"),
        Text::File(path) => format!("file:{path}"),
    }
}

/// What takes a receiver's secrets out of its own words: some repeat in an answer what they were asked.
pub(super) fn redactor<'a>(url: &Secret, keys: impl Iterator<Item = &'a Secret>) -> Option<Redactor> {
    let keys: Vec<(String, &str)> = keys.flat_map(parts_of_key).collect();
    let url = outbound::secrets(url.expose());
    let parts = url.iter().map(|part| ("url".to_owned(), part.as_str()));
    Redactor::new(parts.chain(keys))
}

/// A key, and what stands behind a word such as `Bearer` in it.
fn parts_of_key(key: &Secret) -> impl Iterator<Item = (String, &str)> {
    let whole = key.expose();
    let last = whole.rsplit_once(' ').map(|(_, last)| last);
    [Some(whole), last].into_iter().flatten().map(|part| ("key".to_owned(), part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_faults_name_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key.txt"), "k3y\n").unwrap();
        std::fs::write(folder.path().join("empty.txt"), "\n").unwrap();
        std::fs::write(folder.path().join("long.txt"), "x".repeat(2 << 20)).unwrap();
        let env = |name: &str| (name == "TOKEN").then(|| "t0ken".to_owned());
        let read = |text: Text| {
            let secret = Secret::read(&text, folder.path(), &env);
            secret.map(|secret| secret.expose().to_owned()).map_err(|fault| fault.to_string())
        };
        assert_eq!(read(Text::Literal("as it is".into())), Ok("as it is".into()));
        assert_eq!(read(Text::Env("TOKEN".into())), Ok("t0ken".into()));
        assert_eq!(read(Text::File("key.txt".into())), Ok("k3y".into()));
        assert_eq!(read(Text::Env("NONE".into())), Err("secret env:NONE: the variable is not set".into()));
        assert_eq!(read(Text::File("empty.txt".into())), Err("secret file:empty.txt: it is empty".into()));
        let long = read(Text::File("long.txt".into())).unwrap_err();
        assert!(long.contains("2097152 bytes, more than"), "{long}");
        assert!(read(Text::File("none.txt".into())).is_err());
    }

    #[test]
    fn nothing_shows_a_secret() {
        let url =
            Secret::new("https://u:passw0rd@hooks.example.com/services/T00000000/B0/XyZ?t=abc12345".into());
        let key = Secret::new("the-key".into());
        assert_eq!(format!("{url:?} {key:?}"), "<secret> <secret>");
        let header = Secret::new("Bearer t0k".into());
        let long = Secret::new("Bearer l0ng-t0ken".into());
        let redactor = redactor(&url, [&key, &header, &long].into_iter()).unwrap();
        let echo = "Cannot POST /services/T00000000/B0/XyZ (T00000000, abc12345, passw0rd) with the-key \
                    at hooks.example.com by Bearer t0k or l0ng-t0ken";
        let shown = redactor.text(echo);
        for hidden in ["T00000000", "XyZ", "abc12345", "passw0rd", "the-key", "example.com", "t0k"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        assert!(shown.starts_with("Cannot POST <secret url>"), "{shown}");
    }
}
