//! `taskmaster logs`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::logs;
use crate::cli::args::{Format, LogsArgs};
use crate::cli::context::Context;
use crate::process::show::Follower;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Time between two looks at a log that grows.
const LOOK: Duration = Duration::from_millis(100);

/// Shows the log of an attempt, or of a check that could not tell.
pub(crate) fn run(context: &Context, args: &LogsArgs) -> Result<Exit, AppError> {
    let request = super::view_request(&args.task.view);
    let log = logs::find(&context.workspace, &request, &args.task.task, args.attempt)?;
    let fault = |source| AppError::Io { path: log.path.clone(), source };
    let mut follower = Follower::new(&log.path);
    let text = drain(&mut follower).map_err(fault)?;
    let text = args.lines.map_or(text.as_str(), |lines| last(&text, lines)).to_owned();
    if context.format == Format::Json && !args.follow {
        let (attempt, number) = log.attempt.unzip();
        let value = json!({
            "schema_version": 1, "id": log.task, "attempt": attempt, "number": number,
            "run": log.run, "ended": log.ended, "path": log.path, "text": text,
        });
        context.answer(&value, "")?;
        return Ok(Exit::Ok);
    }
    if !log.path.exists() && log.ended {
        return Err(AppError::usage(
            format!("the log {} is gone", log.path.display()),
            "the ledger keeps its last lines: `taskmaster tasks show`",
        ));
    }
    write(&text)?;
    let mut ended = log.ended || !args.follow;
    while !ended {
        std::thread::sleep(LOOK);
        ended = logs::has_ended(&context.workspace, &log)?;
        write(&drain(&mut follower).map_err(fault)?)?;
    }
    Ok(Exit::Ok)
}

fn drain(follower: &mut Follower) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let more = follower.read()?;
        if more.is_empty() {
            return Ok(text);
        }
        text.push_str(&more);
    }
}

fn last(text: &str, lines: usize) -> &str {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let Some(skip) = lines.checked_sub(1) else { return "" };
    let start = body.rmatch_indices('\n').nth(skip).map_or(0, |(at, _)| at + 1);
    &text[start..]
}

fn write(text: &str) -> Result<(), AppError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(crate::cli::ci::harmless(text).as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(AppError::Io { path: PathBuf::from("standard output"), source: e })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_whole() {
        assert_eq!(last("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(last("a\nb", 1), "b");
        assert_eq!(last("a\nb\n", 9), "a\nb\n");
        assert_eq!(last("a\nb\n", 0), "");
    }
}
