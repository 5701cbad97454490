//! A patch, and the patches of one verb.

use serde_json::Value;

/// Which part of an object is patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subresource {
    /// The object itself.
    None,
    /// Its status, by an address of its own.
    Status,
}

/// How a patch is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// RFC 7386: given members replace, `null` removes.
    Merge,
    /// RFC 6902: a list of operations; all of them or none.
    Json,
    /// Kubernetes' own; not for custom resources.
    Strategic,
}

impl PatchKind {
    /// As `kubectl patch --type` names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Json => "json",
            Self::Strategic => "strategic",
        }
    }
}

/// The object that is patched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The rollout.
    Rollout,
    /// The workload that its template comes from.
    Workload {
        /// `deployments.apps`, `replicasets.apps`, `podtemplates`.
        resource: &'static str,
        /// Its name.
        name: String,
    },
}

/// One patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// Of which object.
    pub target: Target,
    /// Of which part.
    pub subresource: Subresource,
    /// How it is read.
    pub kind: PatchKind,
    /// What it says.
    pub body: Value,
}

impl Patch {
    pub(crate) fn spec(body: Value) -> Self {
        Self { target: Target::Rollout, subresource: Subresource::None, kind: PatchKind::Merge, body }
    }

    pub(crate) fn status(body: Value) -> Self {
        Self { subresource: Subresource::Status, ..Self::spec(body) }
    }
}

/// Which part of a change is sent first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The status, as upstream does.
    #[default]
    StatusFirst,
    /// The specification. A controller that meets a paused specification without the pause of its step
    /// forgets that the step was waited for, and begins it anew once the specification goes on.
    SpecFirst,
}

/// The patches of one verb. Where the server knows no status subresource (rollouts before 0.10),
/// `unified` is sent instead of both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// What is found.
    pub status: Option<Patch>,
    /// What is wanted.
    pub spec: Option<Patch>,
    /// Sent instead where `status` was answered by "not found".
    pub unified: Option<Patch>,
    /// Which of both goes first.
    pub order: Order,
}

impl Change {
    /// The patches where there is a status subresource, in their order.
    pub fn patches(&self) -> impl Iterator<Item = &Patch> {
        let (first, next) = match self.order {
            Order::StatusFirst => (&self.status, &self.spec),
            Order::SpecFirst => (&self.spec, &self.status),
        };
        first.iter().chain(next)
    }

    /// The patches where there is none.
    pub fn fallback(&self) -> impl Iterator<Item = &Patch> {
        let instead = if self.status.is_some() { &self.unified } else { &self.spec };
        instead.iter()
    }

    /// True where upstream would send nothing.
    pub fn is_empty(&self) -> bool {
        self.status.is_none() && self.spec.is_none()
    }
}
