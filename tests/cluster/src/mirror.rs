//! Upstream's own manifests, out of the modules that the programs were built from, in a folder that
//! stands for the places they are downloaded from elsewhere.

use crate::component::{self, module_folder};
use crate::home::Home;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Tool module, the module that holds the manifest, its path there, its name in the mirror.
const FILES: &[(&str, &str, &str, &str)] = &[
    ("argo-rollouts", "github.com/argoproj/argo-rollouts", "manifests/install.yaml", "argo-rollouts.yaml"),
    ("argo-cd", "github.com/argoproj/argo-cd/v3", "manifests/install.yaml", "argo-cd.yaml"),
    ("flagger", "github.com/fluxcd/flagger", "artifacts/flagger/crd.yaml", "flagger.yaml"),
    ("traefik", "sigs.k8s.io/gateway-api", "config/crd/standard", "gateway-api.yaml"),
];

/// Fills the mirror and answers where it is.
pub(crate) fn fill(home: &Home) -> Result<PathBuf> {
    let mirror = home.cache("mirror")?;
    for (tool, module, from, to) in FILES {
        let from = module_folder(tool, module)?.join(from);
        let text = whole(&from).with_context(|| from.display().to_string())?;
        fs::write(mirror.join(to), fitted(&text))?;
    }
    providers(home, &mirror)?;
    Ok(mirror)
}

/// Terraform's own mirror: the provider that could be built, and the settings that point there
/// (`TF_CLI_CONFIG_FILE`).
fn providers(home: &Home, mirror: &Path) -> Result<()> {
    let folder = mirror.join("terraform");
    let program = component::named("terraform-provider-kubectl")?.provide(home)?;
    let to = folder.join("registry.terraform.io/gavinbunney/kubectl/1.19.0/linux_amd64");
    fs::create_dir_all(&to)?;
    fs::copy(program, to.join("terraform-provider-kubectl_v1.19.0"))?;
    let settings = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
        folder.display()
    );
    Ok(fs::write(mirror.join("terraform.rc"), settings)?)
}

/// A file, or the files of a folder one after the other.
fn whole(path: &Path) -> Result<String> {
    if path.is_file() {
        return Ok(fs::read_to_string(path)?);
    }
    let mut files: Vec<PathBuf> = fs::read_dir(path)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let manifests = files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    let texts = manifests.map(fs::read_to_string).collect::<std::io::Result<Vec<_>>>()?;
    Ok(texts.join("\n---\n"))
}

/// Images are there already, by the tags of the versions that were built: nothing is pulled. Dex, by
/// which others than Argo CD itself tell who somebody is, is not among them.
fn fitted(text: &str) -> String {
    let dex = "  name: argocd-dex-server\nspec:\n  selector:";
    text.replace("imagePullPolicy: Always", "imagePullPolicy: IfNotPresent")
        .replace("quay.io/argoproj/argo-rollouts:latest", "quay.io/argoproj/argo-rollouts:v1.10.1")
        .replace(dex, &dex.replace("spec:", "spec:\n  replicas: 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_never_pulled() {
        let text = "image: quay.io/argoproj/argo-rollouts:latest\nimagePullPolicy: Always\n";
        assert_eq!(
            fitted(text),
            "image: quay.io/argoproj/argo-rollouts:v1.10.1\nimagePullPolicy: IfNotPresent\n"
        );
    }
}
