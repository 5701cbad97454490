//! `init`: a document and a catalogue that run at once, from a template. Nothing that is there is lost.

mod template;

use super::error::AppError;
use super::workspace::Workspace;
use crate::config::{PROJECT_FILE, STATE_DIR};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Component, Path, PathBuf};
pub use template::Template;

const IGNORE: &str = ".gitignore";

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The document's title.
    pub title: String,
    /// Where the document is to be, below the working directory.
    pub document: PathBuf,
    /// What both hold.
    pub template: Template,
    /// Replace what is there, which is kept under another name.
    pub force: bool,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// Files that were made, below the working directory.
    pub files: Vec<PathBuf>,
    /// Files that stood in their place, and what they are called now.
    pub kept: Vec<(PathBuf, PathBuf)>,
    /// Commands that come next.
    pub next: Vec<String>,
}

/// Makes the files of a template in the working directory, or none.
///
/// # Errors
/// One of them is there already, and `force` is not wished; the title cannot be one.
pub fn make(workspace: &Workspace, wish: &Wish) -> Result<Made, AppError> {
    let here = &workspace.working_dir;
    let files = plan(workspace, wish)?;
    let mut made = Made { next: next(&wish.document), ..Made::default() };
    let is_in_place = |(path, text): &(PathBuf, String)| {
        fs::read(here.join(path)).is_ok_and(|there| there == text.as_bytes())
    };
    let files: Vec<_> = files.into_iter().filter(|file| !is_in_place(file)).collect();
    let in_the_way: Vec<&Path> =
        files.iter().map(|(path, _)| path.as_path()).filter(|path| is_there(&here.join(path))).collect();
    refuse(here, &in_the_way, wish.force)?;
    for (path, text) in &files {
        let full = here.join(path);
        if is_there(&full) {
            made.kept.push((path.clone(), put_aside(here, path)?));
        }
        let fault = |source| AppError::Io { path: full.clone(), source };
        fs::create_dir_all(full.parent().unwrap_or(here)).map_err(fault)?;
        File::create_new(&full).and_then(|mut file| file.write_all(text.as_bytes())).map_err(fault)?;
        made.files.push(path.clone());
    }
    if ignore(workspace)? {
        made.files.push(PathBuf::from(IGNORE));
    }
    Ok(made)
}

/// All files with their texts.
fn plan(workspace: &Workspace, wish: &Wish) -> Result<Vec<(PathBuf, String)>, AppError> {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let document: PathBuf = wish.document.components().filter(|part| *part != Component::CurDir).collect();
    let Some(name) = document.to_str().filter(|name| !name.is_empty() && document.components().all(is_plain))
    else {
        let what = wish.document.display();
        return Err(AppError::usage(
            format!("{what} is no place below this folder"),
            "such as --document prd.md",
        ));
    };
    if document.extension().is_none_or(|ending| ending != "md") {
        return Err(AppError::usage(format!("{name} does not end with .md"), "such as --document prd.md"));
    }
    let (project, here) = (&workspace.project, &workspace.working_dir);
    let is_root = same(&project.root, here);
    let catalogue = match project.settings.catalogue.as_deref() {
        Some(named) if is_root && named.is_relative() => named,
        _ => Path::new(crate::config::CATALOGUE),
    };
    let mut files = wish.template.files(&wish.title, name, catalogue)?;
    if !is_root {
        // Without it the folder above would be the project, with a catalogue of its own.
        let text = format!("# The root of a project of taskmaster.\ndocument = {}\n", template::quoted(name));
        files.push((PathBuf::from(PROJECT_FILE), text));
    }
    Ok(files)
}

fn same(one: &Path, two: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    real(one) == real(two)
}

/// Also a link that leads nowhere is there.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn refuse(here: &Path, in_the_way: &[&Path], force: bool) -> Result<(), AppError> {
    let folder = in_the_way.iter().find(|path| here.join(path).is_dir());
    if let Some(folder) = folder {
        return Err(AppError::usage(format!("{} is a folder", folder.display()), "choose another place"));
    }
    if force || in_the_way.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = in_the_way.iter().map(|path| path.display().to_string()).collect();
    let help =
        "choose another place by --document and -C, or add --force: what is there is kept beside as *.bak";
    Err(AppError::usage(format!("already there: {}; nothing was made", names.join(", ")), help))
}

/// Gives a file a name that nothing has yet.
fn put_aside(here: &Path, path: &Path) -> Result<PathBuf, AppError> {
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 1 { ".bak".to_owned() } else { format!(".bak{number}") });
        PathBuf::from(name)
    };
    let free = (1..1000).map(numbered).find(|name| !is_there(&here.join(name)));
    let fault = |source| AppError::Io { path: here.join(path), source };
    let free = free.ok_or_else(|| fault(ErrorKind::AlreadyExists.into()))?;
    fs::rename(here.join(path), here.join(&free)).map_err(fault)?;
    Ok(free)
}

/// Adds the state directory to `.gitignore`, where there is Git and no such line. It ignores itself, too; a line says
/// so to whoever reads.
fn ignore(workspace: &Workspace) -> Result<bool, AppError> {
    let here = &workspace.working_dir;
    let in_git = here.ancestors().any(|dir| dir.join(".git").exists());
    if !in_git || workspace.project.settings.state_dir.is_some() {
        return Ok(false);
    }
    let path = here.join(IGNORE);
    let fault = |source| AppError::Io { path: path.clone(), source };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(fault(error)),
    };
    if text.lines().any(|line| line.trim().trim_matches('/') == STATE_DIR) {
        return Ok(false);
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let mut file = OpenOptions::new().append(true).create(true).open(&path).map_err(fault)?;
    file.write_all(format!("{gap}/{STATE_DIR}/\n").as_bytes()).map_err(fault)?;
    Ok(true)
}

fn next(document: &Path) -> Vec<String> {
    let document = document.to_string_lossy();
    let document = shell_words::quote(&document);
    ["doctor", "plan", "run", "report"].map(|command| format!("taskmaster {command} {document}")).to_vec()
}
