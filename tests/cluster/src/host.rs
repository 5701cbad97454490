//! The machine as it looks from outside of the node: what a node could leave behind.

use crate::run;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Settings of the kernel that a kubelet changes for the whole machine.
const SYSCTLS: &[&str] = &["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"];
/// Groups of pods and of what containerd runs by itself.
const CGROUPS: &[&str] = &["kubepods", "k8s.io"];

/// `name value`, one each.
pub(crate) fn sysctls() -> Vec<String> {
    let read = |name: &&str| fs::read_to_string(format!("/proc/sys/{name}")).unwrap_or_default();
    SYSCTLS.iter().map(|name| format!("{name} {}", read(name).trim())).collect()
}

/// Sets them as they were.
pub(crate) fn restore_sysctls(before: &str) -> Result<()> {
    for line in before.lines() {
        let Some((name, value)) = line.split_once(' ') else { continue };
        fs::write(format!("/proc/sys/{name}"), value).with_context(|| name.to_owned())?;
    }
    Ok(())
}

fn cgroups() -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir("/sys/fs/cgroup") else { return Vec::new() };
    let controllers = found.flatten().map(|entry| entry.path());
    let roots = controllers.chain([PathBuf::from("/sys/fs/cgroup")]);
    let all = roots.flat_map(|root| CGROUPS.iter().map(move |name| root.join(name)));
    all.filter(|path| path.is_dir() && !path.is_symlink()).collect()
}

/// Removes the groups of pods; their processes have been ended, and may take a moment to be gone.
pub(crate) fn remove_cgroups() -> Result<()> {
    let began = Instant::now();
    loop {
        let left = cgroups();
        if left.is_empty() {
            return Ok(());
        }
        left.iter().for_each(|path| remove_tree(path));
        if began.elapsed() > Duration::from_secs(20) {
            bail!("these cgroups cannot be removed: {left:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Groups are folders whose files cannot be removed: only the folders, the innermost first.
fn remove_tree(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    let _ = fs::remove_dir(path);
}

/// When a process was started, in ticks since the machine was; none where it is not there.
pub(crate) fn start_ticks(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let rest = stat.rsplit_once(')')?.1;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

/// All that a node could leave behind, a line each: equal before and after.
pub(crate) fn traces() -> Result<String> {
    let mut lines = BTreeSet::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if name.bytes().all(|byte| byte.is_ascii_digit()) && !command.is_empty() {
            let words = String::from_utf8_lossy(&command).replace('\0', " ");
            lines.insert(format!("process {}", words.split(' ').next().unwrap_or_default()));
        }
    }
    for line in fs::read_to_string("/proc/self/mounts")?.lines() {
        lines.insert(format!("mount {}", line.split(' ').take(3).collect::<Vec<_>>().join(" ")));
    }
    for (what, argv) in [
        ("link", &["ip", "-brief", "link"][..]),
        ("address", &["ip", "-brief", "address"]),
        ("route", &["ip", "route"]),
        ("namespace", &["ip", "netns"]),
        ("rules", &["nft", "list", "ruleset"]),
    ] {
        // A program that is not there made no traces either.
        let text = run::check(Command::new(argv[0]).args(&argv[1..])).unwrap_or_default();
        lines.extend(text.lines().map(|line| format!("{what} {line}")));
    }
    lines.extend(cgroups().into_iter().map(|path| format!("cgroup {}", path.display())));
    lines.extend(sysctls().into_iter().map(|line| format!("sysctl {line}")));
    for path in
        ["/etc/cni", "/opt/cni", "/opt/containerd", "/var/lib/kubelet", "/var/lib/cni", "/run/containerd"]
    {
        if Path::new(path).exists() {
            lines.insert(format!("path {path}"));
        }
    }
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_start_is_known_and_nobody_elses() {
        let pid = std::process::id().to_string();
        assert!(start_ticks(&pid).unwrap().parse::<u64>().unwrap() > 0);
        assert_eq!(start_ticks("0"), None);
    }
}
