//! A rollout while it goes on: a picture that is drawn again in place on a terminal, a line a change elsewhere,
//! a view a change as JSON.
//!
//! The picture needs nothing but moves of the cursor upwards and clearing: a terminal is left as it is when the
//! command is killed, with the last picture above the prompt.

use super::args::Format;
use super::ci;
use super::context::{Context, height, live_width};
use crate::report::view::RolloutView;
use crate::report::{Render, TextOptions};
use jiff::{SignedDuration, Timestamp};
use std::io::{IsTerminal, Write};

/// While a step's time runs a line is told again after so long: how much of it is left.
const AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// How a rollout is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Drawn again and again.
    Live,
    /// A line a change.
    Plain,
    /// A view a change, each a line of JSON.
    Ndjson,
    /// Not at all.
    Quiet,
}

/// Follows a rollout.
pub(crate) struct Picture<W: Write> {
    out: W,
    style: Style,
    options: TextOptions,
    /// Rows of the picture that stands there.
    drawn: usize,
    /// What was told last, and when.
    told: String,
    told_at: Option<Timestamp>,
    last: Option<RolloutView>,
}

impl Picture<std::io::Stdout> {
    /// On standard output: the whole of what the command has to say.
    pub(crate) fn watch(context: &Context) -> Self {
        let out = std::io::stdout();
        let style = match context.format {
            Format::Json => Style::Ndjson,
            Format::Text if out.is_terminal() && !is_dumb() => Style::Live,
            _ => Style::Plain,
        };
        Self::new(out, style, context.text_options())
    }
}

impl Picture<std::io::Stderr> {
    /// On standard error, beside what the command will answer.
    pub(crate) fn beside(context: &Context) -> Self {
        let out = std::io::stderr();
        let style = match () {
            () if context.quiet => Style::Quiet,
            () if out.is_terminal() && !is_dumb() => Style::Live,
            () => Style::Plain,
        };
        let options = TextOptions { colour: context.color(&out), ..context.text_options() };
        Self::new(out, style, options)
    }
}

/// A terminal that cannot move its cursor.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

impl<W: Write> Picture<W> {
    fn new(out: W, style: Style, options: TextOptions) -> Self {
        Self { out, style, options, drawn: 0, told: String::new(), told_at: None, last: None }
    }

    /// Shows how it is now. A reader that went away is no fault: who waits has asked for the end.
    pub(crate) fn show(&mut self, view: &RolloutView) {
        let _ = match self.style {
            Style::Live => {
                // The terminal may have another size by now.
                let options =
                    TextOptions { width: live_width().unwrap_or(self.options.width), ..self.options };
                self.draw(&view.live(options, height().saturating_sub(1).max(4)))
            }
            Style::Plain => self.tell(view),
            Style::Ndjson => self.record(view),
            Style::Quiet => Ok(()),
        };
    }

    /// Takes the picture away, so that an answer can stand in its place.
    pub(crate) fn clear(&mut self) {
        let _ = self.draw(&[]);
    }

    /// True where the views themselves were the answer.
    pub(crate) fn has_answered(&self) -> bool {
        self.style == Style::Ndjson
    }

    fn draw(&mut self, lines: &[String]) -> std::io::Result<()> {
        if self.drawn == 0 && lines.is_empty() {
            return Ok(());
        }
        // What is wider than the terminal is cut, not wrapped: rows are counted.
        let mut frame = "\u{1b}[?7l".to_owned();
        if self.drawn > 0 {
            frame.push_str(&format!("\u{1b}[{}A", self.drawn));
        }
        for line in lines {
            frame.push_str("\r\u{1b}[K");
            frame.push_str(line);
            frame.push('\n');
        }
        // What is left of a longer picture.
        if self.drawn > lines.len() {
            frame.push_str("\r\u{1b}[J");
        }
        frame.push_str("\u{1b}[?7h");
        self.drawn = lines.len();
        // In one piece, so that no half of a picture is seen.
        self.out.write_all(frame.as_bytes())?;
        self.out.flush()
    }

