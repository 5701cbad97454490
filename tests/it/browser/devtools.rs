//! The Chrome DevTools protocol over two pipes: JSON messages that end with a zero byte.

use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest wait for an answer or an event. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a browser. Events that nobody waits for are kept until they are taken.
pub(super) struct Connection {
    writer: File,
    messages: Receiver<Value>,
    events: Vec<Value>,
    last_id: u64,
}

impl Connection {
    /// Reads in a thread of its own, which ends with the browser.
    pub(super) fn new(writer: File, reader: File) -> Self {
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(reader);
            let mut message = Vec::new();
            while reader.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                let parsed = serde_json::from_slice(&message).expect("the browser speaks JSON");
                if sender.send(parsed).is_err() {
                    break;
                }
                message.clear();
            }
        });
        Self { writer, messages, events: Vec::new(), last_id: 0 }
    }

    /// Sends a command and waits for its result.
    pub(super) fn call(
        &mut self,
        method: &str,
        params: &Value,
        session: Option<&str>,
    ) -> Result<Value, String> {
        let id = self.send(method, params, session)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = self.receive(deadline).map_err(|fault| format!("{method}: {fault}"))?;
            if message["id"] != json!(id) {
                self.events.push(message);
                continue;
            }
            return match message.get("error") {
                Some(error) => Err(format!("{method}: {error}")),
                None => Ok(message["result"].clone()),
            };
        }
    }

    fn send(&mut self, method: &str, params: &Value, session: Option<&str>) -> Result<u64, String> {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.writer.write_all(&bytes).map_err(|fault| format!("{method}: {fault}"))?;
        Ok(self.last_id)
    }

    fn receive(&self, deadline: Instant) -> Result<Value, String> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.messages.recv_timeout(left).map_err(|fault| match fault {
            RecvTimeoutError::Timeout => format!("no answer within {PATIENCE:?}"),
            RecvTimeoutError::Disconnected => "the browser ended".to_owned(),
        })
    }

    /// Waits until an event has come; it stays among the events.
    pub(super) fn wait_for(&mut self, method: &str, session: &str) {
        let fits = |event: &Value| event["method"] == method && event["sessionId"] == session;
        let deadline = Instant::now() + PATIENCE;
        while !self.events.iter().any(fits) {
            let message = self.receive(deadline).unwrap_or_else(|fault| panic!("{method}: {fault}"));
            self.events.push(message);
        }
    }

    /// Takes all events of a session out.
    pub(super) fn take_events(&mut self, session: &str) -> Vec<Value> {
        let (taken, kept) = self.events.drain(..).partition(|event| event["sessionId"] == session);
        self.events = kept;
        taken
    }

    /// Asks the browser to end; true when it has closed its side.
    pub(super) fn close(&mut self) -> bool {
        if self.send("Browser.close", &json!({}), None).is_err() {
            return true;
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}
