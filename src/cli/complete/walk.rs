//! What may stand at the end of a command line, by the command line's own description.

use super::Candidate;
use clap::builder::ValueRange;
use clap::{Arg, ArgAction, Command, ValueHint};
use std::collections::BTreeMap;

/// What stands on the line already: values by the id of their argument, and the commands that were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    /// `["tasks", "show"]`
    pub(super) path: Vec<String>,
    /// The last value of each.
    pub(super) values: BTreeMap<String, String>,
}

/// Where values come from that the description does not list.
pub(super) trait Source {
    /// Values of an argument that go with what is given; none where any text is one.
    fn values(&self, given: &Given, argument: &str, current: &str) -> Option<Vec<Candidate>>;
}

/// What may stand there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// Whole words that begin as what is typed.
    pub(super) candidates: Vec<Candidate>,
    /// Or a path.
    pub(super) wants_files: bool,
}

/// Where the walk along the words has come to.
struct Walk<'c> {
    command: &'c Command,
    given: Given,
    /// The option whose value comes next.
    pending: Option<&'c Arg>,
    /// Values without a name so far.
    position: usize,
    /// After `--` no word is an option.
    only_values: bool,
}

/// Candidates for the word `current` behind the words `before`.
pub(super) fn complete(root: &mut Command, before: &[String], current: &str, source: &dyn Source) -> Answers {
    root.build();
    let mut walk =
        Walk { command: root, given: Given::default(), pending: None, position: 0, only_values: false };
    before.iter().for_each(|word| walk.pass(word));
    walk.end(current, source)
}

impl<'c> Walk<'c> {
    fn pass(&mut self, word: &str) {
        if let Some(option) = self.pending.take() {
            self.note(option, word);
        } else if self.only_values {
            self.value(word);
        } else if word == "--" {
            self.only_values = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let option = self.option(|option| is_long(option, name));
            match (option, value) {
                (Some(option), Some(value)) => self.note(option, value),
                (option, None) => self.pending = option.filter(|option| takes_value(option)),
                (None, Some(_)) => {}
            }
        } else if let Some(shorts) = word.strip_prefix('-').filter(|shorts| !shorts.is_empty()) {
            self.shorts(shorts);
        } else if let Some(command) = self.command.find_subcommand(word).filter(|_| self.position == 0) {
            self.given.path.push(command.get_name().to_owned());
            self.command = command;
        } else {
            self.value(word);
        }
    }

    /// `-qo json`, `-ojson`
    fn shorts(&mut self, shorts: &str) {
        for (at, short) in shorts.char_indices() {
            let Some(option) = self.option(|option| option.get_short() == Some(short)) else { return };
            if takes_value(option) {
                match &shorts[at + short.len_utf8()..] {
                    "" => self.pending = Some(option),
                    value => self.note(option, value.strip_prefix('=').unwrap_or(value)),
                }
                return;
            }
        }
    }

    fn value(&mut self, word: &str) {
        if let Some(argument) = self.positional() {
            self.note(argument, word);
        }
        self.position += 1;
    }

    fn note(&mut self, argument: &Arg, value: &str) {
        self.given.values.insert(argument.get_id().to_string(), value.to_owned());
    }

    fn option(&self, is_it: impl Fn(&Arg) -> bool) -> Option<&'c Arg> {
        self.command.get_arguments().find(|argument| !argument.is_positional() && is_it(argument))
    }

    /// The argument that a value without a name would be of now.
    fn positional(&self) -> Option<&'c Arg> {
        let many = |argument: &&Arg| argument.get_num_args().is_some_and(|range| range.max_values() > 1);
        let mut all = self.command.get_positionals();
        all.nth(self.position).or_else(|| self.command.get_positionals().find(many))
    }

    fn end(&self, current: &str, source: &dyn Source) -> Answers {
        if let Some(option) = self.pending {
            return self.values(option, current, "", source);
        }
        if let Some((name, value)) = current.strip_prefix("--").and_then(|long| long.split_once('=')) {
            let lead = format!("--{name}=");
            let option = self.option(|option| is_long(option, name));
            return option.map_or_else(Answers::default, |option| self.values(option, value, &lead, source));
        }
        if current.starts_with('-') && !self.only_values {
            return Answers { candidates: self.options(current), wants_files: false };
        }
        let mut answers = match self.positional() {
            Some(argument) => self.values(argument, current, "", source),
            None => Answers::default(),
        };
        if self.position == 0 && !self.only_values {
            let commands = self.command.get_subcommands().filter(|command| !command.is_hide_set());
            let fitting = commands.filter(|command| command.get_name().starts_with(current));
            let shown = fitting.map(|command| Candidate::new(command.get_name(), about(command.get_about())));
            answers.candidates.extend(shown);
        }
        answers
    }

    fn options(&self, current: &str) -> Vec<Candidate> {
        let visible = self.command.get_arguments().filter(|a| !a.is_positional() && !a.is_hide_set());
        let named = visible.filter_map(|option| {
            let name = format!("--{}", option.get_long()?);
            name.starts_with(current).then(|| Candidate::new(name, about(option.get_help())))
        });
        named.collect()
    }

    fn values(&self, argument: &Arg, current: &str, lead: &str, source: &dyn Source) -> Answers {
        let listed = argument.get_possible_values();
        let found = match listed.is_empty() {
            false => {
                let shown = listed.iter().filter(|value| !value.is_hide_set());
                let fitting = shown.filter(|value| value.get_name().starts_with(current));
                Some(fitting.map(|value| Candidate::new(value.get_name(), about(value.get_help()))).collect())
            }
            true => source.values(&self.given, argument.get_id().as_str(), current),
        };
        let wants_files = found.is_none() && is_path(argument);
        let mut candidates = found.unwrap_or_default();
        candidates.iter_mut().for_each(|candidate| candidate.value.insert_str(0, lead));
        Answers { candidates, wants_files }
    }
}

