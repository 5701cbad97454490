//! The command line: serve (without a subcommand), get, probe, load.
//!
//! Exit codes: 0 all is well, 1 the service failed or an expectation did not hold, 2 usage.
//! Data goes to stdout, talk to stderr.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::client::{Client, Reach, Target};
use crate::config::{ServeConfig, duration};
use crate::load::{self, LoadConfig};
use crate::probe::{self, ProbeConfig};
use crate::server::{End, Server};
use crate::shutdown::{Phase, StopSignals};

/// The demo service that rollouts roll out; without a subcommand it serves.
#[derive(Debug, Parser)]
#[command(name = crate::NAME, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: ServeConfig,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the body of one answer; fails unless its status is 2xx
    Get(GetConfig),
    /// Ask a URL until it answers as expected, or a deadline passes
    Probe(ProbeConfig),
    /// Put load on URLs and report rates, failures and latencies as JSON
    Load(LoadConfig),
}

/// What to fetch.
#[derive(Debug, Args)]
struct GetConfig {
    /// URL to ask
    #[arg(long)]
    url: Target,

    /// How long the answer may take
    #[arg(long, default_value = "5s", value_parser = duration)]
    timeout: Duration,
}

/// Runs the program and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure(&error),
    };
    let result = runtime.block_on(async {
        match &cli.command {
            None => serve(&cli.serve).await,
            Some(Command::Get(config)) => get(config).await,
            Some(Command::Probe(config)) => Ok(report(&probe::run(config).await, |r| r.ok)?),
            Some(Command::Load(config)) => {
                Ok(report(&load::run(config).await?, |r| r.violations.is_empty())?)
            }
        }
    });
    result.unwrap_or_else(|error| failure(error.as_ref()))
}

async fn serve(config: &ServeConfig) -> Result<ExitCode, Box<dyn Error>> {
    let mut signals = StopSignals::install()?;
    let server = Server::bind(config).await?;
    writeln!(io::stdout(), "listening on http://{}", server.address())?;
    eprintln!("version {}, seed {}", config.version.as_str(), server.seed());
    let lifecycle = server.lifecycle();
    let stop = async move {
        signals.next().await;
        eprintln!("stopping: no longer ready, draining");
        tokio::spawn(async move {
            // Whoever asks twice does not want to wait.
            let signal = signals.next().await;
            eprintln!("stopped at once by a second signal");
            std::process::exit(128 + signal);
        });
    };
    let talk = tokio::spawn(async move {
        lifecycle.reached(Phase::Stopping).await;
        eprintln!("no longer listening, finishing requests in flight");
    });
    let end = server.run(stop).await?;
    talk.abort();
    match end {
        End::Clean => Ok(ExitCode::SUCCESS),
        End::CutOff(unanswered) => {
            eprintln!("error: {unanswered} requests were cut off at the stop timeout");
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn get(config: &GetConfig) -> Result<ExitCode, Box<dyn Error>> {
    let answer = Client::new(Reach::Anywhere, config.timeout).get(&config.url).await?;
    io::stdout().write_all(&answer.body)?;
    if answer.status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("error: status {}", answer.status.as_u16());
    Ok(ExitCode::FAILURE)
}

fn report<R: Serialize>(report: &R, passed: impl Fn(&R) -> bool) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, report).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(if passed(report) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn failure(error: &dyn Error) -> ExitCode {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(&format!(": {source}"));
        cause = source.source();
    }
    eprintln!("{text}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
