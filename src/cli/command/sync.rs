//! `taskmaster sync`

use crate::app::bell::Bell;
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::plan::Request;
use crate::app::sync::act::Syncer;
use crate::app::sync::options::{Right, SyncOptions, checked_name, name_of};
use crate::app::sync::repeat::{self, Listener};
use crate::app::sync::standing::{Paused, Standing};
use crate::app::sync::status;
use crate::app::sync::write_back::WriteBackOptions;
use crate::app::workspace::ReadOptions;
use crate::cli::args::{AccessArgs, BeginArgs, Format, PaceArgs, SyncArgs, SyncCommand};
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::exec::ports::Observer;
use crate::exec::secret;
use crate::git::history::Signers;
use crate::git::names;
use crate::git::write::Author;
use crate::web::server::{self, Served};
use jiff::SignedDuration;
use std::path::{Component, Path, PathBuf};
use taskmaster_core::action::SecretRef;
use taskmaster_core::host::is_loopback;
use taskmaster_core::sync::{Pace, SyncResult};
use taskmaster_core::window::Window;

/// Longest time in which the secret of webhooks is read.
const SECRET_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// Syncs, or asks about syncs and steers them.
pub(crate) fn run(context: &Context, args: SyncArgs) -> Result<Exit, AppError> {
    context.can_show()?;
    let workspace = &context.workspace;
    match args.command {
        None => begin(context, &args.begin),
        Some(SyncCommand::Status(args)) => {
            context.show(&status::view(workspace, args.name.as_deref())?)?;
            Ok(Exit::Ok)
        }
        Some(SyncCommand::Pause(args)) => {
            let name = status::named(workspace, args.name.as_deref())?;
            status::pause(workspace, &name, args.message)?;
            done(context, &name, "paused")
        }
        Some(SyncCommand::Resume(args)) => {
            let name = status::named(workspace, args.name.as_deref())?;
            status::resume(workspace, &name)?;
            done(context, &name, "resumed")
        }
        Some(SyncCommand::Now(args)) => {
            let name = status::named(workspace, args.name.as_deref())?;
            let heard = status::now(workspace, &name)?;
            let exit = done(context, &name, "asked for")?;
            if let Some(why) = unheard(heard) {
                context.say(why);
            }
            Ok(exit)
        }
    }
}

/// Why nothing begins though it was asked for.
fn unheard(heard: status::Heard) -> Option<&'static str> {
    match heard {
        status::Heard::Now => None,
        status::Heard::Paused => Some("it is paused: it begins when `taskmaster sync resume` lets it"),
        status::Heard::ByNobody => Some(
            "no process loops: nothing begins before one does, or somebody calls `taskmaster sync --once`",
        ),
    }
}

fn done(context: &Context, name: &str, what: &str) -> Result<Exit, AppError> {
    let value = serde_json::json!({ "schema_version": 1, "sync": name, "done": what });
    context.answer(&value, &format!("{name}: {what}"))?;
    Ok(Exit::Ok)
}

fn begin(context: &Context, args: &BeginArgs) -> Result<Exit, AppError> {
    let options = options(args, &context.workspace.working_dir)?;
    let bell = Bell::default();
    let unheard = |source| AppError::Io { path: "the system's signals".into(), source };
    bell.hear_signals().map_err(unheard)?;
    let mut syncer = Syncer::open(options, context.workspace.project.clone(), bell)?;
    if is_token_in_clear(args) {
        context
            .say("warning: the token goes over http, where whoever stands between reads it; https hides it");
    }
    if args.once {
        return once(context, &mut syncer);
    }
    context.say(&format!("sync {}: begins; Ctrl-C ends it", syncer.name()));
    listen(context, &syncer, &args.pace)?;
    let mut loud = Loud { context, progress: super::run::progress(context), last: None };
    repeat::repeat(&mut syncer, &mut loud)?;
    Ok(Exit::Ok)
}

/// A token for another machine, by an address that hides nothing.
fn is_token_in_clear(args: &BeginArgs) -> bool {
    let url = args.repo.as_deref().and_then(|url| url.parse::<reqwest::Url>().ok());
    let in_clear = |url: &reqwest::Url| url.scheme() == "http" && !url.host_str().is_some_and(is_loopback);
    args.access.token.is_some() && url.as_ref().is_some_and(in_clear)
}

