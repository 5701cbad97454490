//! Git over smart HTTP, by `git http-backend`: what Argo CD reads and scenarios push to.

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Serves the bare repositories below `root` until the process ends.
pub(crate) fn serve(address: SocketAddr, root: PathBuf) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = Router::new().fallback(backend).with_state(root);
        let listener = tokio::net::TcpListener::bind(address).await.with_context(|| address.to_string())?;
        axum::serve(listener, app).await.map_err(Into::into)
    })
}

async fn backend(
    State(root): State<PathBuf>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match ask(root, &method, &uri, &headers, &body).await {
        Ok(response) => response,
        Err(fault) => {
            let mut response = Response::new(Body::from(format!("{fault:#}\n")));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// One request by the rules of CGI (RFC 3875).
async fn ask(
    root: PathBuf,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut git = Command::new("git");
    git.arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REMOTE_USER", "e2e")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = git.spawn().context("git http-backend")?;
    let mut input = child.stdin.take().context("its input")?;
    let (written, output) = tokio::join!(
        async move {
            let written = input.write_all(body).await;
            drop(input);
            written
        },
        child.wait_with_output()
    );
    // A backend that has heard enough closes its input.
    let _ = written;
    answer(&output?.stdout)
}

/// Headers, an empty line, and the body.
fn answer(output: &[u8]) -> Result<Response> {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").context("no headers")?;
    let mut response = Response::builder();
    for line in std::str::from_utf8(&output[..end])?.lines() {
        let (name, value) = line.split_once(':').context("a header")?;
        response = if name.eq_ignore_ascii_case("status") {
            response.status(value.split_whitespace().next().unwrap_or("500").parse::<u16>()?)
        } else {
            response.header(name, value.trim())
        };
    }
    Ok(response.body(Body::from(output[end + 4..].to_vec()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_backend() {
        let response = answer(b"Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno").unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert_eq!(answer(b"A: b\r\n\r\n").unwrap().status(), StatusCode::OK);
        assert!(answer(b"nothing").is_err());
    }
}
