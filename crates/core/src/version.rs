//! Versions of programs: which ones will do, and which one a program's words name.

use semver::{Version, VersionReq};
use std::fmt;

/// The versions of a program that will do: `>=1.6, <2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    text: String,
    range: VersionReq,
}

/// Signs with which a part of a range begins.
const OPERATORS: [char; 5] = ['<', '>', '=', '^', '~'];

impl Wanted {
    /// Reads a range: comparisons joined by commas, or `*` for every version.
    ///
    /// # Errors
    /// What is wrong, in words. A bare number is refused, since tools disagree about what it means.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        let bare = text.split(',').map(str::trim).find(|part| *part != "*" && !part.starts_with(OPERATORS));
        if let Some(part) = bare.filter(|part| !part.is_empty()) {
            return Err(format!("`{part}` does not say how to compare"));
        }
        let range = VersionReq::parse(text).map_err(|fault| fault.to_string())?;
        Ok(Self { text: text.to_owned(), range })
    }

    /// True where this version will do.
    pub fn accepts(&self, found: &Found) -> bool {
        self.range.matches(&found.0)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The version that a program tells: its first three numbers. What comes behind them (`-rc1`, `+build`, `p2`) says
/// nothing that programs agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found(Version);

impl Found {
    /// The first version that words name: numbers joined by points.
    pub fn in_words(words: &str) -> Option<Self> {
        let joined = |c: char| c.is_ascii_digit() || c == '.';
        let mut runs = words.split(|c| !joined(c)).map(|run| run.trim_matches('.'));
        runs.find_map(|run| {
            let mut numbers = run.split('.').map(str::parse::<u64>);
            let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
            let patch = numbers.next().map_or(Some(0), Result::ok)?;
            Some(Self(Version::new(major, minor, patch)))
        })
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_tell_their_version_in_many_ways() {
        for (words, version) in [
            ("Terraform v1.9.8\non linux_amd64\n", Some("1.9.8")),
            ("Client Version: v1.31.0\nKustomize Version: v5.4.2\n", Some("1.31.0")),
            ("v3.14.0+g3fc9f4b", Some("3.14.0")),
            ("argocd: v2.9.3+6eba5be", Some("2.9.3")),
            ("git version 2.39.5 (Apple Git-154)", Some("2.39.5")),
            ("git version 2.45.1.windows.1", Some("2.45.1")),
            ("go version go1.22 linux/amd64", Some("1.22.0")),
            ("GNU bash, version 5.2.21(1)-release", Some("5.2.21")),
            ("openjdk version \"21.0.2\" 2024-01-16", Some("21.0.2")),
            ("OpenSSH_9.2p1 Debian-2", Some("9.2.0")),
            ("jq-1.7.1", Some("1.7.1")),
            ("Terraform v2.0.0-rc1", Some("2.0.0")),
            ("v7", None),
            ("sh: 0: Illegal option --", None),
            ("99999999999999999999999.1", None),
            ("", None),
        ] {
            assert_eq!(Found::in_words(words).map(|found| found.to_string()).as_deref(), version, "{words}");
        }
    }

    #[test]
    fn a_range_accepts_what_lies_in_it() {
        for (range, version, accepts) in [
            (">=1.6", "1.6.0", true),
            (">=1.6", "1.5.9", false),
            (">=1.6, <2", "2.0.0", false),
            (">=1.6,<2", "1.99.0", true),
            ("^1.6", "2.0.0", false),
            ("~1.6", "1.7.0", false),
            ("=1.6.2", "1.6.2", true),
            ("=1.6", "1.6.9", true),
            ("*", "0.0.1", true),
        ] {
            let found = Found::in_words(version).expect("a version");
            assert_eq!(Wanted::parse(range).expect(range).accepts(&found), accepts, "{range} {version}");
        }
    }

    #[test]
    fn what_is_no_range_says_why() {
        for (range, why) in [
            ("1.6", "`1.6` does not say how to compare"),
            (">=1.6, 2", "`2` does not say how to compare"),
            ("latest", "`latest` does not say how to compare"),
            ("", "it is empty"),
        ] {
            assert_eq!(Wanted::parse(range), Err(why.to_owned()), "{range}");
        }
        for range in [">=", "~> 1.6", ">=1.6,", ">=x"] {
            assert!(Wanted::parse(range).is_err(), "{range}");
        }
    }
}
