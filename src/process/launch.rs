//! Starts one child process.

use super::child::Child;
use super::memory_file;
use super::proc::ATTEMPT_VARIABLE;
use crate::crash;
use rustix::fs::Access;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// Variables with this prefix configure the taskmaster that reads them. They are not inherited: a
/// task that starts taskmaster itself would otherwise work on our state directory.
const OWN_PREFIX: &[u8] = b"TASKMASTER_";

/// What a child reads.
#[derive(Debug)]
pub enum Stdin {
    /// Nothing: `/dev/null`.
    Null,
    /// These bytes, from a file in memory.
    Bytes(Zeroizing<Vec<u8>>),
}

/// Everything about a child before it is started.
#[derive(Debug)]
pub struct Launch {
    /// Program and arguments, executed as they are.
    pub argv: Vec<String>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// Added to our own environment (without `TASKMASTER_*`), where that is inherited.
    pub env: Vec<(String, Zeroizing<String>)>,
    /// It inherits our own environment; else it has `env` alone.
    pub inherits: bool,
    /// Its standard input.
    pub stdin: Stdin,
    /// Value of `TASKMASTER_ATTEMPT`.
    pub attempt: String,
    /// Standard output.
    pub stdout: File,
    /// Standard error; `stdout` where absent.
    pub stderr: Option<File>,
}

/// Why a child could not be started. Each variant is one cause that a person can act on.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no argv[0].
    #[error("the command line is empty")]
    Empty,
    /// A bare name that no folder on PATH holds.
    #[error("`{program}` is in none of the {folders} folders on PATH")]
    NotOnPath {
        /// As written.
        program: String,
        /// How many folders were searched.
        folders: usize,
    },
    /// A path where nothing is.
    #[error("there is no file {}", path.display())]
    NoFile {
        /// The path tried.
        path: PathBuf,
    },
    /// The file may not be executed.
    #[error("{} is not executable", path.display())]
    NotExecutable {
        /// The path tried.
        path: PathBuf,
    },
    /// The kernel cannot run such a file.
    #[error("{} is no program: neither a binary of this machine nor a script with `#!`", path.display())]
    NoProgram {
        /// The path tried.
        path: PathBuf,
    },
    /// A script whose `#!` names nothing.
    #[error("the interpreter named in the first line of {} does not exist", path.display())]
    NoInterpreter {
        /// The script.
        path: PathBuf,
    },
    /// The working directory cannot be entered.
    #[error("the working directory {} {why}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Arguments and environment exceed what the kernel takes.
    #[error("the arguments and the environment are together too long for the system")]
    TooLong,
    /// A NUL byte where none can be.
    #[error("an argument or a variable holds a NUL byte")]
    Nul,
    /// Anything else: no memory, no process ids.
    #[error("the system could not start it: {0}")]
    System(io::Error),
}

/// Starts it. The program is looked up on the child's own PATH; a relative path is taken from the
/// child's working directory.
///
/// # Errors
/// See [`SpawnError`]; nothing was started then.
pub fn launch(launch: Launch) -> Result<Child, SpawnError> {
    let Some(program) = launch.argv.first() else { return Err(SpawnError::Empty) };
    if launch.argv.iter().any(|argument| argument.contains('\0'))
        || launch.env.iter().any(|(name, value)| name.contains(['\0', '=']) || value.contains('\0'))
    {
        return Err(SpawnError::Nul);
    }
    let path = find_program(program, &launch)?;
    let (cwd, attempt) = (launch.cwd.clone(), launch.attempt.clone());
    let expression = expression(&path, launch)?;
    let handle =
        crash::around("spawn", || expression.start()).map_err(|error| classify(error, &path, &cwd))?;
    Ok(Child::new(handle, attempt))
}

