//! The guides of `docs/guides`, typed as they are printed.
//!
//! Every fenced block marked `sh` is run by `sh -eu` in the project's root, in order, and must end
//! well. Blocks in other languages (`console`, `text`, `yaml` …) are for people. Comments of the
//! Markdown say what else is known of them; any other comment is an error, so that none is misspelt:
//!
//! - `<!-- expect: TEXT -->` before a block: what it prints, standard error included, holds TEXT.
//! - `<!-- background -->` before a block: it goes on while the next blocks run.
//! - `<!-- join -->`: what runs in the background must end well before the guide goes on.
//!
//! The settings of the site come by `XDG_CONFIG_HOME`, and Git knows who commits.

use crate::releases::{settle_blue_green, settle_canary};
use crate::run::until;
use crate::scenario::{given, then, when};
use crate::world::World;
use anyhow::{Context, Result, bail, ensure};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Longest time of one block.
const LONGEST_SECONDS: u64 = 600;

pub(crate) fn setup(world: &mut World) -> Result<()> {
    given("the platform, and its setup guide");
    follow(world, "setup")
}

pub(crate) fn blue_green(world: &mut World) -> Result<()> {
    given("v1 serves the users, and the blue-green guide");
    settle_blue_green(world, "v1")?;
    follow(world, "blue-green")
}

pub(crate) fn canary(world: &mut World) -> Result<()> {
    given("v1 serves the users, and the canary guide");
    settle_canary(world, "v1")?;
    follow(world, "canary")
}

pub(crate) fn troubleshooting(world: &mut World) -> Result<()> {
    given("the platform, and its troubleshooting guide");
    follow(world, "troubleshooting")
}

/// A fenced block of commands.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// Line of its fence.
    line: usize,
    script: String,
    /// Texts that its output holds.
    expected: Vec<String>,
}

/// What a guide asks for.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The block, to its end.
    Run(Block),
    /// The block, which goes on until it is joined.
    Start(Block),
    /// The end of what was started.
    Join,
}

fn follow(world: &World, name: &str) -> Result<()> {
    let path = world.project.join(format!("docs/guides/{name}.md"));
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let steps = steps(&text).with_context(|| format!("{name}.md"))?;
    let settings = world.settings();
    let place = Place { project: &world.project, settings: &settings, scratch: world.scratch.path() };
    run_all(steps, &place).with_context(|| format!("{name}.md"))?;
    then("everything is as the guide says");
    Ok(())
}

/// The steps of a guide.
fn steps(text: &str) -> Result<Vec<Step>> {
    let mut reader = Reader::default();
    let mut block: Option<(usize, String)> = None;
    let mut comment: Option<String> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        let line = text[..range.start].matches('\n').count() + 1;
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info)))
                if info.split_whitespace().next() == Some("sh") =>
            {
                block = Some((line, String::new()));
            }
            Event::Text(text) => {
                if let Some((_, script)) = &mut block {
                    script.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((line, script)) = block.take() {
                    reader.block(line, script);
                }
            }
            Event::Start(Tag::HtmlBlock) => comment = Some(String::new()),
            Event::Html(html) => comment.get_or_insert_default().push_str(&html),
            Event::End(TagEnd::HtmlBlock) => {
                let html = comment.take().unwrap_or_default();
                reader.comments(&html).with_context(|| format!("line {line}"))?;
            }
            Event::InlineHtml(html) => bail!("line {line}: {html} stands inside of a paragraph"),
            _ => {}
        }
    }
    reader.end()
}

/// What was read of a guide, and what is known of the block that comes next.
#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    expected: Vec<String>,
    is_background: bool,
    is_running: bool,
}

impl Reader {
    fn block(&mut self, line: usize, script: String) {
        let block = Block { line, script, expected: std::mem::take(&mut self.expected) };
        let is_background = std::mem::take(&mut self.is_background);
        self.is_running |= is_background;
        self.steps.push(if is_background { Step::Start(block) } else { Step::Run(block) });
    }

