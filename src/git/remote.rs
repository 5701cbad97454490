//! Where a repository is fetched from, and by what right.
//!
//! An address comes from a setting, and git takes some for commands (`ext::sh -c …`): only the forms below
//! are let through. A secret never stands in an address, because addresses stand in argvs and errors.

use super::command::Command;
use super::error::{ADDRESS, GitError};
use crate::process::redact::Redactor;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest address, in bytes.
const MAX_URL: usize = 2048;
/// User of a token where none is named: servers that take tokens do not look at it.
const TOKEN_USER: &str = "x-access-token";
/// How long an ssh waits for a host that does not answer, in seconds: for the first answer, and for each later one.
const SSH_PATIENCE: (u32, u32) = (20, 15);

/// By what right a remote is asked.
#[derive(Clone, Default)]
pub enum Access {
    /// What git itself finds: public repositories, an agent's keys, credential helpers of the user.
    #[default]
    None,
    /// A token of the server, over HTTP. No credential helper is asked then.
    Token {
        /// Its user, where the server wants one.
        username: Option<String>,
        /// The token.
        token: Zeroizing<String>,
    },
    /// A key, over ssh.
    SshKey {
        /// The file of the private key.
        file: PathBuf,
        /// The hosts that are trusted, where not those of the user.
        known_hosts: Option<PathBuf>,
    },
}

impl fmt::Debug for Access {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Token { username, .. } => {
                f.debug_struct("Token").field("username", username).finish_non_exhaustive()
            }
            Self::SshKey { file, .. } => f.debug_struct("SshKey").field("file", file).finish_non_exhaustive(),
        }
    }
}

/// How a remote is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Http,
    Ssh,
    File,
}

/// A repository elsewhere.
#[derive(Clone, Debug)]
pub struct Remote {
    url: String,
    access: Access,
    redactor: Option<Arc<Redactor>>,
}

impl Remote {
    /// The repository at `url`: `https://…`, `http://…`, `ssh://…`, `user@host:path`, `file:///…` or an
    /// absolute path.
    ///
    /// # Errors
    /// [`GitError::Name`] for any other, and where the access is not one of its kind;
    /// [`GitError::Password`] where it holds one.
    pub fn new(url: &str, access: Access) -> Result<Self, GitError> {
        let transport = transport(url)?;
        let misfit = |why| Err(GitError::Name { kind: "fitting access", text: url.to_owned(), why });
        let mut redactor = None;
        match (&access, transport) {
            (Access::None, _) | (Access::SshKey { .. }, Transport::Ssh) => {}
            (Access::Token { username, token }, Transport::Http) => {
                let user = username.as_deref().unwrap_or_default();
                if user.contains(':') || [user, token].iter().any(|text| text.contains(char::is_control)) {
                    return misfit("a user has no colon, and neither it nor a token a line break");
                }
                if token.is_empty() {
                    return misfit("the token is empty");
                }
                redactor = Redactor::new([("token".to_owned(), token.as_str())]).map(Arc::new);
            }
            (Access::Token { .. }, _) => return misfit("a token is for addresses of http and https"),
            (Access::SshKey { .. }, _) => return misfit("a key is for addresses of ssh"),
        }
        if let Access::SshKey { file, known_hosts } = &access {
            let paths = [Some(file), known_hosts.as_ref()];
            if paths.into_iter().flatten().any(|path| ssh_path(path).is_none()) {
                return misfit("the path of a key or of known hosts holds a quote, a line break or no UTF-8");
            }
        }
        Ok(Self { url: url.to_owned(), access, redactor })
    }

