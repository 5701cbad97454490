//! `taskmaster man`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::cli::args::{Cli, Global, ManArgs};
use crate::cli::context::print;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::path::{Path, PathBuf};

/// The main page to standard output, or a page a command to a folder.
pub(crate) fn run(global: &Global, args: &ManArgs) -> Result<Exit, AppError> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let Some(dir) = &args.out else {
        let mut text = Vec::new();
        let fault = |source| AppError::Io { path: PathBuf::from("standard output"), source };
        page(&root).render(&mut text).map_err(fault)?;
        print(&String::from_utf8_lossy(&text))?;
        return Ok(Exit::Ok);
    };
    let dir = global.directory.clone().unwrap_or_default().join(dir);
    let fault = |source| AppError::Io { path: dir.clone(), source };
    std::fs::create_dir_all(&dir).and_then(|()| all(&root, &dir)).map_err(fault)?;
    Ok(Exit::Ok)
}

fn page(command: &Command) -> Man {
    let source = concat!("taskmaster ", env!("CARGO_PKG_VERSION"));
    // Without a date the source would stand in its place.
    Man::new(command.clone()).date(" ").source(source).manual("taskmaster")
}

/// `taskmaster-rollout-start.1` and so on, hidden ones left out.
fn all(command: &Command, dir: &Path) -> std::io::Result<()> {
    page(command).generate_to(dir)?;
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| all(below, dir))
}
