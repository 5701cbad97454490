//! Sections of GitLab's job logs: lines that fold.
//!
//! The marks hold a carriage return and an escape sequence, which nothing foreign that we print holds.

/// The beginning of a section, closed at first. Times are in seconds of Unix; the log shows how long it took.
pub(super) fn start(name: &str, seconds: i64, title: &str) -> String {
    let title = crate::report::clean_lines(title).join(" ");
    format!("\u{1b}[0Ksection_start:{}:{}[collapsed=true]\r\u{1b}[0K{title}", seconds.max(0), plain(name))
}

/// Its end.
pub(super) fn end(name: &str, seconds: i64) -> String {
    format!("\u{1b}[0Ksection_end:{}:{}\r\u{1b}[0K", seconds.max(0), plain(name))
}

/// Names are letters, digits, `_`, `.` and `-`.
fn plain(name: &str) -> String {
    let plain =
        |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_as_gitlab_documents_it() {
        // Of docs.gitlab.com/ci/jobs/job_logs: \e[0Ksection_start:UNIX_TIMESTAMP:SECTION_NAME\r\e[0KHEADER
        assert_eq!(
            start("log_01AB/x", 1_560_896_352, "1.2 A\nb\u{1b}[0m"),
            "\u{1b}[0Ksection_start:1560896352:log_01ab-x[collapsed=true]\r\u{1b}[0K1.2 A b"
        );
        assert_eq!(end("log_01AB/x", 1_560_896_353), "\u{1b}[0Ksection_end:1560896353:log_01ab-x\r\u{1b}[0K");
    }
}
