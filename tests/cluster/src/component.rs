//! Programs from Go modules, built once for each version and kept.
//!
//! A component's folder below `tools/` pins it and everything that it is built from (go.mod, go.sum).
//! What it is built from names the file, so a changed pin is another program and an old one is never
//! taken for it.

use crate::home::Home;
use crate::run;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// One program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Component {
    /// Its folder below `tools/`.
    pub(crate) module: &'static str,
    /// Name of the program.
    pub(crate) program: &'static str,
    /// Its main package.
    package: &'static str,
    tags: &'static str,
    /// Variables of the program that hold its version.
    version: &'static [(&'static str, &'static str)],
    /// It is built from a copy of the module, with these empty files added: the released module lacks
    /// what it embeds.
    added: &'static [&'static str],
}

const PLAIN: Component =
    Component { module: "", program: "", package: "", tags: "", version: &[], added: &[] };

const KUBERNETES: &[(&str, &str)] = &[
    ("k8s.io/component-base/version.gitVersion", "v1.34.4"),
    ("k8s.io/component-base/version.gitMajor", "1"),
    ("k8s.io/component-base/version.gitMinor", "34"),
    ("k8s.io/client-go/pkg/version.gitVersion", "v1.34.4"),
    ("k8s.io/client-go/pkg/version.gitMajor", "1"),
    ("k8s.io/client-go/pkg/version.gitMinor", "34"),
];

const ROLLOUTS: &[(&str, &str)] = &[("github.com/argoproj/argo-rollouts/utils/version.version", "1.10.1")];

/// Every program.
pub(crate) const ALL: &[Component] = &[
    Component { module: "kubernetes", program: "kube", package: ".", version: KUBERNETES, ..PLAIN },
    Component { module: "pause", program: "pause", package: ".", ..PLAIN },
    Component { module: "coredns", program: "coredns", package: "github.com/coredns/coredns", ..PLAIN },
    Component {
        module: "metrics-server",
        program: "metrics-server",
        package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
        ..PLAIN
    },
    Component {
        module: "argo-rollouts",
        program: "rollouts-controller",
        package: "github.com/argoproj/argo-rollouts/cmd/rollouts-controller",
        version: ROLLOUTS,
        ..PLAIN
    },
    Component {
        module: "argo-rollouts",
        program: "kubectl-argo-rollouts",
        package: "github.com/argoproj/argo-rollouts/cmd/kubectl-argo-rollouts",
        version: ROLLOUTS,
        added: &["server/static/none"],
        ..PLAIN
    },
    Component {
        module: "traefik",
        program: "traefik",
        package: "github.com/traefik/traefik/v3/cmd/traefik",
        version: &[("github.com/traefik/traefik/v3/pkg/version.Version", "3.7.5")],
        ..PLAIN
    },
    Component {
        module: "prometheus",
        program: "prometheus",
        package: "github.com/prometheus/prometheus/cmd/prometheus",
        tags: "remove_all_sd,enable_kubernetes_sd,enable_dns_sd",
        version: &[("github.com/prometheus/common/version.Version", "3.13.5")],
        ..PLAIN
    },
    Component {
        module: "argo-cd",
        program: "argocd",
        package: "github.com/argoproj/argo-cd/v3/cmd",
        version: &[("github.com/argoproj/argo-cd/v3/common.version", "3.5.7")],
        ..PLAIN
    },
    Component {
        module: "helm",
        program: "helm",
        package: "helm.sh/helm/v3/cmd/helm",
        version: &[("helm.sh/helm/v3/internal/version.version", "v3.19.5")],
        ..PLAIN
    },
    Component {
        module: "flagger",
        program: "flagger",
        package: "github.com/fluxcd/flagger/cmd/flagger",
        ..PLAIN
    },
    // Its imports are among those of Flagger itself, so the same pins hold.
    Component {
        module: "flagger",
        program: "loadtester",
        package: "github.com/fluxcd/flagger/cmd/loadtester",
        ..PLAIN
    },
    Component { module: "hey", program: "hey", package: "github.com/rakyll/hey", ..PLAIN },
    Component {
        module: "terraform-provider-kubectl",
        program: "terraform-provider-kubectl",
        package: "github.com/gavinbunney/terraform-provider-kubectl",
        ..PLAIN
    },
];

