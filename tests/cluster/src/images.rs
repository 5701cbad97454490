//! The images that pods of the tests run, by the names that their manifests have for them.

use crate::archive::{Entry, Image};
use crate::component;
use crate::debian;
use crate::home::Home;
use crate::node::PAUSE;
use crate::run;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An image that lies in the cache.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) name: String,
    pub(crate) archive: PathBuf,
}

/// Programs that are an image by themselves: program, image, where it stands, its user. Manifests that
/// want another user than root and name none need one here.
const SINGLE: &[(&str, &str, &str, u32)] = &[
    ("pause", PAUSE, "/pause", 0),
    ("coredns", "registry.k8s.io/coredns/coredns:v1.14.3", "/coredns", 0),
    ("metrics-server", "registry.k8s.io/metrics-server/metrics-server:v0.9.0", "/metrics-server", 0),
    ("rollouts-controller", "quay.io/argoproj/argo-rollouts:v1.10.1", "/bin/rollouts-controller", 999),
    ("traefik", "docker.io/library/traefik:v3.7.5", "/usr/local/bin/traefik", 0),
    ("prometheus", "quay.io/prometheus/prometheus:v3.13.5", "/bin/prometheus", 0),
    ("flagger", "ghcr.io/fluxcd/flagger:1.36.1", "/flagger", 0),
    ("loadtester", "ghcr.io/fluxcd/flagger-loadtester:0.31.0", "/loadtester", 0),
];

/// Packs what is missing; all of them, in the order of the list.
pub(crate) fn pack(home: &Home) -> Result<Vec<Packed>> {
    let debian = debian::provide(home)?;
    let mut packed = Vec::new();
    for (program, name, at, user) in SINGLE {
        let path = component::named(program)?.provide(home)?;
        let image = Image::of(name, &path, at).with("/tmp", Entry::Folder);
        packed.push(keep(home, &path, &Image { user: *user, ..image })?);
    }
    packed.push(argo_cd(home, &debian)?);
    packed.push(redis(home, &debian)?);
    packed.extend(sample_api(home)?);
    Ok(packed)
}

