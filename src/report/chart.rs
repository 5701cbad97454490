//! A share over time as lines of text.

/// Rows of the picture.
const ROWS: usize = 8;
/// Columns beyond the end: what the last change came to.
const BEYOND: usize = 3;

/// A picture of a share over time: points of seconds and percent, each until the next one, the last one until
/// `end`. Lines have at most `width` columns; the last one is the axis of time.
pub(super) fn share(points: &[(f64, u32)], end: f64, width: usize) -> Vec<String> {
    let columns = width.saturating_sub(7).clamp(10, 72);
    let end = if end > 0.0 { end } else { 1.0 };
    let level = |column: usize| {
        let at = end * (column as f64 + 0.5) / (columns - BEYOND) as f64;
        let percent =
            points.iter().take_while(|(from, _)| *from <= at).last().map_or(0, |(_, percent)| *percent);
        (f64::from(percent.min(100)) / 100.0 * ROWS as f64).round() as usize
    };
    let levels: Vec<usize> = (0..columns).map(level).collect();
    let mut rows = vec![vec![' '; columns]; ROWS + 1];
    for (column, level) in levels.iter().enumerate() {
        let before = if column == 0 { *level } else { levels[column - 1] };
        for (row, cells) in rows.iter_mut().enumerate() {
            if let Some(sign) = sign(row, before, *level) {
                cells[column] = sign;
            }
        }
    }
    let label = |row: usize| {
        if row.is_multiple_of(2) { format!("{:>4} ┤", row * 100 / ROWS) } else { "     │".to_owned() }
    };
    let mut lines: Vec<String> = (0..=ROWS)
        .rev()
        .map(|row| format!("{}{}", label(row), rows[row].iter().collect::<String>()).trim_end().to_owned())
        .collect();
    lines.push(axis(end, columns - BEYOND));
    lines
}

/// A share in percent as a bar of exactly `width` columns.
pub(super) fn bar(percent: u32, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = percent.min(100) as usize * width * 8 / 100;
    // What is there at all is to be seen.
    let eighths = if percent > 0 { eighths.max(1).min(width * 8) } else { 0 };
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(EIGHTHS[eighths % 8]);
    let filled = eighths.div_ceil(8);
    bar.push_str(&"░".repeat(width.saturating_sub(filled)));
    bar
}

/// Numbers as a line of at most `width` columns, the last ones; a gap is `·`. The scale reaches from 0 to the
/// greatest of them and of `beside`, so that two lines can be compared.
pub(super) fn spark(values: &[Option<f64>], beside: &[Option<f64>], width: usize) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = &values[values.len().saturating_sub(width)..];
    let numbers = || shown.iter().chain(beside).flatten().filter(|value| value.is_finite());
    let highest = numbers().copied().fold(0.0, f64::max);
    let lowest = numbers().copied().fold(0.0, f64::min);
    let level = |value: f64| {
        let span = highest - lowest;
        let share = if span > 0.0 { (value - lowest) / span } else { 0.0 };
        LEVELS[((share * 7.0).round() as usize).min(7)]
    };
    let sign = |value: &Option<f64>| value.filter(|value| value.is_finite()).map_or('·', level);
    shown.iter().map(sign).collect()
}

/// What stands in a row of a column whose level was `before` in the one to the left.
fn sign(row: usize, before: usize, level: usize) -> Option<char> {
    let (low, high) = (before.min(level), before.max(level));
    if row < low || row > high {
        return None;
    }
    Some(match (before == level, level > before) {
        (true, _) => '─',
        (_, true) if row == level => '╭',
        (_, true) if row == before => '╯',
        (_, false) if row == level => '╰',
        (_, false) if row == before => '╮',
        _ => '│',
    })
}

/// When something happened, to the second.
pub(super) fn seconds(at: f64) -> String {
    let at = at.round() as u64;
    match at {
        0..120 => format!("{at} s"),
        120..3_600 => format!("{} min {:02} s", at / 60, at % 60),
        _ => format!("{} h {:02} min {:02} s", at / 3_600, at % 3_600 / 60, at % 60),
    }
}

fn axis(end: f64, columns: usize) -> String {
    // Of what is over so soon whole seconds say nothing.
    let seconds =
        |share: f64| if end < 10.0 { format!("{:.1} s", end * share) } else { seconds(end * share) };
    let (middle, last) = (seconds(0.5), seconds(1.0));
    let mut line = format!("{:6}0", "");
    let place = 6 + columns / 2;
    let room = place.saturating_sub(line.chars().count() + middle.chars().count() / 2);
    line.push_str(&" ".repeat(room));
    line.push_str(&middle);
    let room = (6 + columns).saturating_sub(line.chars().count() + last.chars().count());
    line.push_str(&" ".repeat(room.max(1)));
    line.push_str(&last);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_their_width() {
        let rows = [
            (0, "░░░░"),
            (1, "▏░░░"),
            (25, "█░░░"),
            (50, "██░░"),
            (90, "███▌"),
            (100, "████"),
            (400, "████"),
        ];
        for (percent, expected) in rows {
            assert_eq!(bar(percent, 4), expected, "{percent}");
        }
        assert_eq!(bar(50, 0), "");
    }

    #[test]
    fn sparks_share_a_scale() {
        let some = |values: &[f64]| values.iter().map(|value| Some(*value)).collect::<Vec<_>>();
        assert_eq!(spark(&some(&[0.0, 1.0, 2.0, 4.0]), &[], 9), "▁▃▅█");
        assert_eq!(spark(&some(&[0.0, 1.0, 2.0]), &some(&[8.0]), 2), "▂▃");
        assert_eq!(spark(&[Some(1.0), None, Some(f64::NAN), Some(f64::INFINITY)], &[], 9), "█···");
        assert_eq!(spark(&some(&[0.0, 0.0]), &[], 9), "▁▁");
        assert_eq!(spark(&some(&[-1.0, 1.0]), &[], 9), "▁█");
        assert_eq!(spark(&[], &[], 9), "");
    }

    #[test]
    fn a_share_that_rises_and_falls() {
        let lines = share(&[(0.0, 0), (10.0, 25), (20.0, 50), (30.0, 0), (40.0, 100)], 40.0, 30);
        assert_eq!(
            lines,
            [
                " 100 ┤                    ╭──",
                "     │                    │",
                "  75 ┤                    │",
                "     │                    │",
                "  50 ┤          ╭────╮    │",
                "     │          │    │    │",
                "  25 ┤     ╭────╯    │    │",
                "     │     │         │    │",
                "   0 ┤─────╯         ╰────╯",
                "      0       20 s    40 s",
            ]
        );
        for (points, end, width) in [(vec![], 0.0, 0), (vec![(f64::NAN, 500)], f64::INFINITY, 500)] {
            assert_eq!(share(&points, end, width).len(), ROWS + 2);
        }
    }
}
