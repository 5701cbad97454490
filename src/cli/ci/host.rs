//! Who reads what is printed.

use crate::config::Ci;
use std::sync::OnceLock;

/// The server that a command runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// GitHub Actions, and what speaks as it does.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// None, or one that is not spoken to.
    Nobody,
}

/// Decided once, for standard output and standard error are one for the process too.
static HOST: OnceLock<Host> = OnceLock::new();

impl Host {
    /// Finds it: what is wished for, else what the server says about itself.
    pub(crate) fn find(wish: Ci, var: &dyn Fn(&str) -> Option<String>) -> Self {
        let is_on = |name: &str| var(name).is_some_and(|value| value == "true");
        match wish {
            Ci::Github => Self::GitHub,
            Ci::Gitlab => Self::GitLab,
            Ci::Off => Self::Nobody,
            Ci::Auto if is_on("GITHUB_ACTIONS") => Self::GitHub,
            Ci::Auto if is_on("GITLAB_CI") => Self::GitLab,
            Ci::Auto => Self::Nobody,
        }
    }
}

/// Remembers it; the first word counts.
pub(crate) fn settle(host: Host) {
    let _ = HOST.set(host);
}

/// The one that was settled on.
pub(crate) fn host() -> Host {
    HOST.get().copied().unwrap_or(Host::Nobody)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_goes_before_what_the_server_says() {
        let rows = [
            (Ci::Auto, &[][..], Host::Nobody),
            (Ci::Auto, &[("CI", "true")], Host::Nobody),
            (Ci::Auto, &[("GITHUB_ACTIONS", "true")], Host::GitHub),
            (Ci::Auto, &[("GITHUB_ACTIONS", "false")], Host::Nobody),
            (Ci::Auto, &[("GITHUB_ACTIONS", "")], Host::Nobody),
            (Ci::Auto, &[("GITLAB_CI", "true")], Host::GitLab),
            (Ci::Off, &[("GITHUB_ACTIONS", "true")], Host::Nobody),
            (Ci::Github, &[("GITLAB_CI", "true")], Host::GitHub),
            (Ci::Gitlab, &[], Host::GitLab),
        ];
        for (wish, vars, expected) in rows {
            let var = |name: &str| {
                vars.iter()
                    .find(|(key, _): &&(&str, &str)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Host::find(wish, &var), expected, "{wish:?} {vars:?}");
        }
    }
}