    /// Its address, which holds no secret.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A command that asks this remote, or may have to.
    pub(super) fn asked_by<'c>(&self, command: Command<'c>) -> Command<'c> {
        let command = command.network(self.redactor.as_ref());
        match &self.access {
            Access::None => command,
            Access::Token { username, token } => {
                let user = username.as_deref().unwrap_or(TOKEN_USER);
                let pair = Zeroizing::new(format!("{user}:{}", token.as_str()));
                let header = format!("Authorization: Basic {}", STANDARD.encode(pair.as_bytes()));
                let key = format!("http.{}.extraHeader", self.url);
                // An empty value first: a header of the user's own settings would be sent as well. Another
                // server that this one leads to is not to see the token.
                with_settings(command, &[(key.clone(), String::new()), (key, header)])
                    .setting("http.followRedirects=false")
                    .setting("credential.helper=")
                    .env("GIT_ASKPASS", "")
            }
            Access::SshKey { file, known_hosts } => command
                .env("GIT_SSH_COMMAND", ssh_command(file, known_hosts.as_deref()))
                .env("GIT_SSH_VARIANT", "ssh"),
        }
    }
}

/// Settings by the environment, behind those that are there already.
fn with_settings<'c>(mut command: Command<'c>, settings: &[(String, String)]) -> Command<'c> {
    let before = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse::<usize>().ok());
    let before = before.unwrap_or(0);
    for (at, (key, value)) in settings.iter().enumerate() {
        let at = before + at;
        command =
            command.env(format!("GIT_CONFIG_KEY_{at}"), key).env(format!("GIT_CONFIG_VALUE_{at}"), value);
    }
    command.env("GIT_CONFIG_COUNT", (before + settings.len()).to_string())
}

/// One line that git gives to a shell; every part of it is quoted.
fn ssh_command(file: &Path, known_hosts: Option<&Path>) -> String {
    let mut words: Vec<String> = vec!["ssh".to_owned()];
    let mut option = |option: String| words.extend(["-o".to_owned(), option]);
    option("BatchMode=yes".to_owned());
    option("IdentitiesOnly=yes".to_owned());
    option("ControlPath=none".to_owned());
    option(format!("ConnectTimeout={}", SSH_PATIENCE.0));
    option(format!("ServerAliveInterval={}", SSH_PATIENCE.1));
    option("ServerAliveCountMax=2".to_owned());
    option("StrictHostKeyChecking=yes".to_owned());
    if let Some(hosts) = known_hosts.and_then(ssh_path) {
        option(format!("UserKnownHostsFile=\"{hosts}\""));
        option("GlobalKnownHostsFile=/dev/null".to_owned());
    }
    let file = ssh_path(file).unwrap_or_default();
    option(format!("IdentityFile=\"{file}\""));
    shell_words::join(words)
}

/// A path as ssh reads it in quotes: `%` begins a placeholder there.
fn ssh_path(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let is_plain = !text.is_empty() && !text.contains(['"', '\\']) && !text.contains(char::is_control);
    is_plain.then(|| text.replace('%', "%%"))
}

fn transport(url: &str) -> Result<Transport, GitError> {
    let no = |why| Err(GitError::Name { kind: ADDRESS, text: url.to_owned(), why });
    if url.is_empty() || url.len() > MAX_URL {
        return no("it is empty or too long");
    }
    if url.starts_with('-') || url.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return no("it begins with a dash, or holds white space");
    }
    if url.starts_with('/') {
        return Ok(Transport::File);
    }
    let Some((scheme, rest)) = url.split_once("://") else { return scp_like(url) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    match scheme.to_ascii_lowercase().as_str() {
        // A user in an address of a web server is as often as not a token.
        "https" | "http" if user.is_some() => Err(GitError::Password),
        "ssh" if user.is_some_and(|user| user.contains(':')) => Err(GitError::Password),
        "https" | "http" | "ssh" if host.is_empty() || is_option(user) || is_option(Some(host)) => {
            no("it names no host")
        }
        "https" | "http" => Ok(Transport::Http),
        "ssh" => Ok(Transport::Ssh),
        "file" if authority.is_empty() && rest.len() > 1 => Ok(Transport::File),
        "file" => no("a file's address is file:///path"),
        _ => no("only https, http, ssh and file are taken"),
    }
}