fn expression(path: &Path, launch: Launch) -> Result<duct::Expression, SpawnError> {
    // argv[0] stays what the catalogue wrote.
    let name = launch.argv[0].clone();
    let mut it = duct::cmd(path, &launch.argv[1..]).unchecked().dir(&launch.cwd);
    it = it.before_spawn(move |command| {
        command.process_group(0).arg0(&name);
        Ok(())
    });
    it = match &launch.stdin {
        Stdin::Null => it.stdin_null(),
        Stdin::Bytes(bytes) => it.stdin_file(memory_file::holding(bytes).map_err(SpawnError::System)?),
    };
    it = match launch.stderr {
        Some(stderr) => it.stderr_file(stderr),
        None => it.stderr_to_stdout(),
    };
    it = it.stdout_file(launch.stdout);
    // In duct the innermost setting wins: removals must be outermost, our own mark innermost.
    it = it.env(ATTEMPT_VARIABLE, &launch.attempt);
    for (name, value) in &launch.env {
        it = it.env(name, value.as_str());
    }
    if !launch.inherits {
        return Ok(it.full_env(std::iter::empty::<(OsString, OsString)>()));
    }
    for name in inherited_internals() {
        it = it.env_remove(name);
    }
    Ok(it)
}

/// Our own environment does not change while we run.
fn inherited_internals() -> &'static [OsString] {
    static NAMES: OnceLock<Vec<OsString>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let names = std::env::vars_os().map(|(name, _)| name);
        names.filter(|name| name.as_encoded_bytes().starts_with(OWN_PREFIX)).collect()
    })
}

/// Looks a program up as `execvp` does in the child.
fn find_program(program: &str, launch: &Launch) -> Result<PathBuf, SpawnError> {
    if program.contains('/') {
        return Ok(launch.cwd.join(program));
    }
    let given = launch.env.iter().find(|(name, _)| name == "PATH");
    let search = match given {
        Some((_, value)) => OsString::from(value.as_str()),
        None => std::env::var_os("PATH").unwrap_or_default(),
    };
    search_path(program, &search, &launch.cwd)
}

/// The file that `execvp` would take for a bare name, `search` being the value of `PATH`. A program that is given by
/// its full path is spawned; of a bare name the standard library forks this process, with all its memory.
///
/// # Errors
/// [`SpawnError::NotOnPath`] and [`SpawnError::NotExecutable`].
pub fn search_path(program: &str, search: &OsStr, cwd: &Path) -> Result<PathBuf, SpawnError> {
    let mut folders = 0;
    let mut refused = None;
    if !program.is_empty() {
        for folder in std::env::split_paths(search) {
            folders += 1;
            let path = cwd.join(folder).join(program);
            match rustix::fs::access(&path, Access::EXEC_OK) {
                Err(Errno::ACCESS) if path.is_file() => refused = Some(path),
                Ok(()) if path.is_file() => return Ok(path),
                _ => {}
            }
        }
    }
    match refused {
        Some(path) => Err(SpawnError::NotExecutable { path }),
        None => Err(SpawnError::NotOnPath { program: program.to_owned(), folders }),
    }
}

/// The kernel answers "no such file" for a missing program, a missing interpreter and a missing
/// directory alike; people need to know which.
fn classify(error: io::Error, path: &Path, cwd: &Path) -> SpawnError {
    let Some(errno) = Errno::from_io_error(&error) else { return SpawnError::System(error) };
    let directory = |why| SpawnError::Directory { path: cwd.to_owned(), why };
    if !matches!(errno, Errno::NOENT | Errno::ACCESS | Errno::NOTDIR | Errno::NOEXEC | Errno::TOOBIG) {
        return SpawnError::System(error);
    }
    match std::fs::metadata(cwd) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return directory("may not be entered");
        }
        Err(_) => return directory("does not exist"),
        Ok(meta) if !meta.is_dir() => return directory("is no directory"),
        Ok(_) if rustix::fs::access(cwd, Access::EXEC_OK).is_err() => return directory("may not be entered"),
        Ok(_) => {}
    }
    let path = path.to_owned();
    match errno {
        Errno::NOEXEC => SpawnError::NoProgram { path },
        Errno::TOOBIG => SpawnError::TooLong,
        Errno::ACCESS => SpawnError::NotExecutable { path },
        _ if path.is_file() => SpawnError::NoInterpreter { path },
        _ => SpawnError::NoFile { path },
    }
}
