//! Those outside whom a rollout asks and tells: receivers of the test's own, whose answers may change.

use crate::deliver::notify::receiver::{Act, Receiver, Request, say};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use taskmaster_testkit::until;

type Answers = Arc<dyn Fn(&Request) -> Act + Send + Sync>;

/// Somebody who answers as it was told last.
pub(super) struct Outside {
    receiver: Receiver,
    answers: Arc<Mutex<Answers>>,
}

pub(super) fn yes() -> Act {
    say("200 OK", "", "")
}

pub(super) fn no(why: &str) -> Act {
    say("403 Forbidden", "", why)
}

impl Outside {
    pub(super) fn new(act: Act) -> Self {
        let always: Answers = Arc::new(move |_| act.clone());
        let answers = Arc::new(Mutex::new(always));
        let now = Arc::clone(&answers);
        let receiver = Receiver::new(move |request, _| {
            let answer = Arc::clone(&now.lock().unwrap());
            answer(request)
        });
        Self { receiver, answers }
    }

    pub(super) fn url(&self) -> &str {
        &self.receiver.url
    }

    /// From the next question on it does this.
    pub(super) fn does(&self, act: Act) {
        self.answers(move |_| act.clone());
    }

    /// From the next question on it answers so.
    pub(super) fn answers(&self, answer: impl Fn(&Request) -> Act + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Arc::new(answer);
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.receiver.requests()
    }

    /// The bodies of all that came so far.
    pub(super) fn heard(&self) -> Vec<Value> {
        self.requests().iter().map(Request::json).collect()
    }

    /// Waits until so many more came, and returns the last one.
    pub(super) fn until_more(&self, more: usize) -> Value {
        let before = self.requests().len();
        until("it is asked", 20, || (self.requests().len() >= before + more).then_some(()));
        self.heard().pop().unwrap()
    }

    /// Waits until one came that `is` wants.
    pub(super) fn until_one(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        until(what, 20, || self.heard().into_iter().find(&is))
    }
}

/// True where a request carries the signature of its body and time by this key, as another program counts it.
pub(super) fn is_signed(request: &Request, key: &str) -> bool {
    let timestamp = request.headers["x-taskmaster-timestamp"].as_str();
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl signs");
    let signed = format!("{timestamp}.{}", request.body);
    openssl.stdin.take().unwrap().write_all(signed.as_bytes()).unwrap();
    let output = openssl.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let digest = said.split_ascii_whitespace().last().expect("a digest");
    digest.len() == 64 && request.headers["x-taskmaster-signature"] == format!("sha256={digest}")
}