    fn comments(&mut self, html: &str) -> Result<()> {
        let mut rest = html.trim();
        while !rest.is_empty() {
            let inner = rest.strip_prefix("<!--").with_context(|| format!("{rest:?} is no comment"))?;
            let (note, after) = inner.split_once("-->").context("a comment without an end")?;
            self.note(note.trim())?;
            rest = after.trim_start();
        }
        Ok(())
    }

    fn note(&mut self, note: &str) -> Result<()> {
        match (note, note.split_once(':')) {
            ("background", _) => self.is_background = true,
            ("join", _) => {
                ensure!(self.is_running, "nothing runs in the background");
                self.is_running = false;
                self.steps.push(Step::Join);
            }
            (_, Some(("expect", text))) if !text.trim().is_empty() => {
                self.expected.push(text.trim().to_owned());
            }
            _ => bail!("unknown comment {note:?}"),
        }
        Ok(())
    }

    fn end(self) -> Result<Vec<Step>> {
        ensure!(self.expected.is_empty() && !self.is_background, "a comment without a block after it");
        ensure!(!self.is_running, "what runs in the background is never joined");
        ensure!(!self.steps.is_empty(), "there is nothing to run");
        Ok(self.steps)
    }
}

/// Where blocks run.
struct Place<'a> {
    project: &'a Path,
    /// Folder of the site's settings.
    settings: &'a Path,
    /// Folder for what blocks print.
    scratch: &'a Path,
}

fn run_all(steps: Vec<Step>, place: &Place) -> Result<()> {
    let mut started: Vec<Running> = Vec::new();
    for step in steps {
        match step {
            Step::Run(block) => Running::start(block, place)?.end(&mut started)?,
            Step::Start(block) => started.push(Running::start(block, place)?),
            Step::Join => started.drain(..).try_for_each(|mut running| running.end(&mut []))?,
        }
    }
    Ok(())
}

/// A block at work, with everything it started; the end of this is the end of that.
struct Running {
    block: Block,
    child: Child,
    log: PathBuf,
}

impl Running {
    fn start(block: Block, place: &Place) -> Result<Self> {
        when(&format!("line {}: {}", block.line, block.script.lines().next().unwrap_or_default()));
        let log = place.scratch.join(format!("guide-{}.log", block.line));
        let file = fs::File::create(&log)?;
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", &block.script]).current_dir(place.project).process_group(0);
        shell.env("XDG_CONFIG_HOME", place.settings);
        for who in ["AUTHOR", "COMMITTER"] {
            shell
                .env(format!("GIT_{who}_NAME"), "e2e")
                .env(format!("GIT_{who}_EMAIL"), "e2e@example.invalid");
        }
        shell.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = shell.spawn().context("sh")?;
        Ok(Self { block, child, log })
    }