/// Serves webhooks and metrics where that is wanted.
fn listen(context: &Context, syncer: &Syncer, args: &PaceArgs) -> Result<(), AppError> {
    let Some(address) = &args.listen else { return Ok(()) };
    let secret = match &args.webhook_secret {
        None => None,
        Some(text) => {
            let reference = reference(text, "--webhook-secret")?;
            let root = &context.workspace.project.root;
            let secret = secret::read_one(&reference, root, SECRET_TIMEOUT)?;
            if secret.trim().is_empty() {
                return Err(AppError::usage("the secret of webhooks is empty", "anybody could sign with it"));
            }
            Some(secret)
        }
    };
    let served = Served {
        workspace: context.workspace.clone(),
        name: syncer.name().to_owned(),
        git_ref: syncer.git_ref().to_owned(),
        bell: syncer.bell().clone(),
        secret,
    };
    let unusable = |source| AppError::Io { path: address.into(), source };
    let bound = server::serve(address, served).map_err(unusable)?;
    context.say(&format!("listens on http://{bound}: /webhook, /metrics, /status, /healthz"));
    Ok(())
}

fn once(context: &Context, syncer: &mut Syncer) -> Result<Exit, AppError> {
    // With -o json the one view at the end is all that is printed.
    let mut progress = match context.format {
        Format::Json => Progress::silent(),
        _ => super::run::progress(context),
    };
    let standing = syncer.sync(&mut progress)?;
    let view = status::view(&context.workspace, Some(syncer.name()))?;
    context.show(&view)?;
    let has_drifted = view.syncs.iter().any(|sync| sync.drifted > 0);
    let drifted = if has_drifted { Exit::Drift } else { Exit::Ok };
    let result = standing.result.map_or(Exit::Ok, |result| Exit::from_code(result.exit_code()));
    Ok(result.and(drifted))
}

/// Tells of each sync that came to something else than the one before.
struct Loud<'a> {
    context: &'a Context,
    progress: Progress,
    last: Option<(SyncResult, Option<String>)>,
}

impl Listener for Loud<'_> {
    fn observer(&mut self) -> &mut dyn Observer {
        self.progress = super::run::progress(self.context);
        &mut self.progress
    }

    fn ended(&mut self, standing: &Standing) {
        let Some(result) = &standing.result else { return };
        let commit = standing.in_force.as_ref().map(|known| known.commit.clone());
        let now = Some((result.clone(), commit));
        if self.last == now {
            return;
        }
        self.last = now;
        let words = crate::report::sync_line(
            result,
            standing.in_force.as_ref().map(|k| (k.commit.as_str(), k.subject.as_str())),
        );
        self.context.say(&words);
        if let SyncResult::Refused { reasons } = result {
            reasons.iter().for_each(|reason| self.context.say(&format!("  {}", clean(reason))));
        }
        standing.notes.iter().for_each(|note| self.context.say(&format!("  {}", clean(note))));
    }

    fn paused(&mut self, paused: Option<&Paused>) {
        self.context.say(&match paused {
            Some(paused) => {
                let why = paused.message.as_ref().map(|message| format!(": {}", clean(message)));
                let (by, why) = (clean(&paused.by), why.unwrap_or_default());
                format!("paused by {by}{why}; `taskmaster sync resume` lets it go on")
            }
            None => "resumed".to_owned(),
        });
    }

    fn fault(&mut self, fault: &AppError) {
        self.context.say(&format!("error: {}; it is tried again", clean(&fault.to_string())));
    }
}

fn clean(text: &str) -> String {
    crate::report::clean_lines(text).join(" ")
}

fn options(args: &BeginArgs, working_dir: &Path) -> Result<SyncOptions, AppError> {
    let Some(url) = args.repo.clone() else {
        let help = "taskmaster sync --repo URL [--ref main] [--path prd/platform.md] [--env kind]";
        return Err(AppError::usage("--repo is missing", help));
    };
    let environment = &args.environment;
    let request = Request {
        read: ReadOptions { document: args.path.clone(), strict: args.strict, ..ReadOptions::default() },
        environment: environment.environment.clone(),
        vars: environment.grants.vars.iter().cloned().collect(),
        allow_inline: environment.grants.allow_inline,
        allow_contexts: environment.grants.allow_context.clone(),
        ignore_marks: args.ignore_marks,
        ..Request::default()
    };
    Ok(SyncOptions {
        name: checked_name(&args.name.clone().unwrap_or_else(|| name_of(&url)))?,
        url,
        right: right(&args.access, working_dir)?,
        git_timeout: args.access.git_timeout,
        git_ref: args.git_ref.clone(),
        project: args.project.as_deref().map_or_else(|| Ok(PathBuf::new()), inside)?,
        request,
        prune: args.prune,
        self_heal: args.self_heal,
        check: args.check,
        signers: signers(&args.access, working_dir),
        windows: windows(&args.pace)?,
        pace: pace(&args.pace),
        jobs: args.work.jobs.map(usize::from),
        keep_going: args.work.keep_going,
        no_wait: args.work.no_wait,
        write_back: args.write_back.then(|| write_back(args)).transpose()?,
    })
}

