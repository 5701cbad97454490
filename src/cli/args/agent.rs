//! `taskmaster agent …`

use clap::{Args, Subcommand};

/// `taskmaster agent …`
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Show the agent, its services and its rollouts; starts none
    Status,
    /// End all services and the agent
    Stop(AgentStopArgs),
    /// Show the agent's log, or that of a service
    Logs(AgentLogsArgs),
    /// What holds the listening sockets and starts the agent
    #[command(hide = true)]
    Guard(AgentGuardArgs),
    /// The agent itself
    #[command(hide = true)]
    Serve,
}

/// `taskmaster agent guard`
#[derive(Clone, Debug, Args)]
pub struct AgentGuardArgs {
    /// Of an agent that is at work already, at the other end of the standard input
    #[arg(long)]
    pub adopt: bool,
}

/// `taskmaster agent stop`
#[derive(Clone, Debug, Args)]
pub struct AgentStopArgs {
    /// Also while a rollout is under way
    #[arg(long)]
    pub force: bool,
}

/// `taskmaster agent logs`
#[derive(Clone, Debug, Args)]
pub struct AgentLogsArgs {
    /// A service instead of the agent
    #[arg(value_name = "SERVICE")]
    pub service: Option<String>,
    /// Only this version of it
    #[arg(long = "of", value_name = "VERSION", requires = "service")]
    pub release: Option<String>,
    /// Only this replica of it, by its number
    #[arg(long, value_name = "N", requires = "service")]
    pub replica: Option<u32>,
    /// Only the last lines
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 200)]
    pub lines: usize,
}