    fn has_failed(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(status)) if !status.success())
    }

    /// Waits for its end, which nobody needs to see once something beside it has failed.
    fn end(&mut self, beside: &mut [Self]) -> Result<()> {
        let child = &mut self.child;
        let status = until("the block ends", LONGEST_SECONDS, || {
            let ended = child.try_wait()?;
            Ok(if ended.is_some() || beside.iter_mut().any(Self::has_failed) { Some(ended) } else { None })
        });
        if let Ok(None) = status {
            let failed = beside.iter_mut().find_map(|other| other.has_failed().then_some(other));
            return failed.map_or(Ok(()), |other| other.end(&mut []));
        }
        let status = status.map(Option::unwrap_or_default);
        let told = fs::read_to_string(&self.log)?;
        let place =
            || format!("line {}, `{}` printed:\n{told}", self.block.line, self.block.script.trim_end());
        let status = status.with_context(place)?;
        ensure!(status.success(), "{status}: {}", place());
        for text in &self.block.expected {
            ensure!(told.contains(text), "{text:?} is not in what {}", place());
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(line: usize, script: &str, expected: &[&str]) -> Block {
        let expected = expected.iter().map(|&text| text.to_owned()).collect();
        Block { line, script: script.to_owned(), expected }
    }

    #[test]
    fn blocks_and_their_comments() {
        for (text, expected) in [
            ("```sh\na\nb\n```\n", vec![Step::Run(block(1, "a\nb\n", &[]))]),
            ("# T\n\n```console\n$ a\n```\n\n```sh\nb\n```\n", vec![Step::Run(block(7, "b\n", &[]))]),
            ("```text\na\n```\n~~~sh\nb\n~~~\n", vec![Step::Run(block(4, "b\n", &[]))]),
            (
                "<!-- expect: one: two -->\n<!-- expect: three -->\n```sh\na\n```\n```sh\nb\n```\n",
                vec![Step::Run(block(3, "a\n", &["one: two", "three"])), Step::Run(block(6, "b\n", &[]))],
            ),
            (
                "<!-- background -->\n<!--expect: x-->\n\n```sh\na\n```\n\n```sh\nb\n```\n\n<!-- join -->\n",
                vec![Step::Start(block(4, "a\n", &["x"])), Step::Run(block(8, "b\n", &[])), Step::Join],
            ),
            ("- item\n\n  ```sh\n  a\n  ```\n", vec![Step::Run(block(3, "a\n", &[]))]),
            ("```sh\n# <!-- join -->\n```\n", vec![Step::Run(block(1, "# <!-- join -->\n", &[]))]),
        ] {
            assert_eq!(steps(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_a_guide_may_not_say() {
        for (text, why) in [
            ("text\n", "nothing to run"),
            ("<!-- expct: a -->\n```sh\na\n```\n", "unknown comment"),
            ("<!-- expect: -->\n```sh\na\n```\n", "unknown comment"),
            ("<!-- join -->\n```sh\na\n```\n", "nothing runs"),
            ("<!-- background -->\n```sh\na\n```\n", "never joined"),
            ("```sh\na\n```\n<!-- expect: a -->\n", "without a block"),
            ("```sh\na\n```\ntext <!-- expect: a -->\n", "inside of a paragraph"),
            ("<p>text</p>\n\n```sh\na\n```\n", "is no comment"),
        ] {
            let fault = format!("{:#}", steps(text).unwrap_err());
            assert!(fault.contains(why), "{text}: {fault}");
        }
    }

    fn run(text: &str) -> Result<tempfile::TempDir> {
        let scratch = tempfile::tempdir()?;
        let path = scratch.path();
        run_all(steps(text)?, &Place { project: path, settings: path, scratch: path })?;
        Ok(scratch)
    }

    #[test]
    fn blocks_run_in_order_and_beside_each_other() {
        let guide = "<!-- background -->\n<!-- expect: came -->\n```sh\nuntil [ -e go ]; do sleep 0.02; done\necho came >&2\n```\n\
                     ```sh\n[ ! -e go ]\ntouch go\n```\n<!-- join -->\n```sh\n[ \"$PWD\" = \"$XDG_CONFIG_HOME\" ]\n```\n";
        assert!(run(guide).unwrap().path().join("go").exists());
    }

    #[test]
    fn a_block_that_does_not_hold_is_named() {
        for (text, why) in [
            ("```sh\necho first\nfalse\necho last\n```\n", "line 1, `echo first"),
            ("<!-- expect: b -->\n```sh\necho a\n```\n", "\"b\" is not in what line 2"),
            ("```sh\necho \"$undefined\"\n```\n", "undefined"),
            ("<!-- background -->\n```sh\nexit 3\n```\n<!-- join -->\n", "exit status: 3"),
            (
                "<!-- background -->\n```sh\nexit 3\n```\n```sh\nsleep 60\n```\n<!-- join -->\n",
                "line 2, `exit 3",
            ),
        ] {
            let fault = format!("{:#}", run(text).unwrap_err());
            assert!(fault.contains(why) && !fault.contains("\nlast\n"), "{text}: {fault}");
        }
    }

    #[test]
    fn the_guides_can_be_followed() {
        for name in ["setup", "blue-green", "canary", "troubleshooting"] {
            let path = format!("{}/../../docs/guides/{name}.md", env!("CARGO_MANIFEST_DIR"));
            let text = fs::read_to_string(&path).unwrap();
            let count = steps(&text).unwrap_or_else(|fault| panic!("{name}: {fault:#}")).len();
            assert!(count >= 5, "{name}: {count} steps");
        }
    }
}
