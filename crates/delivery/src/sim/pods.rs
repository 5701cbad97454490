//! Pods of one version, in virtual time.

use super::faults::Trouble;
use crate::engine::{Pods, Revision};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// A version that runs.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) revision: Revision,
    pub(super) number: u64,
    pub(super) wanted: i32,
    /// When each pod can serve, in seconds; never is infinite.
    ready_at: Vec<f64>,
    /// When each ending pod is gone.
    gone_at: Vec<f64>,
    /// When it got its first request.
    pub(super) first_request: Option<f64>,
}

impl Running {
    pub(super) fn new(revision: &Revision, number: u64) -> Self {
        Self {
            revision: revision.clone(),
            number,
            wanted: 0,
            ready_at: Vec::new(),
            gone_at: Vec::new(),
            first_request: None,
        }
    }

    /// It has this many pods, all of them ready.
    pub(super) fn ready(mut self, pods: i32) -> Self {
        self.wanted = pods;
        self.ready_at = vec![0.0; usize::try_from(pods).unwrap_or(0)];
        self
    }

    /// Time passes: pods come, go and fall over.
    pub(super) fn tick(
        &mut self,
        now: f64,
        seconds: f64,
        trouble: &Trouble,
        is_new: bool,
        random: &mut Pcg64Mcg,
    ) {
        self.gone_at.retain(|at| *at > now);
        let wanted = usize::try_from(self.wanted.max(0)).unwrap_or(0);
        while self.ready_at.len() > wanted {
            // Those that do not serve go first.
            let last = self.ready_at.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
            let Some((index, _)) = last else { break };
            self.ready_at.swap_remove(index);
            self.gone_at.push(now + trouble.grace);
        }
        while self.ready_at.len() < wanted {
            let start = random.random_range(trouble.start.0..=trouble.start.1.max(trouble.start.0));
            let never = is_new && (trouble.is_never_ready || random.random_bool(trouble.bad_pods));
            self.ready_at.push(if never { f64::INFINITY } else { now + start });
        }
        if trouble.crashes > 0.0 {
            for at in &mut self.ready_at {
                if *at <= now && random.random_bool((trouble.crashes * seconds).min(1.0)) {
                    *at = now + trouble.start.1;
                }
            }
        }
    }

    pub(super) fn pods(&self, now: f64) -> Pods {
        let narrow = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Pods {
            wanted: self.wanted,
            created: narrow(self.ready_at.len()),
            available: narrow(self.ready_at.iter().filter(|at| **at <= now).count()),
            terminating: narrow(self.gone_at.len()),
        }
    }
}