fn write_back(args: &BeginArgs) -> Result<WriteBackOptions, AppError> {
    let parts = args.author.strip_suffix('>').and_then(|text| text.split_once('<'));
    let Some((name, email)) = parts.filter(|(name, _)| !name.trim().is_empty()) else {
        let message = format!("`{}` names nobody", clean(&args.author));
        return Err(AppError::usage(message, "as in `--author 'Robot <robot@example.org>'`"));
    };
    let author = Author { name: name.trim().to_owned(), email: email.trim().to_owned() };
    let branch = args.write_back_branch.as_deref().map(|name| {
        let none =
            || AppError::usage(format!("`{}` is no branch", clean(name)), "as in --write-back-branch marks");
        names::branch(name).map(str::to_owned).ok_or_else(none)
    });
    if branch.is_none() && names::branch(&args.git_ref).is_none() {
        let message = format!("`{}` is no branch that marks could be pushed to", clean(&args.git_ref));
        return Err(AppError::usage(message, "--write-back-branch names one"));
    }
    Ok(WriteBackOptions { branch: branch.transpose()?, author })
}

/// A path that stays in the repository.
fn inside(path: &Path) -> Result<PathBuf, AppError> {
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(path.to_owned());
    }
    let message = format!("{} leads out of the repository", path.display());
    Err(AppError::usage(message, "give a path relative to its root"))
}

fn right(args: &AccessArgs, working_dir: &Path) -> Result<Right, AppError> {
    Ok(match (&args.token, &args.ssh_key) {
        (Some(_), Some(_)) => {
            return Err(AppError::usage(
                "a token and a key",
                "a repository has one address, and one of them",
            ));
        }
        (Some(token), None) => {
            Right::Token { username: args.token_user.clone(), token: reference(token, "--token")? }
        }
        (None, Some(file)) => {
            let known_hosts = args.known_hosts.as_deref().map(|file| working_dir.join(file));
            Right::SshKey { file: working_dir.join(file), known_hosts }
        }
        (None, None) => Right::None,
    })
}

/// A secret by reference. The text itself is never shown: it may be the secret.
pub(super) fn reference(text: &str, option: &str) -> Result<SecretRef, AppError> {
    let words = |line: &str| shell_words::split(line).ok().filter(|argv| !argv.is_empty());
    let found = match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Some(SecretRef::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Some(SecretRef::File(path.to_owned())),
        Some(("exec", line)) => words(line).map(SecretRef::Exec),
        _ => None,
    };
    let help = "env:NAME, file:PATH or exec:COMMAND";
    found.ok_or_else(|| AppError::usage(format!("{option} takes no secret, but where it is found"), help))
}

fn signers(args: &AccessArgs, working_dir: &Path) -> Option<Signers> {
    // Git is started elsewhere.
    let here = |path: &PathBuf| working_dir.join(path);
    let signers = Signers {
        allowed_signers: args.allowed_signers.as_ref().map(here),
        gnupg_home: args.gnupg_home.as_ref().map(here),
    };
    (signers != Signers::default()).then_some(signers)
}

fn windows(args: &PaceArgs) -> Result<Vec<Window>, AppError> {
    let parse = |text: &String| {
        text.parse().map_err(|e: taskmaster_core::window::WindowError| {
            AppError::usage(e.to_string(), "as in `allow 0 8 * * mon-fri for 10h in Europe/Berlin`")
        })
    };
    args.window.iter().map(parse).collect()
}

fn pace(args: &PaceArgs) -> Pace {
    let signed = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    Pace { interval: signed(args.interval), longest_delay: signed(args.longest_delay), ..Pace::default() }
}
