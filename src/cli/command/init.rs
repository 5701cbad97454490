//! `taskmaster init`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::init::{self, Made, Template, Wish};
use crate::cli::args::InitArgs;
use crate::cli::context::Context;
use crate::report::clean_lines;
use serde_json::json;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

/// Questions that are asked again before the default is taken.
const TRIES: usize = 3;

/// Makes a document and a catalogue; asks for what is not given where somebody is there.
pub(crate) fn run(context: &Context, args: InitArgs) -> Result<Exit, AppError> {
    let asks = !args.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let folder = context.workspace.working_dir.file_name();
    let folder = folder.map_or_else(|| "Project".to_owned(), |name| name.to_string_lossy().into_owned());
    let title = match args.title {
        Some(title) => title,
        None if asks => answer("Title", &folder)?,
        None => folder,
    };
    let template = match args.template.as_deref().and_then(Template::named) {
        Some(template) => template,
        None if asks => choose()?,
        None => Template::Minimal,
    };
    let wish = Wish { title, document: args.document, template, force: args.force };
    let made = init::make(&context.workspace, &wish)?;
    tell(context, &made)?;
    Ok(Exit::Ok)
}

fn choose() -> Result<Template, AppError> {
    let list = Template::ALL.map(|template| format!("  {:<12}{}", template.name(), template.about()));
    let _ = writeln!(std::io::stderr(), "{}", list.join("\n"));
    for _ in 0..TRIES {
        let name = answer("Template", Template::Minimal.name())?;
        let mut fitting = Template::ALL.into_iter().filter(|template| template.name().starts_with(&name));
        if let (Some(only), None) = (fitting.next(), fitting.next()) {
            return Ok(only);
        }
    }
    Err(AppError::usage("no template is called so", "one of minimal, service, kubernetes"))
}

/// A line of the person, or the default for an empty one; the end of input is a no to all.
fn answer(question: &str, default: &str) -> Result<String, AppError> {
    let mut err = std::io::stderr();
    let _ = write!(err, "{question} [{}]: ", clean_lines(default).join(" "));
    let _ = err.flush();
    let mut line = String::new();
    let fault = |source| AppError::Io { path: "standard input".into(), source };
    if std::io::stdin().lock().read_line(&mut line).map_err(fault)? == 0 {
        let _ = writeln!(err);
        return Err(AppError::Interrupted);
    }
    Ok(Some(line.trim().to_owned()).filter(|line| !line.is_empty()).unwrap_or_else(|| default.to_owned()))
}

fn tell(context: &Context, made: &Made) -> Result<(), AppError> {
    let shown = |path: &Path| path.display().to_string();
    let files: Vec<String> = made.files.iter().map(|path| shown(path)).collect();
    let kept = made.kept.iter().map(|(file, name)| json!({ "file": shown(file), "as": shown(name) }));
    let value = json!({
        "schema_version": 1,
        "files": files,
        "kept": kept.collect::<Vec<_>>(),
        "next": made.next,
    });
    let mut lines: Vec<String> =
        made.kept.iter().map(|(file, name)| format!("kept {} as {}", shown(file), shown(name))).collect();
    lines.extend(files.iter().map(|file| format!("made {file}")));
    if files.is_empty() {
        lines.push("everything is there already".to_owned());
    }
    lines.push("\nnext:".to_owned());
    lines.extend(made.next.iter().map(|command| format!("  {command}")));
    context.answer(&value, &clean_lines(&lines.join("\n")).join("\n"))
}
