//! Gates: a question to somebody outside, and what the answer means.
//!
//! The question is the one that Flagger's webhooks ask, and more; so is the rule that a status up to 202
//! means yes. Where an answer is about the asking and not about what was asked (a redirect, "too many
//! requests", a proxy without its server), it is no answer: whoever asked asks again.

use super::http::{Fault, JSON, Post, Reply, post};
use super::secret::{Secret, SecretFault};
use crate::clock;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use taskmaster_delivery::engine::{Answer, Phase};
use taskmaster_delivery::spec::{Gate, GateKind};

/// Longest answer that is read. A longer one is none: it may be somebody's login page.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A gate that can be asked: nothing of it has to be looked up any more.
#[derive(Clone, Debug)]
pub struct GateCall {
    /// Its name.
    pub name: String,
    /// What hangs on its answer.
    pub kind: GateKind,
    /// Where it is asked.
    pub url: Secret,
    /// Longest time of one question.
    pub timeout: Duration,
    /// Signs the question.
    pub key: Option<Secret>,
    /// Goes along with the question.
    pub metadata: BTreeMap<String, String>,
}

impl GateCall {
    /// Looks up what a gate refers to; files are relative to `folder`.
    ///
    /// # Errors
    /// A reference that leads to nothing.
    pub fn read(
        gate: &Gate,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SecretFault> {
        Ok(Self {
            name: gate.name.clone(),
            kind: gate.kind,
            url: Secret::read(&gate.url, folder, env)?,
            timeout: gate.timeout,
            key: gate.secret.as_ref().map(|key| Secret::read(key, folder, env)).transpose()?,
            metadata: gate.metadata.clone(),
        })
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Name of the rollout.
    pub rollout: String,
    /// Where it is; nothing on this machine.
    pub namespace: Option<String>,
    /// The new version.
    pub revision: String,
    /// The version that serves.
    pub stable: Option<String>,
    /// Where the rollout is.
    pub phase: Phase,
    /// The step that it is at, counted from 1, and how many there are.
    pub step: Option<(usize, usize)>,
    /// The share of the users that the new version has, in percent.
    pub weight: Option<u32>,
    /// The share that it gets by a yes, in percent.
    pub next_weight: Option<u32>,
}

/// Asks a gate once, within its timeout.
pub async fn ask(gate: &GateCall, question: &Question) -> Answer {
    let body = body(gate, question).to_string();
    let request = Post {
        url: &gate.url,
        key: gate.key.as_ref(),
        is_signed: true,
        headers: &[],
        secret_headers: &[],
        content_type: JSON,
        body: body.as_bytes(),
        timeout: gate.timeout,
        limit: LONGEST_ANSWER,
    };
    let reply = post(&request).await;
    let answer = answer(&reply);
    tracing::debug!(gate = gate.name, kind = gate.kind.name(), ?answer, "a gate was asked");
    answer
}

fn answer(reply: &Result<Reply, Fault>) -> Answer {
    let reply = match reply {
        Ok(reply) => reply,
        Err(Fault::Unusable(why) | Fault::NoAnswer(why)) => return Answer::Nothing { why: why.clone() },
    };
    let nothing = |why: &str| Answer::Nothing { why: format!("{}: {why}", reply.status) };
    if reply.status.is_redirection() {
        return nothing("redirects are not followed");
    }
    if says_nothing(reply.status) {
        return Answer::Nothing { why: reply.told() };
    }
    if let Some(cut) = &reply.cut {
        return nothing(cut);
    }
    match reply.status.as_u16() {
        200..=202 => Answer::Yes,
        _ => Answer::No { why: reply.told() },
    }
}

/// Statuses of those who were not asked, and of those who want to be asked otherwise. 403 is none of
/// them: a closed gate of Flagger's load tester answers so; nor is 500, which it answers where a test has
/// failed.
fn says_nothing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 407 | 408 | 425 | 429 | 502..=504)
}

/// Flagger's five names come first.
fn body(gate: &GateCall, question: &Question) -> Value {
    let (step, steps) = question.step.unzip();
    json!({
        "name": question.rollout,
        "namespace": question.namespace.as_deref().unwrap_or("local"),
        "phase": flagger_phase(question.phase),
        "checksum": question.revision,
        "metadata": gate.metadata,
        "gate": gate.name,
        "kind": gate.kind,
        "revision": question.revision,
        "stable": question.stable,
        "state": question.phase,
        "step": step,
        "steps": steps,
        "weight_percent": question.weight,
        "next_weight_percent": question.next_weight,
        "at": format!("{:.3}", clock::now()),
    })
}

fn flagger_phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Initializing | Phase::Analyzing | Phase::Promoting => "Progressing",
        Phase::Completed => "Succeeded",
        Phase::RollingBack | Phase::RolledBack => "Failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, words: &str, cut: Option<&str>) -> Result<Reply, Fault> {
        let status = StatusCode::from_u16(status).unwrap();
        let (words, body) = (words.to_owned(), Vec::new());
        Ok(Reply { status, retry_after: None, words, body, cut: cut.map(str::to_owned) })
    }

    #[test]
    fn every_status_has_a_meaning() {
        for status in 200..600 {
            let expected = match status {
                200..=202 => "yes",
                300..=399 | 401 | 407 | 408 | 425 | 429 | 502..=504 => "nothing",
                _ => "no",
            };
            let found = match answer(&reply(status, "", None)) {
                Answer::Yes => "yes",
                Answer::No { .. } => "no",
                Answer::Nothing { .. } => "nothing",
            };
            assert_eq!(found, expected, "{status}");
        }
    }

    #[test]
    fn a_yes_is_whole() {
        let cut = answer(&reply(200, "yes", Some("its body broke off")));
        assert_eq!(cut, Answer::Nothing { why: "200 OK: its body broke off".into() });
        let no = answer(&reply(403, "freeze", None));
        assert_eq!(no, Answer::No { why: "403 Forbidden: freeze".into() });
    }
}
