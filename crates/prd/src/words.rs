//! The words that carry meaning, in the languages people write PRDs in, and the small grammars
//! made of them: priorities, estimates, status words.

use crate::scan::{digits, is_emoji, strip_whole_word, strip_word};
use taskmaster_core::document::{Claim, Estimate, Priority};

/// Words that, followed by a number, make a heading a phase. The number stands behind them.
pub(crate) const PHASE_WORDS: &[&str] = &[
    "Phase",
    "Milestone",
    "Sprint",
    "Week",
    "Day",
    "Stage",
    "Step",
    "Wave",
    "Iteration",
    "Fase",
    "Etapa",
    "Semana",
    "Schritt",
    "Étape",
];

/// Phase words of languages that need no space, and put the number on either side.
pub(crate) const PHASE_WORDS_CJK: &[&str] = &["阶段", "단계", "フェーズ"];

/// Numbers in letters: a heading with one is meant as a phase, but is none.
pub(crate) const SPELLED_NUMBERS: &[&str] = &[
    "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve",
    "Zero", "Uno", "Una", "Dos", "Tres", "Cuatro", "Cinco", "Seis", "Siete", "Ocho", "Eins", "Zwei", "Drei",
    "Vier", "Fünf", "Sechs", "Sieben", "Acht", "Un", "Une", "Deux", "Trois", "Quatre", "Cinq", "Um", "Uma",
    "Dois", "Três",
];

/// Chinese digits: `第一阶段` is meant as a phase, but is none.
pub(crate) const CJK_DIGITS: &[char] = &['一', '二', '三', '四', '五', '六', '七', '八', '九', '十'];

/// Names of sections whose boxes are criteria, in lower case.
const ACCEPTANCE: &[&str] = &[
    "acceptance criteria",
    "success criteria",
    "definition of done",
    "exit criteria",
    "done when",
    "ac",
    "dod",
    "criterios de aceptación",
];

/// Words that mark a section of dependencies, in lower case.
const DEPENDENCY_SECTION: &[&str] = &[
    "dependencies",
    "dependencias",
    "dependências",
    "dépendances",
    "abhängigkeiten",
    "依赖",
    "依存",
    "의존",
];

/// What a heading or label is when it names acceptance criteria. `name` carries no decoration.
pub(crate) fn is_acceptance_name(name: &str) -> bool {
    let name = name.to_lowercase();
    ACCEPTANCE.contains(&name.as_str())
}

/// True for a heading that contains the word Dependencies in some language.
pub(crate) fn names_dependencies(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    DEPENDENCY_SECTION.iter().any(|word| heading.contains(word))
}

