//! Who is asked during a rollout, and who is told.

use super::check::Faults;
use super::duration;
use super::text::Text;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Most gates, and most notices.
const MOST: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(10);
const THRESHOLD: i64 = 5;

/// Somebody who is asked, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateSpec {
    /// Its name.
    pub name: String,
    /// What hangs on its answer.
    pub kind: GateKind,
    /// Where it is asked.
    pub url: Text,
    /// Longest time of one question; 10s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<duration::Text>,
    /// Time until it is asked again; 10s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<duration::Text>,
    /// So many noes take the version back: of `rollout` 5 unless given, of `pre-rollout` never unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<i64>,
    /// Signs the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Text>,
    /// Goes along with the question.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// What hangs on the answer of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// Nothing begins without its yes.
    ConfirmRollout,
    /// No user reaches the new version without its yes, which is asked for once its pods are there.
    PreRollout,
    /// Asked again and again while users reach the new version: so many noes take it back.
    Rollout,
    /// No share of the users rises without its yes, each time anew.
    ConfirmTrafficIncrease,
    /// The new version does not get all users without its yes.
    ConfirmPromotion,
    /// Asked once it was completed; nothing hangs on it.
    PostRollout,
    /// Asked again and again while it is under way: a yes takes the version back.
    Rollback,
}

impl GateKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ConfirmRollout,
        Self::PreRollout,
        Self::Rollout,
        Self::ConfirmTrafficIncrease,
        Self::ConfirmPromotion,
        Self::PostRollout,
        Self::Rollback,
    ];

    /// Its name in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConfirmRollout => "confirm-rollout",
            Self::PreRollout => "pre-rollout",
            Self::Rollout => "rollout",
            Self::ConfirmTrafficIncrease => "confirm-traffic-increase",
            Self::ConfirmPromotion => "confirm-promotion",
            Self::PostRollout => "post-rollout",
            Self::Rollback => "rollback",
        }
    }

    /// True where something is withheld until its yes.
    pub fn is_guard(self) -> bool {
        matches!(
            self,
            Self::ConfirmRollout | Self::PreRollout | Self::ConfirmTrafficIncrease | Self::ConfirmPromotion
        )
    }
}

/// Somebody who is told, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoticeSpec {
    /// Its name.
    pub name: String,
    /// In what form.
    pub format: Format,
    /// Where; PagerDuty's own unless given there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Text>,
    /// Of what; of all but steps unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Signs it; for PagerDuty the key of the integration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Text>,
}

/// The form of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A webhook of a workflow of Microsoft Teams.
    Teams,
    /// The Events API v2 of PagerDuty.
    Pagerduty,
    /// JSON of our own, signed where there is a secret.
    Generic,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Event {
    /// A rollout began.
    Begun,
    /// A step began.
    Step,
    /// It waits: for a person, or because it cannot tell.
    Paused,
    /// A gate is waited for, or has answered.
    Gate,
    /// The new version is the stable one.
    Completed,
    /// The way back began.
    RollingBack,
    /// The stable version has all of the traffic again.
    RolledBack,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Begun,
        Self::Step,
        Self::Paused,
        Self::Gate,
        Self::Completed,
        Self::RollingBack,
        Self::RolledBack,
    ];
}

/// Somebody who is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Its name.
    pub name: String,
    /// What hangs on its answer.
    pub kind: GateKind,
    /// Where it is asked.
    pub url: Text,
    /// Longest time of one question.
    pub timeout: Duration,
    /// Time until it is asked again.
    pub interval: Duration,
    /// So many noes take the version back; `None` where no number does.
    pub threshold: Option<u32>,
    /// Signs the question.
    pub secret: Option<Text>,
    /// Goes along with the question.
    pub metadata: BTreeMap<String, String>,
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its name.
    pub name: String,
    /// In what form.
    pub format: Format,
    /// Where; PagerDuty's own where there is none.
    pub url: Option<Text>,
    /// Of what.
    pub events: BTreeSet<Event>,
    /// Signs it; for PagerDuty the key of the integration.
    pub secret: Option<Text>,
}

/// Checks who is asked.
pub(super) fn gates(specs: &[GateSpec], faults: &mut Faults) -> Vec<Gate> {
    named("gates", specs, |spec| &spec.name, faults, gate)
}

/// Checks who is told.
pub(super) fn notices(specs: &[NoticeSpec], faults: &mut Faults) -> Vec<Notice> {
    named("notices", specs, |spec| &spec.name, faults, notice)
}

/// The items of a list, in which each has a name of its own.
fn named<S, T>(
    key: &str,
    specs: &[S],
    name: impl Fn(&S) -> &String,
    faults: &mut Faults,
    read: impl Fn(&S, &mut Faults) -> T,
) -> Vec<T> {
    if specs.len() > MOST {
        faults.at(key, |faults| faults.too_many(specs.len(), MOST));
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    faults.each(key, specs, |spec, faults| {
        let name = name(spec);
        if name.trim().is_empty() {
            faults.at("name", |faults| faults.say("empty"));
        } else if !names.insert(name) {
            faults.at("name", |faults| faults.say(format!("a second one is called `{name}`")));
        }
        read(spec, faults)
    })
}

fn gate(spec: &GateSpec, faults: &mut Faults) -> Gate {
    faults.url("url", &spec.url);
    let counts = matches!(spec.kind, GateKind::Rollout | GateKind::PreRollout);
    if spec.threshold.is_some() && !counts {
        faults.at("threshold", |faults| faults.say("only counts for `rollout` and `pre-rollout`"));
    }
    let default = (spec.kind == GateKind::Rollout).then_some(THRESHOLD);
    let threshold = spec.threshold.filter(|_| counts).or(default);
    let threshold = threshold.map(|threshold| faults.number("threshold", threshold, 1, 10_000));
    faults.secret("secret", spec.secret.as_ref());
    if spec.metadata.len() > MOST {
        faults.at("metadata", |faults| faults.too_many(spec.metadata.len(), MOST));
    }
    Gate {
        name: spec.name.clone(),
        kind: spec.kind,
        url: spec.url.clone(),
        timeout: faults.time("timeout", spec.timeout, TIMEOUT),
        interval: faults.time("interval", spec.interval, INTERVAL),
        threshold: threshold.flatten(),
        secret: spec.secret.clone(),
        metadata: spec.metadata.clone(),
    }
}

fn notice(spec: &NoticeSpec, faults: &mut Faults) -> Notice {
    match &spec.url {
        Some(url) => faults.url("url", url),
        None if spec.format == Format::Pagerduty => {}
        None => faults.say("does not say where to: `url`"),
    }
    match (spec.format, &spec.secret) {
        (Format::Pagerduty, None) => {
            faults.help("names no integration", "`secret`, the integration key");
        }
        (Format::Slack | Format::Discord | Format::Teams, Some(_)) => {
            faults.at("secret", |faults| faults.say("their secret is the `url`"));
        }
        (_, secret) => faults.secret("secret", secret.as_ref()),
    }
    let all_but_steps = || Event::ALL.into_iter().filter(|event| *event != Event::Step).collect();
    let events: BTreeSet<Event> = spec.events.iter().copied().collect();
    Notice {
        name: spec.name.clone(),
        format: spec.format,
        url: spec.url.clone(),
        events: if events.is_empty() { all_but_steps() } else { events },
        secret: spec.secret.clone(),
    }
}
