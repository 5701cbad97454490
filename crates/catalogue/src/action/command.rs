//! Builds argument lists.

use taskmaster_core::action::{ProcessSpec, Value};

/// An argument list under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command(ProcessSpec);

impl Command {
    /// Begins with a program and its fixed words.
    pub(crate) fn new(words: &[&str]) -> Self {
        Self(ProcessSpec {
            argv: words.iter().map(|word| (*word).to_owned()).collect(),
            ..ProcessSpec::default()
        })
    }

    /// Adds one argument as it is.
    pub(crate) fn arg(mut self, argument: impl Into<String>) -> Self {
        self.0.argv.push(argument.into());
        self
    }

    /// Adds arguments as they are.
    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = String>) -> Self {
        self.0.argv.extend(arguments);
        self
    }

    /// Adds `flag=value` where there is a value.
    pub(crate) fn flag(self, flag: &str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.arg(format!("{flag}={value}")),
            None => self,
        }
    }

    /// Adds `flag=value` for each value.
    pub(crate) fn flags(self, flag: &str, values: impl IntoIterator<Item = String>) -> Self {
        values.into_iter().fold(self, |command, value| command.arg(format!("{flag}={value}")))
    }

    /// Adds a flag without a value.
    pub(crate) fn switch(self, flag: &str, on: bool) -> Self {
        if on { self.arg(flag) } else { self }
    }

    /// Adds a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: Value) -> Self {
        self.0.env.insert(name.to_owned(), value);
        self
    }

    /// Adds variables of the environment.
    pub(crate) fn envs(mut self, variables: impl IntoIterator<Item = (String, Value)>) -> Self {
        self.0.env.extend(variables);
        self
    }

    /// Sets what is read on standard input.
    pub(crate) fn stdin(mut self, value: Option<Value>) -> Self {
        self.0.stdin = value;
        self
    }

    /// Standard output is read as a value.
    pub(crate) fn capture(mut self) -> Self {
        self.0.capture = true;
        self
    }

    /// The process.
    pub(crate) fn build(self) -> ProcessSpec {
        self.0
    }
}
