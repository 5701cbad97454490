//! Scenarios in processes of their own, beside those that build on each other.

use crate::run::command;
use crate::scenario::{given, then, when};
use crate::world::{Running, World};
use anyhow::{Context, Result};

/// Begins those that need no cluster; the others have the right of way.
pub(crate) fn begin(world: &mut World) -> Result<()> {
    world.apart = Some(start(world, "apart")?);
    Ok(())
}

/// Begins those that need the cluster and nothing of the plan.
pub(crate) fn begin_guests(world: &mut World) -> Result<()> {
    given("the platform");
    when("scenarios begin that have namespaces of their own");
    world.guests = Some(start(world, "guests")?);
    Ok(())
}

fn start(world: &World, which: &str) -> Result<Running> {
    let me = std::env::current_exe()?;
    let words = format!("nice -n 10 {} {which} --project {}", me.display(), world.project.display());
    world.background(command(&words))
}

pub(crate) fn apart_ended(world: &mut World) -> Result<()> {
    given("scenarios of charts and modules, begun beside the others");
    ended(world.apart.take())
}

pub(crate) fn guests_ended(world: &mut World) -> Result<()> {
    given("scenarios with namespaces of their own, begun beside the guides");
    ended(world.guests.take())
}

fn ended(begun: Option<Running>) -> Result<()> {
    let mut begun = begun.context("they were not begun")?;
    let ended = begun.succeeds(180);
    begun.told().lines().for_each(|line| println!("    {line}"));
    ended?;
    then("each of them holds");
    Ok(())
}
