//! The two pages for people: the landing page and the version page.
//!
//! Each is one self-contained document, light and dark, that asks for nothing from anywhere; the
//! content security policy of [`POLICY`] makes a browser enforce that.

use crate::NAME;

/// The policy under which the pages are served: their own style, and nothing else at all.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// What the pages show about the instance.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The version it claims to be.
    pub version: &'a str,
    /// The revision of its rollout.
    pub revision: Option<&'a str>,
    /// The colour of its environment.
    pub colour: Option<&'a str>,
    /// When it started, in RFC 3339.
    pub started_at: &'a str,
    /// Where it stands in its life.
    pub phase: &'a str,
}

const LINKS: [(&str, &str); 7] = [
    ("/version", "the version, as JSON"),
    ("/html", "the version, as a page"),
    ("/health", "health in one answer"),
    ("/health/live", "is it alive?"),
    ("/health/ready", "may it have traffic?"),
    ("/slow?ms=250", "an answer that takes its time"),
    ("/metrics", "metrics for Prometheus"),
];

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fbfbfa;--soft:#5c6570;--line:#d9dde2;--link:#0b5cad}
@media (prefers-color-scheme:dark){:root{--ink:#e7eaee;--paper:#14171a;--soft:#9aa4af;--line:#333a42;--link:#7cb7f2}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:38rem;margin:0 auto;padding:2.5rem 1.25rem}
header{border-left:.5rem solid var(--accent,var(--line));padding-left:1rem}
h1{font-size:1.1rem;font-weight:500;margin:0;color:var(--soft)}
.version{font-size:clamp(2.25rem,12vw,4rem);font-weight:700;line-height:1.1;margin:0;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.25rem;margin:2rem 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
ul{padding:0;list-style:none}li{border-top:1px solid var(--line);padding:.5rem 0}
a{color:var(--link)}code{font-family:ui-monospace,monospace}";

/// The landing page: name, version and where to go from here.
#[must_use]
pub fn landing(facts: &Facts<'_>) -> String {
    let items: String = LINKS
        .iter()
        .map(|(path, what)| format!("<li><a href=\"{path}\"><code>{path}</code></a> {what}</li>\n"))
        .collect();
    page(facts, &format!("<nav><ul>\n{items}</ul></nav>"))
}

/// The version page: everything the instance knows about itself.
#[must_use]
pub fn version(facts: &Facts<'_>) -> String {
    let none = "none";
    let rows = [
        ("Version", facts.version),
        ("Revision", facts.revision.unwrap_or(none)),
        ("Colour", facts.colour.unwrap_or(none)),
        ("Started", facts.started_at),
        ("State", facts.phase),
    ];
    let items: String =
        rows.iter().map(|(term, value)| format!("<dt>{term}</dt><dd>{}</dd>\n", escape(value))).collect();
    page(facts, &format!("<dl>\n{items}</dl>\n<p><a href=\"/\">All endpoints</a></p>"))
}

fn page(facts: &Facts<'_>, body: &str) -> String {
    let version = escape(facts.version);
    let accent = facts.colour.and_then(accent).unwrap_or("var(--line)");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{NAME} {version}</title>\n\
         <style>\n{STYLE}\n:root{{--accent:{accent}}}\n</style>\n</head>\n<body>\n<main>\n\
         <header><h1>{NAME}</h1><p class=\"version\">{version}</p></header>\n{body}\n\
         </main>\n</body>\n</html>\n"
    )
}

/// The accent of a colour's name. Names come from the command line, so only known ones reach
/// the style sheet.
fn accent(colour: &str) -> Option<&'static str> {
    Some(match colour {
        "blue" => "#2f7fd6",
        "green" => "#2a9d63",
        "yellow" => "#d9a514",
        "red" => "#cf4a3c",
        "purple" => "#8458c9",
        _ => return None,
    })
}

/// Text as HTML text or attribute value.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts<'_> = Facts {
        version: "v2",
        revision: None,
        colour: Some("green"),
        started_at: "2026-01-02T03:04:05Z",
        phase: "ready",
    };

    #[test]
    fn the_landing_page_links_every_endpoint() {
        let html = landing(&FACTS);
        let paths = ["/version", "/html", "/health", "/health/live", "/health/ready", "/slow", "/metrics"];
        for path in paths {
            assert!(html.contains(&format!("href=\"{path}")), "{path} is not linked");
        }
    }

    #[test]
    fn the_version_page_shows_what_the_instance_knows() {
        let html = version(&FACTS);
        for text in ["<dd>v2</dd>", "<dd>green</dd>", "<dd>2026-01-02T03:04:05Z</dd>", "<dd>ready"] {
            assert!(html.contains(text), "{text} is not shown");
        }
        assert!(html.contains("--accent:#2a9d63"), "the accent follows the colour");
    }

    #[test]
    fn markup_in_a_setting_stays_text() {
        let facts = Facts { version: "<script>1</script>", colour: Some("red}body{display:none"), ..FACTS };
        for html in [landing(&facts), version(&facts)] {
            assert!(!html.contains("<script"), "{html}");
            assert!(!html.contains("--accent:red}"), "{html}");
            assert!(html.contains("&lt;script&gt;1&lt;/script&gt;"));
        }
    }

    #[test]
    fn pages_ask_for_nothing_and_know_both_schemes() {
        for html in [landing(&FACTS), version(&FACTS)] {
            for outside in ["http://", "https://", "src=", "@import", "url("] {
                assert!(!html.contains(outside), "{outside}");
            }
            assert!(html.contains("prefers-color-scheme:dark"));
        }
    }
}
