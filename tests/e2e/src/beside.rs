//! The scenarios that need no cluster, beside those that do.

use crate::run::command;
use crate::scenario::{given, then};
use crate::world::World;
use anyhow::{Context, Result};

/// Begins them, where others have the right of way.
pub(crate) fn begin(world: &mut World) -> Result<()> {
    let me = std::env::current_exe()?;
    let words = format!("nice -n 10 {} apart --project {}", me.display(), world.project.display());
    world.apart = Some(world.background(command(&words))?);
    Ok(())
}

pub(crate) fn ended(world: &mut World) -> Result<()> {
    given("scenarios of charts and modules, begun beside the others");
    let mut apart = world.apart.take().context("they were not begun")?;
    let ended = apart.succeeds(120);
    apart.told().lines().for_each(|line| println!("    {line}"));
    ended?;
    then("each of them holds");
    Ok(())
}
