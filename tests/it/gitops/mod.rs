//! GitOps of the document: drift, syncs from Git, comparisons of commits, write-back, environments.

mod drift;
