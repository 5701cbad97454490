//! `service`: a version of a rollout file kept running on this machine by the agent.

use super::local_rollout::{local, rollout, serves, start};
use super::{Parts, Renderer, process};
use crate::decode::{Map, Millis, Text, record};
use crate::model::ValueSpec;

/// How long a version has to come into service, unless said otherwise.
const WITHIN: Millis = Millis(120_000);

record! {
    "a service"
    /// A service of this machine: it is started by its rollout file, and ended when it is taken back.
    #[schemars(rename = "Service")]
    pub(crate) struct ServiceSpec {
        /// Its name, as in the file.
        name: Text,
        /// The rollout file, with `service` in it.
        file: Text,
        /// The version that is to serve. Where another one serves, it takes over as the file's strategy says.
        version: Text,
        /// How long that may take.
        timeout: Option<Millis> = "2m",
        /// Added to the inherited environment: what `{env: NAME}` in the file refers to.
        #[schemars(default)]
        env: Map<ValueSpec>,
    }
}

impl ServiceSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        let (name, file, version) = (r.name(&self.name), r.name(&self.file), r.name(&self.version));
        let run = start(r, &file, &version, &name, Some(self.timeout.unwrap_or(WITHIN)));
        let run = run.envs(r.values(&self.env));
        let remove = rollout(r, "remove").arg(local(&name)).arg("--if-there");
        Parts {
            run: vec![process("start", run.build())],
            check: Some(serves(r, &name, &version)),
            undo: vec![process("remove", remove.build())],
            ..Parts::default()
        }
    }
}
