//! What a catalogue binds to a task: checked, typed, rendered actions and the policy around them.
//!
//! The catalogue makes these values; the scheduler reads the policy; `exec` performs the steps.
//! A secret is never a string here: it is a [`SecretRef`], resolved by the child's launcher alone.

use crate::cause;
use crate::id::{Digest, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a secret is found. Its value never enters a plan, an argv, a URL or a digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// A variable of taskmaster's own environment.
    Env(String),
    /// A file, without its last line break.
    File(String),
    /// The output of a command, without its last line break.
    Exec(Vec<String>),
    /// A sensitive output of another task (`task`, `name`).
    Output(TaskId, String),
}

/// A text that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Shown as it is.
    Plain(String),
    /// Shown as `<secret env:NAME>`.
    Secret(SecretRef),
    /// Parts joined without anything between them (`Bearer ` and a token); at least one is secret.
    Joined(Vec<Value>),
}

/// A child process. `argv` is executed directly, never through a shell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Working directory, relative to the project's root.
    pub cwd: Option<String>,
    /// Added to the inherited environment.
    pub env: BTreeMap<String, Value>,
    /// Given on standard input; closed (`/dev/null`) otherwise.
    pub stdin: Option<Value>,
    /// Standard output goes to a file of its own, to be read as a value (outputs, JSON checks).
    pub capture: bool,
}

/// An HTTP request and what its answer must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpSpec {
    /// `GET`, `POST`, …
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Header lines.
    pub headers: BTreeMap<String, Value>,
    /// Request body.
    pub body: Option<Value>,
    /// Accepted status codes as inclusive ranges.
    pub status: Vec<(u16, u16)>,
    /// What the body of an accepted answer must hold: all of it, or the answer is not accepted.
    pub expect: Vec<OutputMatch>,
    /// PEM file of a certificate authority to trust besides the usual ones.
    pub ca_file: Option<String>,
}

/// One thing that `exec` can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Invocation {
    /// Run a process.
    Process(ProcessSpec),
    /// Send a request.
    Http(HttpSpec),
    /// Let time pass.
    Wait {
        /// How long.
        duration_ms: u64,
    },
    /// Ask a person.
    Approval {
        /// What is asked.
        message: String,
    },
}

/// A named part of an action: `init`, `plan`, `apply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name in logs.
    pub name: String,
    /// What is done.
    pub invocation: Invocation,
}

/// What a probe's standard output (or the body of an answer) must hold besides the exit code.
/// The text is taken without white space at its end; every condition given here must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputMatch {
    /// JSON pointer (RFC 6901) into the output; the whole text where absent.
    pub pointer: Option<String>,
    /// The value found must be equal to this.
    pub equals: Option<serde_json::Value>,
    /// The text found must contain this.
    pub contains: Option<String>,
}

/// A question about the world: true, false, or an error (anything else).
///
/// A request that decides counts as exit code 0 where its answer was accepted, 1 where it was
/// answered otherwise, and 2 where there was no answer, or one that says nothing about what was
/// asked (401, 403, 407, 408, 425, 429 and 5xx).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Steps that must succeed first (`terraform init`); a failure is an error of the probe.
    pub prepare: Vec<Step>,
    /// The step that decides.
    pub decide: Step,
    /// Exit codes that mean true (default 0).
    pub true_codes: Vec<i32>,
    /// Exit codes that mean false (default 1); every other code is an error.
    pub false_codes: Vec<i32>,
    /// Words on standard error that mean false, whatever the other exit codes say: for programs that
    /// end with the same code when an object is missing and when the server is down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub false_words: Vec<String>,
    /// Words on standard error that mean that nobody answered, even beside words that mean false: of
    /// several objects one may be missing and the server gone before the next. `*` stands for anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_words: Vec<String>,
    /// Words on standard error that take a false exit code its meaning: the program ends so, too, when
    /// it was called wrongly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fault_words: Vec<String>,
    /// A true exit code counts only if the output matches each of these; else false.
    pub output: Vec<OutputMatch>,
    /// Further questions, asked in order while the answers are true: all must be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Probe>,
}

impl Probe {
    /// What an exit code means, with what was said on standard error; none is an error.
    pub fn answer(&self, code: i32, said: &str) -> Option<bool> {
        let is_true = if self.true_codes.is_empty() { code == 0 } else { self.true_codes.contains(&code) };
        let says = |all: &[String]| all.iter().any(|words| cause::says(said, words));
        if is_true {
            Some(true)
        } else if self.is_silenced(said) {
            None
        } else if says(&self.false_words) || (self.false_codes.contains(&code) && !says(&self.fault_words)) {
            Some(false)
        } else {
            None
        }
    }

    /// True where words mean that nobody answered. That one of the server's extensions is away is told
    /// in passing, whatever was asked; it matters only where a kind of objects was not found.
    fn is_silenced(&self, said: &str) -> bool {
        let looks_for_kinds = ["no matches for kind", "doesn't have a resource type"];
        let matters = |line: &&str| {
            !line.contains("couldn't get resource list for")
                || looks_for_kinds.iter().any(|words| said.contains(words))
        };
        let silences = |line: &str| self.error_words.iter().any(|words| cause::says(line, words));
        said.lines().filter(matters).any(silences)
    }

