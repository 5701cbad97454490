//! Use cases. They join the pure crates with the store, the driver and the views; they know
//! nothing of command lines and terminals.

pub mod against;
pub mod agent;
pub mod api;
pub mod audit;
mod check;
pub mod contexts;
pub mod deployments;
pub mod destroy;
pub mod doctor;
pub mod drift;
pub mod environments;
pub mod error;
pub mod exit;
pub mod init;
pub mod known;
pub mod kube_apply;
pub mod ledger;
pub mod logs;
pub mod notices;
pub mod parse;
pub mod plan;
pub mod plan_view;
pub mod ports;
pub mod prometheus_gate;
pub mod promote_env;
mod recover;
pub mod report;
pub mod rollout;
pub mod rollouts;
pub mod run;

pub mod source;
pub mod sync;
pub mod tasks;
pub mod views;
pub mod way_on;
pub mod workspace;
pub mod write_back;
