//! The agent's side of the control socket.

use super::wire::{Answer, Call, Fault, FaultCode, LONGEST_LINE, Request, VERSION};
use serde_json::Value;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Commands that are listened to at the same time.
const MOST_LINES: usize = 64;
/// How long a command may take to ask, and to take an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause after a connection that could not be taken: out of descriptors, it would be tried again at once.
const BREATH: Duration = Duration::from_millis(100);

/// Answers commands for ever.
pub async fn serve<A, F>(listener: UnixListener, answer: A)
where
    A: Fn(Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Value, Fault>> + Send,
{
    let places = Arc::new(Semaphore::new(MOST_LINES));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let answer = answer.clone();
                tokio::spawn(async move {
                    if let Err(fault) = one(stream, answer).await {
                        tracing::debug!(%fault, "a command went away");
                    }
                    drop(place);
                });
            }
            Err(fault) => {
                tracing::warn!(%fault, "a command could not be heard");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn one<A, F>(mut stream: UnixStream, answer: A) -> io::Result<()>
where
    A: Fn(Call) -> F,
    F: Future<Output = Result<Value, Fault>>,
{
    let peer = stream.peer_cred()?.uid();
    let us = rustix::process::geteuid().as_raw();
    // Who is refused is heard to the end all the same: who still speaks hears no answer.
    let Some(line) = heard(&mut stream).await? else { return Ok(()) };
    let result = if peer != us && peer != 0 {
        tracing::warn!(uid = peer, "another user was refused");
        let what = format!("this agent belongs to user {us}, and you are user {peer}");
        Err(Fault::new(FaultCode::Stranger, what))
    } else {
        match understood(&line) {
            Ok(call) => answer(call).await,
            Err(fault) => Err(fault),
        }
    };
    let mut line = serde_json::to_vec(&Answer::new(result))?;
    line.push(b'\n');
    within(stream.write_all(&line)).await?;
    within(stream.shutdown()).await
}

/// One line; none where nothing came.
async fn heard(stream: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(stream.take(LONGEST_LINE as u64));
    within(reader.read_until(b'\n', &mut line)).await?;
    Ok((!line.is_empty()).then_some(line))
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// What a line asks for. One of another version is told so, unless it asks for what all versions know.
fn understood(line: &[u8]) -> Result<Call, Fault> {
    let usage = |message: String| Fault::new(FaultCode::Usage, message);
    if line.last() != Some(&b'\n') {
        return Err(usage("the request does not end, or is too long".to_owned()));
    }
    let value: Value =
        serde_json::from_slice(line).map_err(|fault| usage(format!("the request is no JSON: {fault}")))?;
    let version = value.get("v").and_then(Value::as_u64).unwrap_or(0);
    let asks = value.pointer("/call/do").and_then(Value::as_str).unwrap_or_default();
    match asks {
        "stop" => return Ok(Call::Stop),
        "about" => return Ok(Call::About),
        _ => {}
    }
    if version != u64::from(VERSION) {
        let message = format!(
            "this agent is of taskmaster {} and speaks version {VERSION}, the command speaks {version}",
            env!("CARGO_PKG_VERSION")
        );
        let help = "use the taskmaster that started it, or end it with its services: taskmaster agent stop";
        return Err(Fault::new(FaultCode::Version, message).help(help));
    }
    let request: Request = serde_json::from_value(value)
        .map_err(|fault| usage(format!("the request cannot be understood: {fault}")))?;
    Ok(request.call)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> Result<Call, FaultCode> {
        understood(line.as_bytes()).map_err(|fault| fault.code)
    }

    #[test]
    fn lines_are_understood_or_refused_with_a_reason() {
        assert_eq!(code("{\"v\":1,\"program\":\"x\",\"call\":{\"do\":\"list\"}}\n"), Ok(Call::List));
        assert_eq!(code("{\"v\":1,\"program\":\"x\",\"call\":{\"do\":\"list\"}}"), Err(FaultCode::Usage));
        for line in ["\n", "{}\n", "[1,2]\n", "\u{0}\n", "{\"v\":1,\"call\":{\"do\":\"fly\"}}\n"] {
            assert!(code(line).is_err(), "{line}");
        }
        for version in ["0", "2", "-1", "\"1\""] {
            let line = format!("{{\"v\":{version},\"program\":\"x\",\"call\":{{\"do\":\"list\"}}}}\n");
            assert_eq!(code(&line), Err(FaultCode::Version), "{line}");
            let stop = format!("{{\"v\":{version},\"call\":{{\"do\":\"stop\"}}}}\n");
            assert_eq!(code(&stop), Ok(Call::Stop), "all versions know it");
        }
    }
}
