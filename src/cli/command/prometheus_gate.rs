//! `taskmaster prometheus-gate`: what the catalogue's `prometheus` actions run. Hidden, since people have the catalogue.
//!
//! It ends as a question does: 0 open, 1 not so, 2 nothing can be said.

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::prometheus_gate::{Good, Request, run as wait};
use crate::cli::args::PrometheusGateArgs;
use crate::cli::context::{Context, print};
use crate::deliver::metrics::gate::Opened;

/// Waits; lines of progress go to standard output, faults to standard error.
pub(crate) fn run(context: &Context, args: PrometheusGateArgs) -> Result<Exit, AppError> {
    let PrometheusGateArgs { threshold, min, max, success, failure, .. } = args;
    let request = Request {
        url: args.url,
        query: args.query,
        good: Good { threshold, min, max, success, failure },
        hold: args.hold,
        interval: args.interval,
        timeout: args.timeout,
        headers: args.header,
        ca_file: args.ca_file,
    };
    let mut say = |line: &str| {
        // A reader that went away is no reason to stop half-way.
        let _ = print(line);
    };
    match wait(&request, &mut say) {
        Ok(Opened::Open { .. }) => Ok(Exit::Ok),
        Ok(Opened::Shut { why }) => {
            context.say(&format!("not so: {why}"));
            Ok(Exit::Internal)
        }
        Err(fault) => {
            context.say(&format!("error: {fault}"));
            Ok(Exit::Usage)
        }
    }
}