    /// Every step that it may take.
    pub fn steps(&self) -> Vec<&Step> {
        let own = self.prepare.iter().chain([&self.decide]);
        own.chain(self.also.iter().flat_map(Self::steps)).collect()
    }
}

/// How outputs are read after a successful run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outputs {
    /// The last run step's standard output is one JSON object: each member an output.
    Json,
    /// Lines `name=value` of the last run step's standard output.
    Lines,
    /// A further step whose standard output is `terraform output -json`; `sensitive` ones are secrets.
    Terraform(Box<Step>),
}

/// The kind of an action, as written in a catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// A command by its argv.
    Exec,
    /// A shell script.
    Shell,
    /// Terraform.
    Terraform,
    /// kubectl.
    Kubectl,
    /// Helm.
    Helm,
    /// Argo CD's command line.
    Argocd,
    /// What delivers progressively.
    Rollout,
    /// A service of this machine.
    Service,
    /// A request.
    Http,
    /// A gate that a query of Prometheus opens.
    Prometheus,
    /// A person's yes.
    Approval,
    /// Time.
    Wait,
    /// A fenced block in the document.
    Inline,
}

/// A rendered action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its kind.
    pub kind: ActionKind,
    /// Is it done already?
    pub check: Option<Box<Probe>>,
    /// Does the work, step after step; the first failure ends it.
    pub run: Vec<Step>,
    /// Did the work have its effect? Without one, the check answers.
    pub verify: Option<Box<Probe>>,
    /// Takes it back; empty where that is not defined.
    pub undo: Vec<Step>,
    /// Values for later tasks.
    pub outputs: Option<Outputs>,
}

impl Action {
    /// Check and verify, where there are any.
    pub fn probes(&self) -> impl Iterator<Item = &Probe> {
        self.check.iter().chain(&self.verify).map(|probe| &**probe)
    }
}

/// A part of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Is it done already? With what prepares the question.
    Check,
    /// The work.
    Run,
    /// Values for later tasks.
    Outputs,
    /// Did the work have its effect? With what prepares the question.
    Verify,
    /// Takes it back.
    Undo,
}

impl Part {
    /// In the order in which they are done.
    pub const ALL: [Self; 5] = [Self::Check, Self::Run, Self::Outputs, Self::Verify, Self::Undo];

    /// Its key in a catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Run => "run",
            Self::Outputs => "outputs",
            Self::Verify => "verify",
            Self::Undo => "undo",
        }
    }

    /// Whether the two have another one.
    pub fn differs(self, before: &Action, now: &Action) -> bool {
        match self {
            Self::Check => before.check != now.check,
            Self::Run => before.run != now.run,
            Self::Outputs => before.outputs != now.outputs,
            Self::Verify => before.verify != now.verify,
            Self::Undo => before.undo != now.undo,
        }
    }
}

/// Why an attempt failed. Retry policies name these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A non-zero exit code.
    ExitCode,
    /// Ended by a signal.
    Signal,
    /// Took longer than allowed.
    Timeout,
    /// Could not be started (not found, not executable, bad directory, missing secret).
    Spawn,
    /// A check or verify could not tell.
    CheckError,
    /// The work ended well, but verify or check did not become true in time.
    NotVerified,
    /// The request failed or its answer was not accepted.
    Http,
    /// Standard output was not what `outputs` promised.
    Outputs,
}

/// When a failed attempt is followed by another. Delay before attempt `n+1` is
/// `min(max_delay_ms, base_delay_ms · 2^(n-1))`, and with jitter a share of it in `[0, 1)` drawn by
/// a hash of run, task and attempt ("full jitter").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// All attempts, the first included; at least 1.
    pub attempts: u32,
    /// First delay.
    pub base_delay_ms: u64,
    /// Longest delay.
    pub max_delay_ms: u64,
    /// Draw the delay.
    pub jitter: bool,
    /// Kinds that are worth another attempt.
    pub on: Vec<FailureKind>,
}

impl Default for RetryPolicy {
    /// One attempt; delays of 1 s to 60 s with jitter once `attempts` is raised; every kind but spawn.
    fn default() -> Self {
        use FailureKind::{CheckError, ExitCode, Http, NotVerified, Outputs, Signal, Timeout};
        Self {
            attempts: 1,
            base_delay_ms: 1_000,
            max_delay_ms: 60_000,
            jitter: true,
            on: vec![ExitCode, Signal, Timeout, CheckError, NotVerified, Http, Outputs],
        }
    }
}

/// What happens to a process that outlived taskmaster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrphanPolicy {
    /// Wait for its end.
    #[default]
    Wait,
    /// Stop it (TERM, grace, KILL), then decide.
    Stop,
}