/// What a priority word means; the first word counts (`P0 (MUST)`).
pub(crate) fn priority(text: &str) -> Option<Priority> {
    const WORDS: &[(Priority, &[&str])] = &[
        (
            Priority::Critical,
            &[
                "critical", "highest", "blocker", "urgent", "must", "p0", "kritisch", "crítica", "crítico",
                "🔺",
            ],
        ),
        (Priority::High, &["high", "should", "p1", "hoch", "alta", "alto", "高", "높음", "⏫"]),
        (
            Priority::Medium,
            &["medium", "normal", "could", "p2", "mittel", "media", "medio", "média", "中", "중간", "🔼"],
        ),
        (
            Priority::Low,
            &[
                "low", "lowest", "minor", "won't", "won’t", "wont", "p3", "p4", "niedrig", "baja", "bajo",
                "低", "낮음", "🔽", "⏬",
            ],
        ),
    ];
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`' | '"' | '[' | ']'));
    let bare = text.trim_start_matches(|c: char| is_emoji(c) || c.is_whitespace());
    [bare, text].iter().find_map(|text| {
        let (priority, _) = WORDS
            .iter()
            .flat_map(|(priority, words)| words.iter().map(move |word| (*priority, *word)))
            .find(|(_, word)| strip_whole_word(text, word).is_some())?;
        Some(priority)
    })
}

/// What a status word of a one-task file claims. `[x] Complete` counts as its mark says.
pub(crate) fn status(text: &str) -> Claim {
    let (boxed, rest) = match text.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((mark, rest)) if mark.chars().count() <= 1 => (Some(mark), rest),
        _ => (None, text),
    };
    let letters: String = rest
        .to_lowercase()
        .chars()
        .map(|c| if matches!(c, '-' | '_') { ' ' } else { c })
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '\'' | '’'))
        .collect();
    match letters.split_whitespace().collect::<Vec<_>>().join(" ").as_str() {
        "done" | "complete" | "completed" | "closed" => Claim::Completed,
        "in progress" | "doing" | "started" | "review" | "in review" => Claim::InProgress,
        "cancelled" | "canceled" | "dropped" | "won't do" | "won’t do" | "wont do" | "archived" => {
            Claim::Cancelled
        }
        _ if matches!(boxed, Some("x" | "X")) => Claim::Completed,
        _ => Claim::Pending,
    }
}

/// Reads all of `text` as working time: `2d`, `6-8 hours`, `~1.5 h`, `1d 4h`.
pub(crate) fn estimate(text: &str) -> Option<Estimate> {
    let text = text.trim();
    let mut rest = text.trim_start_matches(['~', '≈']).trim_start();
    let (mut low, mut high) = (0_u64, 0_u64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (from, to, unit, after) = amount(rest)?;
        low = low.saturating_add(from.saturating_mul(unit) / 1000);
        high = high.saturating_add(to.saturating_mul(unit) / 1000);
        rest = after.trim_start();
    }
    let minutes = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Some(Estimate { text: text.to_owned(), low_minutes: minutes(low), high_minutes: minutes(high.max(low)) })
}

/// One `6-8 hours`: both ends in thousandths, minutes in the unit, and the rest.
fn amount(text: &str) -> Option<(u64, u64, u64, &str)> {
    let (low, mut rest) = thousandths(text)?;
    let mut high = low;
    for dash in ["-", "–", "—", "to "] {
        if let Some((value, after)) =
            rest.trim_start().strip_prefix(dash).and_then(|r| thousandths(r.trim_start()))
        {
            (high, rest) = (value, after);
            break;
        }
    }
    let (minutes, rest) = unit(rest.trim_start())?;
    Some((low, high, minutes, rest))
}

/// `1`, `1.5`, `1,5` in thousandths.
fn thousandths(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = digits(text)?;
    let whole: u64 = whole.parse().ok().filter(|n| *n <= 1_000_000)?;
    let Some((fraction, after)) = rest.strip_prefix(['.', ',']).and_then(digits) else {
        return Some((whole * 1000, rest));
    };
    let padded: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some((whole * 1000 + padded.parse::<u64>().ok()?, after))
}

fn unit(text: &str) -> Option<(u64, &str)> {
    const UNITS: &[(&str, u64)] = &[
        ("minutes", 1),
        ("minute", 1),
        ("minutos", 1),
        ("mins", 1),
        ("min", 1),
        ("m", 1),
        ("hours", 60),
        ("hour", 60),
        ("hrs", 60),
        ("hr", 60),
        ("h", 60),
        ("horas", 60),
        ("hora", 60),
        ("stunden", 60),
        ("stunde", 60),
        ("小时", 60),
        ("시간", 60),
        ("時間", 60),
        ("days", 480),
        ("day", 480),
        ("d", 480),
        ("días", 480),
        ("día", 480),
        ("dias", 480),
        ("dia", 480),
        ("tage", 480),
        ("tag", 480),
        ("天", 480),
        ("일", 480),
        ("日", 480),
        ("weeks", 2400),
        ("week", 2400),
        ("wks", 2400),
        ("wk", 2400),
        ("w", 2400),
        ("semanas", 2400),
        ("semana", 2400),
        ("wochen", 2400),
        ("woche", 2400),
        ("周", 2400),
        ("주", 2400),
    ];
    UNITS.iter().find_map(|(word, minutes)| {
        let rest = strip_word(text, word)?;
        let whole = !rest.chars().next().is_some_and(char::is_alphabetic);
        whole.then_some((*minutes, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_working_time() {
        let read = |text: &str| estimate(text).map(|e| (e.low_minutes, e.high_minutes));
        assert_eq!(read("6-8 hours"), Some((360, 480)));
        assert_eq!(read("2d"), Some((960, 960)));
        assert_eq!(read("1 – 2 weeks"), Some((2400, 4800)));
        assert_eq!(read("1.5h"), Some((90, 90)));
        assert_eq!(read("1d 4h"), Some((720, 720)));
        assert_eq!(read("End of Week 1"), None);
        assert_eq!(read("3"), None);
        assert_eq!(read("99999999999999999999 d"), None);
    }

    #[test]
    fn priorities_in_several_languages() {
        assert_eq!(priority("P0 (MUST)"), Some(Priority::Critical));
        assert_eq!(priority("**High**"), Some(Priority::High));
        assert_eq!(priority("won't"), Some(Priority::Low));
        assert_eq!(priority("높음"), Some(Priority::High));
        assert_eq!(priority("🔴 Critical"), Some(Priority::Critical));
        assert_eq!(priority("⏫"), Some(Priority::High));
        assert_eq!(priority("highly"), None);
        assert_eq!(priority("P5"), None);
    }

    #[test]
    fn status_words_of_one_task_files() {
        assert_eq!(status("In-Progress"), Claim::InProgress);
        assert_eq!(status("✅ Done"), Claim::Completed);
        assert_eq!(status("[x] Complete"), Claim::Completed);
        assert_eq!(status("Won't do"), Claim::Cancelled);
        assert_eq!(status("To Do"), Claim::Pending);
    }
}
