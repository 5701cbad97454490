//! The terminal, as the command line sees it.

use crate::report::view::{Area, FindingView};

/// What is known of the terminal.
#[derive(Clone, Debug, Default)]
pub struct Terminal {
    /// Standard output goes to one.
    pub is_there: bool,
    /// Its columns.
    pub columns: Option<usize>,
    /// Colour is used on it.
    pub colour: bool,
    /// The character set of the locale: the first that is set of `LC_ALL`, `LC_CTYPE` and `LANG`.
    pub locale: Option<String>,
}

/// Columns below which lines are wrapped by the terminal.
const NARROWEST: usize = 40;

/// Judges it.
pub(super) fn judge(terminal: &Terminal) -> Vec<FindingView> {
    vec![width(terminal), characters(terminal)]
}

fn width(terminal: &Terminal) -> FindingView {
    let colour = if terminal.colour { "with colour" } else { "without colour" };
    match terminal.columns {
        _ if !terminal.is_there => {
            FindingView::ok(Area::Terminal, "terminal", "none: no question is asked, no progress drawn")
        }
        Some(columns) if columns < NARROWEST => {
            let help = format!("make it wider: views are laid out for {NARROWEST} columns and more");
            FindingView::warning(Area::Terminal, "terminal", format!("{columns} columns, {colour}"), help)
        }
        Some(columns) => FindingView::ok(Area::Terminal, "terminal", format!("{columns} columns, {colour}")),
        None => FindingView::ok(Area::Terminal, "terminal", format!("of unknown width, {colour}")),
    }
}

fn characters(terminal: &Terminal) -> FindingView {
    let locale = terminal.locale.as_deref().unwrap_or_default();
    let folded = locale.to_lowercase();
    if !terminal.is_there || folded.contains("utf-8") || folded.contains("utf8") {
        let name = if locale.is_empty() { "no locale is set" } else { locale };
        return FindingView::ok(Area::Terminal, "characters", name);
    }
    let found = match locale {
        "" => "no locale is set: signs and foreign titles may not be shown".to_owned(),
        locale => format!("{locale} is not UTF-8: signs and foreign titles may not be shown"),
    };
    FindingView::warning(Area::Terminal, "characters", found, "export LC_ALL=C.UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::view::Health;

    #[test]
    fn a_terminal_is_judged_by_width_and_characters() {
        let told = |is_there, columns, locale: &str| {
            let locale = Some(locale.to_owned()).filter(|locale| !locale.is_empty());
            let terminal = Terminal { is_there, columns, colour: false, locale };
            judge(&terminal).iter().map(|finding| finding.health).collect::<Vec<_>>()
        };
        use Health::{Ok, Warning};
        assert_eq!(told(true, Some(80), "de_DE.UTF-8"), [Ok, Ok]);
        assert_eq!(told(true, Some(40), "C.utf8"), [Ok, Ok]);
        assert_eq!(told(true, Some(39), "C.utf8"), [Warning, Ok]);
        assert_eq!(told(true, None, "POSIX"), [Ok, Warning]);
        assert_eq!(told(true, Some(80), ""), [Ok, Warning]);
        assert_eq!(told(false, None, ""), [Ok, Ok], "nobody looks");
    }
}