/// Which end counts as success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// The action succeeds.
    #[default]
    Success,
    /// The action fails (by exit code).
    Failure,
    /// The rollout is rolled back.
    RolledBack,
}

/// Everything about a task that is not the action itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// When to try again.
    pub retry: RetryPolicy,
    /// Longest time of one attempt; none is unlimited.
    pub timeout_ms: Option<u64>,
    /// Longest time of one check.
    pub check_timeout_ms: u64,
    /// After a run, verify (or check) is polled this long until true; 0 asks once.
    pub verify_timeout_ms: u64,
    /// Time between two polls.
    pub verify_interval_ms: u64,
    /// TERM to KILL.
    pub grace_ms: u64,
    /// Names of which each is held by one task at a time.
    pub locks: Vec<String>,
    /// May be run again when its end was lost and the check says false.
    pub idempotent: bool,
    /// Cannot be taken back: needs an approval before it runs, and its start is synced to disk.
    pub irreversible: bool,
    /// What happens to a process that outlived taskmaster.
    pub orphan: OrphanPolicy,
    /// Which end counts as success.
    pub expect: Expectation,
}

impl Default for Policy {
    /// One attempt, no time limit, checks within 60 s, 10 s grace, idempotent.
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            timeout_ms: None,
            check_timeout_ms: 60_000,
            verify_timeout_ms: 0,
            verify_interval_ms: 1_000,
            grace_ms: 10_000,
            locks: Vec::new(),
            idempotent: true,
            irreversible: false,
            orphan: OrphanPolicy::default(),
            expect: Expectation::default(),
        }
    }
}

/// Whether an environment can do a task at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// It can.
    Include,
    /// It cannot, and this is why.
    Skip {
        /// Shown to the reader.
        reason: String,
    },
}

/// What one environment's catalogue says about one task, rendered as far as values are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The task.
    pub task: TaskId,
    /// The action; none makes the task manual in so many words (`manual: true`).
    pub action: Option<Action>,
    /// The policy.
    pub policy: Policy,
    /// Whether it applies here.
    pub when: When,
    /// Further dependencies, by the catalogue (`needs`) or by a reference to an output.
    pub needs: Vec<TaskId>,
    /// Tasks whose outputs the action refers to; it is rendered again when they are known.
    pub awaits: Vec<TaskId>,
    /// Programs that must be on PATH.
    pub tools: Vec<String>,
    /// Globs of files, relative to the project's root, whose contents belong to the digest.
    pub inputs: Vec<String>,
    /// Digest of the rendered action; secrets enter by reference only, contents of `inputs` not yet.
    pub digest: Digest,
    /// `tasks/local.yaml:34`, for messages.
    pub place: String,
}

/// Bindings by task. They are large, and are made in any order.
pub type Bindings = BTreeMap<TaskId, Box<Binding>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(true_codes: &[i32], false_codes: &[i32]) -> Probe {
        let process = ProcessSpec { argv: vec!["look".to_owned()], ..ProcessSpec::default() };
        Probe {
            prepare: Vec::new(),
            decide: Step { name: "look".to_owned(), invocation: Invocation::Process(process) },
            true_codes: true_codes.to_vec(),
            false_codes: false_codes.to_vec(),
            false_words: vec!["not found".to_owned()],
            error_words: vec!["refused".to_owned()],
            fault_words: vec!["usage".to_owned()],
            output: Vec::new(),
            also: Vec::new(),
        }
    }

    #[test]
    fn codes_and_words_are_answers() {
        let usual = probe(&[], &[1]);
        let answers = [
            (0, "", Some(true)),
            (0, "usage: refused, not found", Some(true)),
            (1, "", Some(false)),
            (1, "usage: look NAME", None),
            (1, "connection refused", None),
            (3, "", None),
            (3, "it was not found", Some(false)),
            (3, "not found, then refused", None),
        ];
        for (code, said, answer) in answers {
            assert_eq!(usual.answer(code, said), answer, "{code} {said}");
        }
        let own = probe(&[2, 3], &[0]);
        assert_eq!(
            [0, 1, 2, 3].map(|code| own.answer(code, "")),
            [Some(false), None, Some(true), Some(true)]
        );
    }

    /// An extension that is away is told in passing; it matters where a kind was not found.
    #[test]
    fn what_an_extension_says_matters_for_kinds_alone() {
        let usual = probe(&[], &[1]);
        let passing = "couldn't get resource list for metrics.k8s.io: refused";
        assert_eq!(usual.answer(1, passing), Some(false));
        assert_eq!(usual.answer(1, &format!("{passing}\nno matches for kind \"Rollout\"")), None);
    }

    #[test]
    fn all_steps_of_a_question_are_told() {
        let mut one = probe(&[], &[1]);
        one.prepare = vec![Step { name: "init".to_owned(), ..one.decide.clone() }];
        one.also = vec![probe(&[], &[1])];
        let names: Vec<&str> = one.steps().iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["init", "look", "look"]);
    }
}
