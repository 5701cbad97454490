//! Secrets of one version: the environment of the command that asked for it, and files that it names.

use crate::read;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use taskmaster_delivery::spec::Text;
use zeroize::Zeroizing;

/// Where the texts of one version are looked up. Its values are in memory alone.
#[derive(Clone)]
pub struct Vault {
    environment: BTreeMap<String, Zeroizing<String>>,
    directory: PathBuf,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Why a text is not known. It names the place, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The variable was not set where the rollout was started, or that was forgotten.
    #[error("the variable {0} is not known: start the rollout again where it is set")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("the secret in {} cannot be read: {why}", path.display())]
    NoFile {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl Vault {
    /// The environment of a command that was started for a file in `directory`. Variables of ours are left
    /// out: they name runs and folders of that command.
    pub fn new(environment: BTreeMap<String, String>, directory: &Path) -> Self {
        let is_ours = |name: &str| name.starts_with("TASKMASTER_");
        let kept = environment.into_iter().filter(|(name, _)| !is_ours(name));
        Self {
            environment: kept.map(|(name, value)| (name, Zeroizing::new(value))).collect(),
            directory: directory.to_owned(),
        }
    }

    /// The environment of this process: what is left where both guard and agent have died.
    pub fn of_this_process(directory: &Path) -> Self {
        let text = |value: std::ffi::OsString| value.into_string().ok();
        let all = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?)));
        Self::new(all.collect(), directory)
    }

    /// Its environment, for a process.
    pub fn environment(&self) -> impl Iterator<Item = (&String, &Zeroizing<String>)> {
        self.environment.iter()
    }

    /// A variable of its environment.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).map(|value| value.as_str().to_owned())
    }

    /// Its environment as JSON, for the guard's memory.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn to_json(&self) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        let plain: BTreeMap<&str, &str> =
            self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        serde_json::to_vec(&plain).map(Zeroizing::new)
    }

    /// What a text says.
    ///
    /// # Errors
    /// It is not known.
    pub fn look_up(&self, text: &Text) -> Result<Zeroizing<String>, VaultError> {
        match text {
            Text::Literal(text) => Ok(Zeroizing::new(text.clone())),
            Text::Env(name) => {
                self.environment.get(name).cloned().ok_or_else(|| VaultError::NoVariable(name.clone()))
            }
            Text::File(path) => {
                let path = self.directory.join(path);
                read::secret(&path).map_err(|fault| VaultError::NoFile { path, why: fault.to_string() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_and_faults_name_the_place_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "hunter22\n").unwrap();
        let environment = BTreeMap::from([
            ("TOKEN".to_owned(), "swordfish".to_owned()),
            ("TASKMASTER_STATE_DIR".to_owned(), "/elsewhere".to_owned()),
        ]);
        let vault = Vault::new(environment, folder.path());
        let look = |text| vault.look_up(&text).map(|value| value.to_string());
        assert_eq!(look(Text::Literal("a".into())).unwrap(), "a");
        assert_eq!(look(Text::Env("TOKEN".into())).unwrap(), "swordfish");
        assert_eq!(look(Text::File("secret".into())).unwrap(), "hunter22");
        assert!(look(Text::Env("TASKMASTER_STATE_DIR".into())).is_err());
        let fault = look(Text::File("absent".into())).unwrap_err().to_string();
        assert!(fault.contains("absent"), "{fault}");
        assert!(!format!("{vault:?}").contains("swordfish"));
    }
}
