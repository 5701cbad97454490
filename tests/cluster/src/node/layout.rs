//! Folders of a node, and the environment of its programs.

use crate::home::Home;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders of a node.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) bin: PathBuf,
    pub(crate) debian: PathBuf,
    pub(crate) pki: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) etcd: PathBuf,
    /// containerd's lasting files: images and what they are unpacked to.
    pub(crate) containerd: PathBuf,
    /// containerd's passing files.
    pub(crate) state: PathBuf,
    pub(crate) kubelet: PathBuf,
    pub(crate) pods: PathBuf,
    pub(crate) overlays: PathBuf,
    pub(crate) sockets: PathBuf,
}

impl Layout {
    pub(crate) fn of(home: &Home, debian: &Path) -> Self {
        let run = |name: &str| home.run_file(name);
        Self {
            bin: home.bin(),
            debian: debian.to_owned(),
            pki: run("pki"),
            config: run("config"),
            logs: run("logs"),
            etcd: run("etcd"),
            containerd: run("containerd"),
            state: run("state"),
            kubelet: run("kubelet"),
            pods: run("pods"),
            overlays: run("overlays"),
            sockets: run("sockets"),
        }
    }

    /// Empty folders for a new node.
    pub(crate) fn fresh(home: &Home, debian: &Path) -> Result<Self> {
        let layout = Self::of(home, debian);
        let Self {
            bin: _,
            debian: _,
            pki,
            config,
            logs,
            etcd,
            containerd,
            state,
            kubelet,
            pods,
            overlays,
            sockets,
        } = &layout;
        for folder in [pki, config, logs, etcd, containerd, state, kubelet, pods, overlays, sockets] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
            fs::create_dir_all(folder)?;
        }
        Ok(layout)
    }

    /// containerd's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.sockets.join("containerd.sock")
    }

    /// Programs and libraries of the node before those of the machine.
    pub(crate) fn environment(&self, command: &mut Command) {
        let libraries = self.debian.join("usr/lib/x86_64-linux-gnu");
        let mut path = vec![self.bin.clone()];
        path.extend(["usr/sbin", "usr/bin"].map(|folder| self.debian.join(folder)));
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        if let Ok(path) = std::env::join_paths(path) {
            command.env("PATH", path);
        }
        command.env("LD_LIBRARY_PATH", &libraries).env("XTABLES_LIBDIR", libraries.join("xtables"));
    }
}
