//! Git's own server, `git http-backend`, asked by the rules of CGI (RFC 3875).

use crate::http::{Answer, Request};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Where the repositories are, and what git sees besides a request.
pub(crate) struct Backend {
    pub(crate) root: PathBuf,
    pub(crate) env: Vec<(OsString, OsString)>,
}

impl Backend {
    /// What git answers; a fault of ours is told to the client as one of the server.
    pub(crate) fn ask(&self, request: &Request, body: Vec<u8>) -> Answer {
        let output = match self.run(request, body) {
            Ok(output) => output,
            Err(fault) => return Answer::new(500, format!("git http-backend: {fault}\n")),
        };
        // Shown where a test fails, and by a server that is a process.
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        answer(&output.stdout).unwrap_or_else(|| Answer::new(500, "git http-backend: no headers\n"))
    }

    fn run(&self, request: &Request, body: Vec<u8>) -> io::Result<Output> {
        let mut child = self.command(request, body.len()).spawn()?;
        let stdin = child.stdin.take();
        let feeding = std::thread::spawn(move || {
            // One that does not read to the end has said why in its answer.
            stdin.map(|mut stdin| stdin.write_all(&body))
        });
        let output = child.wait_with_output()?;
        let _ = feeding.join();
        Ok(output)
    }

    fn command(&self, request: &Request, length: usize) -> Command {
        let mut words = request.line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
        let mut command = crate::git();
        command
            .arg("http-backend")
            .env_clear()
            .envs(self.env.iter().cloned())
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("REQUEST_METHOD", method)
            .env("CONTENT_TYPE", header("content-type"))
            .env("CONTENT_LENGTH", length.to_string())
            .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
            .env("GIT_PROTOCOL", header("git-protocol"))
            .env("REMOTE_USER", "somebody")
            .env("REMOTE_ADDR", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// Headers, an empty line, and the body; none where it is nothing of the kind.
fn answer(output: &[u8]) -> Option<Answer> {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut answer = Answer::new(200, &output[end + 4..]);
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("status") {
            answer.status = value.split_whitespace().next().and_then(|code| code.parse().ok()).unwrap_or(500);
        } else {
            answer = answer.with(name, value.trim());
        }
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_backend() {
        let refused = Answer::new(404, "no").with("Content-Type", "text/plain");
        assert_eq!(answer(b"Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno"), Some(refused));
        assert_eq!(answer(b"A: b\r\n\r\n"), Some(Answer::new(200, "").with("A", "b")));
        assert_eq!(answer(b"Status: well\r\n\r\n"), Some(Answer::new(500, "")));
        assert_eq!(answer(b"nothing"), None);
    }
}
