//! What is run for a version.

use super::vault::Vault;
use crate::process::launch::{Launch, Stdin};
use std::fs::File;
use std::path::{Path, PathBuf};
use taskmaster_delivery::engine::Revision;
use taskmaster_delivery::spec::{Probe, Ready, Service, fill};
use zeroize::Zeroizing;

/// How a version is run.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The service as the version's file has it.
    pub service: Service,
    /// The version.
    pub revision: Revision,
    /// Folder of the file.
    pub directory: PathBuf,
    /// Its secrets.
    pub vault: Vault,
}

/// One replica of a version, in the terms that commands are filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its port.
    pub port: u16,
    /// Its number.
    pub number: u32,
}

impl Recipe {
    /// What tells that a replica can serve.
    pub fn ready(&self) -> &Ready {
        &self.service.ready
    }

    /// The process of a replica, with its output in `log` and `mark` in its environment.
    ///
    /// # Errors
    /// A secret is not known, or no file descriptor is left; in words.
    pub fn launch(&self, place: Place, mark: &str, log: &File) -> Result<Launch, String> {
        let words = self.service.command_of(&self.revision.0);
        self.program(words, place, mark, log.try_clone().map_err(|error| error.to_string())?)
    }

    /// The program that tells whether a replica can serve, where that is asked of one.
    ///
    /// # Errors
    /// As [`Recipe::launch`].
    pub fn probe(&self, place: Place, mark: &str) -> Result<Option<Launch>, String> {
        let Probe::Command(words) = &self.service.ready.probe else { return Ok(None) };
        let nowhere = File::options().write(true).open("/dev/null").map_err(|error| error.to_string())?;
        self.program(words, place, mark, nowhere).map(Some)
    }

    fn program(&self, words: &[String], place: Place, mark: &str, out: File) -> Result<Launch, String> {
        let version = &self.revision.0;
        let filled = |word: &str| fill(word, place.port, version, place.number);
        Ok(Launch {
            argv: words.iter().map(|word| filled(word)).collect(),
            cwd: self.cwd(),
            env: self.environment(&filled)?,
            // Ours is that of whichever command started the agent.
            inherits: false,
            stdin: Stdin::Null,
            attempt: mark.to_owned(),
            stdout: out,
            stderr: None,
        })
    }

    fn cwd(&self) -> PathBuf {
        let below = self.service.directory_of(&self.revision.0);
        below.map_or_else(|| self.directory.clone(), |below| self.directory.join(Path::new(below)))
    }

    fn environment(
        &self,
        filled: &impl Fn(&str) -> String,
    ) -> Result<Vec<(String, Zeroizing<String>)>, String> {
        let inherited = self.vault.environment().map(|(name, value)| (name.clone(), value.clone()));
        let mut all: Vec<_> = inherited.collect();
        for (name, text) in self.service.env_of(&self.revision.0) {
            let value = match text.literal() {
                Some(literal) => Zeroizing::new(filled(literal)),
                None => self.vault.look_up(&text).map_err(|fault| fault.to_string())?,
            };
            all.retain(|(known, _)| *known != name);
            all.push((name, value));
        }
        Ok(all)
    }
}