/// The service that is released, in versions that differ by their settings; the last one fails a
/// third of its requests.
fn sample_api(home: &Home) -> Result<Vec<Packed>> {
    let project = Home::project();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    run::check(cargo.current_dir(&project).args(["build", "--release", "--locked", "--bin", "sample-api"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project.join("target"), PathBuf::from);
    let program = target.join("release/sample-api");
    // The same path holds another program after each change of it.
    let kept = home.cache("programs")?.join(format!("sample-api-{}", content(&program)?));
    if !kept.exists() {
        fs::copy(&program, &kept)?;
    }
    let versions: [(&str, &[&str]); 4] =
        [("v1", &[]), ("v2", &[]), ("v3", &[]), ("v3-faulty", &["ERROR_RATE=0.33"])];
    let image = Image::of("", &kept, "/sample-api")
        .with("/etc/passwd", text("root:x:0:0:root:/:/bin/sh\nservice:x:10001:10001::/:/bin/sh\n"))
        .with_libraries(Path::new("/usr/lib"))?;
    let pack = |(tag, settings): &(&str, &[&str])| {
        let mut image =
            Image { name: format!("registry.test/sample-api:{tag}"), user: 10001, ..image.clone() };
        image.env.push(format!("APP_VERSION={tag}"));
        image.env.extend(settings.iter().map(|&setting| setting.to_owned()));
        keep(home, &kept, &image)
    };
    versions.iter().map(pack).collect()
}

/// A name for what a file holds.
fn content(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    Ok(blake3::hash(&bytes).to_hex()[..16].to_owned())
}

/// Packs an image unless it is there; `of` is the program that makes it another one.
fn keep(home: &Home, of: &Path, image: &Image) -> Result<Packed> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{image:?}").as_bytes());
    hasher.update(of.as_os_str().as_encoded_bytes());
    let short: String = image.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let archive = home.cache("images")?.join(format!("{short}-{}.tar", &hasher.finalize().to_hex()[..16]));
    if !archive.exists() {
        let made = archive.with_extension("new");
        fs::write(&made, image.pack()?)?;
        fs::rename(made, &archive)?;
    }
    Ok(Packed { name: image.name.clone(), archive })
}

fn text(text: &str) -> Entry {
    Entry::Text(text.to_owned(), false)
}

/// Redis as Debian has it.
fn redis(home: &Home, debian: &Path) -> Result<Packed> {
    let program = debian::program(debian, "redis-check-rdb")?;
    let image = Image::of(
        "public.ecr.aws/docker/library/redis:8.2.3-alpine",
        &program,
        "/usr/local/bin/redis-server",
    )
    .with("/tmp", Entry::Folder)
    .with("/data", Entry::Folder)
    .with("/etc/passwd", text("root:x:0:0:root:/:/bin/sh\nredis:x:999:999:redis:/data:/bin/sh\n"))
    .with_libraries(&debian.join("usr/lib/x86_64-linux-gnu"))?;
    keep(home, &program, &image)
}

/// Argo CD calls programs of a system around it, and runs as a user of its own.
fn argo_cd(home: &Home, debian: &Path) -> Result<Packed> {
    let argocd = component::named("argocd")?.provide(home)?;
    let sources = component::module_folder("argo-cd", "github.com/argoproj/argo-cd/v3")?;
    let mut image = Image::of("quay.io/argoproj/argocd:v3.5.7", &argocd, "/usr/local/bin/argocd")
        .with("/usr/local/bin/helm", Entry::File(component::named("helm")?.provide(home)?))
        .with("/usr/bin/entrypoint.sh", Entry::Text("#!/bin/sh\nexec \"$@\"\n".to_owned(), true))
        .with(
            "/etc/passwd",
            text("root:x:0:0:root:/:/bin/sh\nargocd:x:999:999:argocd:/home/argocd:/bin/sh\n"),
        )
        .with("/etc/nsswitch.conf", text("hosts: files dns\npasswd: files\n"))
        .with("/etc/gitconfig", text("[safe]\n\tdirectory = *\n"))
        .with("/bin", Entry::Link("usr/bin".to_owned()))
        .with("/lib", Entry::Link("usr/lib".to_owned()))
        .with("/tmp", Entry::Folder)
        .with("/home/argocd", Entry::Folder)
        .with("/app/config", Entry::Folder);
    for script in ["gpg-wrapper.sh", "git-verify-wrapper.sh"] {
        let from = fs::read_to_string(sources.join("hack").join(script))?;
        image = image.with(&format!("/usr/local/bin/{script}"), Entry::Text(from, true));
    }
    for name in ["server", "repo-server", "cmp-server", "application-controller", "applicationset-controller"]
    {
        image = image.with(&format!("/usr/local/bin/argocd-{name}"), Entry::Link("argocd".to_owned()));
    }
    for name in ["notifications", "k8s-auth", "git-ask-pass", "dex", "commit-server"] {
        image = image.with(&format!("/usr/local/bin/argocd-{name}"), Entry::Link("argocd".to_owned()));
    }
    for name in [
        "git",
        "bash",
        "grep",
        "cut",
        "awk",
        "head",
        "tr",
        "sh",
        "cp",
        "ln",
        "cat",
        "ls",
        "rm",
        "mkdir",
        "sed",
        "uname",
        "gpg",
        "gpg-agent",
        "ssh",
    ] {
        let found = fs::canonicalize(Path::new("/usr/bin").join(name))
            .or_else(|_| fs::canonicalize(Path::new("/bin").join(name)));
        if let Ok(found) = found {
            image = image.with(&format!("/usr/bin/{name}"), Entry::File(found));
        }
    }
    for name in ["git-remote-http", "git-remote-https", "git-submodule"] {
        let from = Path::new("/usr/lib/git-core").join(name);
        image = image.with(&format!("/usr/lib/git-core/{name}"), Entry::File(fs::canonicalize(from)?));
    }
    image.entrypoint = vec!["/usr/bin/entrypoint.sh".to_owned()];
    image.user = 999;
    image.env.push("HOME=/home/argocd".to_owned());
    let image = image.with_libraries(&debian.join("usr/lib/x86_64-linux-gnu"))?;
    keep(home, &argocd, &image)
}