/// `user@host:path`.
fn scp_like(url: &str) -> Result<Transport, GitError> {
    let no = |why| Err(GitError::Name { kind: ADDRESS, text: url.to_owned(), why });
    if url.split_once("::").is_some_and(|(helper, _)| helper.chars().all(|c| c.is_ascii_alphanumeric())) {
        return no("helpers of git are not started");
    }
    let before_path = url.split('/').next().unwrap_or_default();
    if before_path.find(':').is_some_and(|colon| before_path[colon..].contains('@')) {
        return Err(GitError::Password);
    }
    let Some((host, path)) = url.split_once(':') else {
        return no("it is neither an absolute path nor an address");
    };
    let (user, host) = match host.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, host),
    };
    if host.is_empty() || host.contains('/') || path.is_empty() {
        return no("it names no host or no path");
    }
    if is_option(user) || is_option(Some(host)) || is_option(Some(path)) {
        return no("a part of it begins with a dash");
    }
    Ok(Transport::Ssh)
}

fn is_option(part: Option<&str>) -> bool {
    part.is_some_and(|part| part.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_taken() {
        for (url, expected) in [
            ("https://git.example/team/platform.git", Transport::Http),
            ("HTTP://127.0.0.1:8080/x", Transport::Http),
            ("https://git.example/a@b", Transport::Http),
            ("ssh://git@git.example:2222/x.git", Transport::Ssh),
            ("git@git.example:team/platform.git", Transport::Ssh),
            ("git.example:x", Transport::Ssh),
            ("file:///srv/git/x.git", Transport::File),
            ("/srv/git/x.git", Transport::File),
        ] {
            assert_eq!(transport(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn addresses_that_are_refused() {
        for url in [
            "",
            "-u/tmp/x",
            "--upload-pack=touch /tmp/x",
            "ext::sh -c 'touch /tmp/x'",
            "ext::sh",
            "fd::17",
            "git::x",
            "::",
            "git://host/x",
            "ftp://host/x",
            "https://",
            "https:///path",
            "ssh://-oProxyCommand=x/y",
            "ssh://-oProxyCommand=x@host/y",
            "-oProxyCommand=x:y",
            "git@-oProxyCommand=x:y",
            "git@host:-x",
            "file://host/x",
            "file://",
            "relative/path",
            "./x",
            "host:",
            "https://host/x\nhttps://other/y",
        ] {
            assert!(matches!(transport(url), Err(GitError::Name { .. })), "{url}");
        }
        for url in [
            "https://me:secret@host/x",
            "https://ghp_secret@host/x",
            "ssh://a:secret@host/x",
            "a:secret@host:x",
        ] {
            let error = transport(url).unwrap_err();
            assert!(matches!(error, GitError::Password), "{url}");
            assert!(error.help().is_some_and(|help| help.contains("by reference")));
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn access_fits_the_address() {
        let token = |token: &str| Access::Token { username: None, token: Zeroizing::new(token.to_owned()) };
        let key = |file: &str| Access::SshKey { file: file.into(), known_hosts: None };
        assert!(Remote::new("https://h/x", token("abcd")).is_ok());
        assert!(Remote::new("git@h:x", key("/k y/id")).is_ok());
        for (url, access) in [
            ("git@h:x", token("abcd")),
            ("/x", token("abcd")),
            ("https://h/x", token("")),
            ("https://h/x", token("ab\r\nX: y")),
            ("https://h/x", key("/id")),
            ("git@h:x", key("/a\"b")),
            ("git@h:x", key("")),
        ] {
            let error = Remote::new(url, access).unwrap_err();
            assert!(matches!(error, GitError::Name { kind: "fitting access", .. }), "{url}: {error}");
        }
        assert!(
            !format!("{:?}", Remote::new("https://h/x", token("hidden-word")).unwrap()).contains("hidden")
        );
    }

    #[test]
    fn the_command_of_ssh_survives_odd_paths() {
        let line = ssh_command(Path::new("/my keys/$(id)'%h"), Some(Path::new("/h osts")));
        let words = shell_words::split(&line).unwrap();
        assert_eq!(words[..3], ["ssh", "-o", "BatchMode=yes"]);
        assert!(words.contains(&"IdentityFile=\"/my keys/$(id)'%%h\"".to_owned()), "{line}");
        assert!(words.contains(&"UserKnownHostsFile=\"/h osts\"".to_owned()), "{line}");
    }
}