/// The program of this name.
pub(crate) fn named(name: &str) -> Result<&'static Component> {
    ALL.iter().find(|component| component.program == name).with_context(|| {
        let known: Vec<&str> = ALL.iter().map(|component| component.program).collect();
        format!("no program is called `{name}`: one of {}", known.join(", "))
    })
}

/// Builds what is missing. With names, only those programs.
pub(crate) fn build(home: &Home, names: &[String]) -> Result<()> {
    let wanted = names.iter().map(|name| named(name)).collect::<Result<Vec<_>>>()?;
    let all = ALL.iter().filter(|_| names.is_empty());
    wanted.into_iter().chain(all).try_for_each(|component| component.provide(home).map(|_| ()))
}

impl Component {
    /// Path of the program, built where it is missing.
    pub(crate) fn provide(&self, home: &Home) -> Result<PathBuf> {
        let kept = home.cache("programs")?.join(format!("{}-{}", self.program, self.recipe()?));
        if !kept.exists() {
            let began = Instant::now();
            eprintln!("building {} …", self.program);
            let made = kept.with_extension("new");
            self.compile(home, &made)?;
            fs::rename(&made, &kept)?;
            eprintln!("building {} took {} s", self.program, began.elapsed().as_secs());
        }
        let link = home.cache("bin")?.join(self.program);
        if fs::read_link(&link).ok().as_deref() != Some(&kept) {
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(&kept, &link)?;
        }
        Ok(kept)
    }

    /// A name for everything that the program is built from.
    fn recipe(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        for path in sources(&Home::tools().join(self.module))? {
            hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
            hasher.update(&fs::read(&path).with_context(|| path.display().to_string())?);
        }
        hasher
            .update(format!("{} {} {:?} {:?}", self.package, self.tags, self.version, self.added).as_bytes());
        Ok(hasher.finalize().to_hex()[..16].to_owned())
    }

    fn compile(&self, home: &Home, to: &Path) -> Result<()> {
        let flags = self.version.iter().map(|(name, value)| format!(" -X {name}={value}"));
        let flags = format!("-s -w{}", flags.collect::<String>());
        let (folder, mode, package) = match self.copied(home)? {
            None => (Home::tools().join(self.module), "-mod=readonly", self.package.to_owned()),
            Some((folder, package)) => (folder, "-mod=mod", package),
        };
        let mut go = go(&folder);
        go.args(["build", mode, "-trimpath", "-tags", self.tags, "-ldflags", &flags, "-o"])
            .arg(to)
            .arg(package);
        run::check(&mut go)?;
        Ok(())
    }

    /// A copy of the module's own sources with the files that it lacks, and the package in it.
    fn copied(&self, home: &Home) -> Result<Option<(PathBuf, String)>> {
        if self.added.is_empty() {
            return Ok(None);
        }
        let mut list = go(&Home::tools().join(self.module));
        let format = "{{with .Module}}{{.Path}} {{.Dir}}{{end}}";
        let found = run::check(list.args(["list", "-mod=readonly", "-f", format, self.package]))?;
        let (path, from) = found.trim().split_once(' ').context("go list names no module")?;
        let to = home.cache("sources")?.join(self.program);
        let _ = fs::remove_dir_all(&to);
        run::check(Command::new("cp").args(["-r", "--no-preserve=mode", from]).arg(&to))?;
        for file in self.added {
            fs::create_dir_all(to.join(file).parent().unwrap_or(&to))?;
            fs::write(to.join(file), "")?;
        }
        let package = self.package.strip_prefix(path).unwrap_or_default();
        Ok(Some((to, format!(".{package}"))))
    }
}

/// The folder of a component's module in the module cache, fetched where somebody has cleared that: its
/// manifests stand there.
pub(crate) fn module_folder(module: &str, package: &str) -> Result<PathBuf> {
    let folder = Home::tools().join(module);
    run::check(go(&folder).args(["mod", "download", package]))?;
    let found = run::check(go(&folder).args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", package]))?;
    Ok(PathBuf::from(found.trim()))
}

fn go(folder: &Path) -> Command {
    let mut go = Command::new("go");
    go.current_dir(folder).env("GOWORK", "off").env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false");
    go
}

/// Files of a folder and the folders in it, sorted.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_is_pinned() {
        for component in ALL {
            let folder = Home::tools().join(component.module);
            assert!(folder.join("go.mod").exists(), "{}", component.program);
            assert_eq!(component.recipe().unwrap().len(), 16);
        }
    }

    #[test]
    fn programs_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|component| component.program).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