    fn tell(&mut self, view: &RolloutView) -> std::io::Result<()> {
        let (line, left) = (view.line(), view.time_left());
        let is_due = self.told_at.is_none_or(|at| view.generated.duration_since(at) >= AGAIN);
        if line == self.told && (left.is_none() || !is_due) {
            return Ok(());
        }
        let at = view.generated.strftime("%H:%M:%S");
        let left = left.map(|left| format!(" ({left} left)")).unwrap_or_default();
        self.told = line;
        self.told_at = Some(view.generated);
        let line = format!("{at}  {}: {}{left}", view.name, self.told);
        writeln!(self.out, "{}", ci::harmless(&line))?;
        self.out.flush()
    }

    fn record(&mut self, view: &RolloutView) -> std::io::Result<()> {
        let is_same = self.last.as_ref().is_some_and(|last| {
            // The time of the view alone is no change.
            *view == RolloutView { generated: view.generated, ..last.clone() }
        });
        if is_same {
            return Ok(());
        }
        self.last = Some(view.clone());
        writeln!(self.out, "{}", ci::harmless_json(&view.json().to_string()))?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::view::{RolloutKind, RolloutPhase};
    use jiff::Timestamp;

    /// What a terminal shows after some bytes: enough of one for what a picture sends.
    fn screen(bytes: &[u8]) -> Vec<String> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (mut rows, mut row, mut column) = (vec![String::new()], 0, 0);
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => column = 0,
                '\n' => {
                    (row, column) = (row + 1, 0);
                    if row == rows.len() {
                        rows.push(String::new());
                    }
                }
                '\u{1b}' => {
                    let sequence: String =
                        rest.by_ref().skip(1).take_while(|c| !"AJKlh".contains(*c)).collect();
                    match text_of(&text, &rest) {
                        'A' => row -= sequence.parse::<usize>().unwrap(),
                        'K' => rows[row].clear(),
                        'l' | 'h' => assert_eq!(sequence, "?7"),
                        _ => {
                            rows.truncate(row + 1);
                            rows[row].clear();
                        }
                    }
                }
                c => {
                    assert_eq!(column, rows[row].chars().count(), "writes only at the end of a line");
                    rows[row].push(c);
                    column += 1;
                }
            }
        }
        rows.pop();
        rows
    }

    /// The letter that was read last.
    fn text_of(whole: &str, rest: &std::str::Chars<'_>) -> char {
        let read = whole.len() - rest.as_str().len();
        whole[..read].chars().next_back().unwrap()
    }

    fn options() -> TextOptions {
        TextOptions { width: 60, colour: false }
    }

    #[test]
    fn the_last_picture_stands_alone() {
        let mut picture = Picture::new(Vec::new(), Style::Live, options());
        let lines = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for frame in [lines(&["one", "two", "three"]), lines(&["a"]), lines(&["b", "cc"])] {
            picture.draw(&frame).unwrap();
            assert_eq!(screen(&picture.out), frame);
        }
        picture.clear();
        assert_eq!(screen(&picture.out), Vec::<String>::new());
    }

    #[test]
    fn a_line_and_a_record_only_where_something_changed() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let view =
            |second, phase| RolloutView { phase, ..RolloutView::new(RolloutKind::Local, "web", at(second)) };
        let views = [
            view(0, RolloutPhase::Analyzing),
            view(1, RolloutPhase::Analyzing),
            view(2, RolloutPhase::Completed),
        ];
        for style in [Style::Plain, Style::Ndjson] {
            let mut picture = Picture::new(Vec::new(), style, options());
            views.iter().for_each(|view| picture.show(view));
            picture.clear();
            let text = String::from_utf8(picture.out).unwrap();
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(!text.contains('\u{1b}'), "{text:?}");
            assert!(text.contains("completed"), "{text}");
        }
    }
}
