//! The container runtime from Debian packages, unpacked below the cache: nothing is installed.

use crate::home::Home;
use crate::run;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the node needs that Go modules do not give.
const PACKAGES: &[&str] = &[
    "containerd",
    "runc",
    "containernetworking-plugins",
    "iptables",
    "nftables",
    "conntrack",
    "ethtool",
    "socat",
    "redis-server",
];

/// The root below which the packages lie.
pub(crate) fn provide(home: &Home) -> Result<PathBuf> {
    let root = home.cache("debian")?.join(&blake3::hash(PACKAGES.join(" ").as_bytes()).to_hex()[..16]);
    if root.join("done").exists() {
        return Ok(root);
    }
    let _ = fs::remove_dir_all(&root);
    let archives = root.join("archives");
    fs::create_dir_all(&archives)?;
    let missing = missing()?;
    eprintln!("fetching {} Debian packages …", missing.len());
    // The download runs as a user of its own, who may not enter our folder; a warning, no more.
    let fetch = || run::check(Command::new("apt-get").current_dir(&archives).arg("download").args(&missing));
    if fetch().is_err() {
        run::check(Command::new("apt-get").args(["update", "-qq"]))?;
        fetch()?;
    }
    for archive in fs::read_dir(&archives)? {
        let archive = archive?.path();
        run::check(Command::new("dpkg").arg("-x").arg(&archive).arg(&root))?;
    }
    choose_iptables(&root)?;
    fs::write(root.join("done"), "")?;
    Ok(root)
}

/// An installed package would make these links when it is set up.
fn choose_iptables(root: &Path) -> Result<()> {
    let folder = root.join("usr/sbin");
    for name in ["iptables", "ip6tables"] {
        for suffix in ["", "-save", "-restore"] {
            let link = folder.join(format!("{name}{suffix}"));
            if folder.join("xtables-nft-multi").exists() && !link.exists() {
                std::os::unix::fs::symlink("xtables-nft-multi", link)?;
            }
        }
    }
    Ok(())
}

/// The packages and what they need, as far as this machine lacks it.
fn missing() -> Result<BTreeSet<String>> {
    let simulate = || {
        let mut apt = Command::new("apt-get");
        run::check(apt.args(["install", "-s", "--no-install-recommends"]).args(PACKAGES))
    };
    let plan = match simulate() {
        Ok(plan) => plan,
        Err(_) => {
            run::check(Command::new("apt-get").args(["update", "-qq"]))?;
            simulate().context("apt-get must be able to find the packages")?
        }
    };
    let new = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    // A package that is installed already serves as it is; its programs are on the PATH.
    let found: BTreeSet<String> = new.map(str::to_owned).collect();
    if found.is_empty() && !Path::new("/usr/bin/containerd").exists() {
        bail!("apt-get names no package to fetch, and containerd is not installed");
    }
    Ok(found)
}

/// A program of the packages, or the machine's own.
pub(crate) fn program(root: &Path, name: &str) -> Result<PathBuf> {
    let folders = [root.join("usr/bin"), root.join("usr/sbin"), "/usr/bin".into(), "/usr/sbin".into()];
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists());
    found.with_context(|| format!("{name} is neither in the fetched packages nor installed"))
}
