//! Terraform modules, apart from what the plan applies.

use crate::run::{check, command, output};
use crate::scenario::{given, then, when};
use crate::world::World;
use anyhow::{Result, ensure};
use std::process::Command;

pub(crate) fn terraform_modules(world: &mut World) -> Result<()> {
    given("the modules, and a folder of providers");
    let plugins = world.project.join("out/cluster/mirror/terraform");
    let data = world.scratch.path().join("terraform");
    let terraform = |words: &str| -> Command {
        let mut terraform = command(&format!("terraform {words}"));
        terraform.current_dir(&world.project).env("TF_DATA_DIR", &data).env("TF_IN_AUTOMATION", "1");
        terraform
    };
    then("they are formatted");
    check(&mut terraform("fmt -check -recursive -diff infra"))?;
    when("the platform's module is set up");
    let init = format!("-chdir=infra/platform init -input=false -no-color -plugin-dir={}", plugins.display());
    check(&mut terraform(&init))?;
    then("it is valid");
    check(&mut terraform("-chdir=infra/platform validate -no-color"))?;
    then("its own tests hold");
    let told = check(&mut terraform("-chdir=infra/platform test -no-color"))?;
    println!("        {}", told.lines().last().unwrap_or_default());
    ensure!(told.contains(" passed, 0 failed.") && !told.contains("Success! 0 passed"), "{told}");
    // The provider of kind's module cannot be had without its registry: that one is parsed only.
    if which("kind") {
        then("and kind's module is valid, too");
        check(&mut terraform("-chdir=infra/kind init -input=false -no-color -backend=false"))?;
        check(&mut terraform("-chdir=infra/kind validate -no-color"))?;
    } else {
        println!("        infra/kind: formatted and parsed, not validated (no kind on this machine)");
    }
    Ok(())
}

fn which(program: &str) -> bool {
    output(&mut command(&format!("{program} version"))).is_ok_and(|output| output.status.success())
}
