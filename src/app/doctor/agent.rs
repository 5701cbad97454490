//! The agent: does it answer, and is it of this version? None is started.

use crate::agent::files::Files;
use crate::agent::socket::client::{Client, ClientError};
use crate::agent::socket::wire::{About, Call};
use crate::report::view::{Area, FindingView};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Longest time of its answer.
const WITHIN: Duration = Duration::from_secs(5);
const SUBJECT: &str = "agent";

/// Asks the agent of a state directory.
pub(super) fn look(state_dir: &Path) -> FindingView {
    let files = match Files::of(state_dir) {
        Ok(files) => files,
        Err(fault) => return trouble(&fault.to_string()),
    };
    if !files.socket().exists() {
        return FindingView::ok(
            Area::Agent,
            SUBJECT,
            "none is at work; it is started when a service needs it",
        );
    }
    let (heard, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = heard.send(Client::new(files).ask::<About>(Call::About));
    });
    match answer.recv_timeout(WITHIN) {
        Ok(answer) => judge(answer),
        Err(_) => trouble(&format!("it gives no answer within {} s", WITHIN.as_secs())),
    }
}

fn judge(answer: Result<About, ClientError>) -> FindingView {
    let own = env!("CARGO_PKG_VERSION");
    match answer {
        Ok(about) if about.program == own => {
            let services = taskmaster_core::text::count(about.services.len(), "process", "processes");
            let found = format!("at work: process {}, version {own}, {services}", about.pid);
            FindingView::ok(Area::Agent, SUBJECT, found)
        }
        Ok(about) => {
            let found = format!("at work: process {}, version {}; this is {own}", about.pid, about.program);
            let help = "end it with its services: taskmaster agent stop; the next command starts a new one";
            FindingView::warning(Area::Agent, SUBJECT, found, help)
        }
        Err(ClientError::Absent) => {
            FindingView::ok(Area::Agent, SUBJECT, "none is at work; the socket is left of one that ended")
        }
        Err(fault) => trouble(&super::with_causes(&fault)),
    }
}

fn trouble(found: &str) -> FindingView {
    FindingView::problem(Area::Agent, SUBJECT, found, "taskmaster agent logs; taskmaster agent stop --force")
}