fn is_long(option: &Arg, name: &str) -> bool {
    let aliases = || option.get_all_aliases().unwrap_or_default();
    option.get_long() == Some(name) || aliases().contains(&name)
}

fn takes_value(option: &Arg) -> bool {
    let takes = matches!(option.get_action(), ArgAction::Set | ArgAction::Append);
    takes && option.get_num_args().is_none_or(|range: ValueRange| range.max_values() > 0)
}

/// By its type or by the name of its value.
fn is_path(argument: &Arg) -> bool {
    let hint = argument.get_value_hint();
    let named = argument.get_value_names().unwrap_or_default();
    let is_named = named.iter().any(|name| ["FILE", "DIR"].iter().any(|word| name.contains(word)));
    is_named || matches!(hint, ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath)
}

/// The first line of a help text.
fn about(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::CommandFactory;

    /// Says what it was asked.
    struct Echo;

    impl Source for Echo {
        fn values(&self, given: &Given, argument: &str, current: &str) -> Option<Vec<Candidate>> {
            if matches!(argument, "message" | "state_dir" | "to") {
                return None;
            }
            let values: Vec<String> =
                given.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let asked = format!("{}|{argument}|{}|{current}", given.path.join(" "), values.join(","));
            Some(vec![Candidate::new(asked, "")])
        }
    }

    fn told(line: &str) -> Vec<String> {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let current = words.pop().unwrap();
        let answers = complete(&mut Cli::command(), &words, &current, &Echo);
        let mut told: Vec<String> = answers.candidates.into_iter().map(|candidate| candidate.value).collect();
        told.extend(answers.wants_files.then(|| "FILES".to_owned()));
        told
    }

    #[test]
    fn commands_options_and_values_are_told_apart() {
        for (line, wanted) in [
            ("pl", &["plan"][..]),
            ("tasks s", &["show", "set"]),
            ("rollout pro", &["promote"]),
            ("kube", &[]),
            ("plan --pha", &["--phase"]),
            ("plan --phase in", &["plan|phase||in"]),
            ("plan x.md --phase=in", &["--phase=plan|phase|document=x.md|in"]),
            ("plan -e kind -qo json --task in", &["plan|task|environment=kind,output=json|in"]),
            ("plan -ekind --task in", &["plan|task|environment=kind|in"]),
            ("-C sub tasks show a", &["tasks show|task|directory=sub|a"]),
            ("tasks show --document x.md a", &["tasks show|task|document=x.md|a"]),
            ("tasks set a ", &["tasks set|status|task=a|"]),
            ("resolve a ", &["completed", "pending"]),
            ("plan -o js", &["json"]),
            ("plan --format=js", &["--format=json"]),
            ("plan -- --x", &["plan|document||--x"]),
            ("--state-dir ", &["FILES"]),
            ("report --to x", &["FILES"]),
            ("approve a --message ", &[]),
            ("plan a b c", &[]),
            ("nosuch x", &[]),
        ] {
            assert_eq!(told(line), wanted, "{line}");
        }
    }

    #[test]
    fn every_command_that_is_shown_is_offered() {
        let offered = told("");
        let shown: Vec<String> = Cli::command()
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(|command| command.get_name().to_owned())
            .collect();
        assert!(shown.len() > 15 && shown.iter().all(|name| offered.contains(name)), "{offered:?}");
        assert!(!offered.iter().any(|name| name.starts_with("kube-") || name == "complete"), "{offered:?}");
    }
}
