//! No text makes the parser panic, point outside the text, or lose a byte in write-back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use taskmaster_prd::write_back::{Change, apply};
use taskmaster_prd::{Options, SourceText, parse, report};

fuzz_target!(|text: &str| {
    let parsed = parse(text, &Options::default());
    let source = [SourceText { name: "fuzz.md", text }];
    serde_json::to_string(&report(&parsed, &source)).expect("a report is JSON");
    let spans = parsed.diagnostics.iter().filter_map(|diagnostic| diagnostic.span);
    for span in spans.chain(parsed.document.tasks.iter().map(|task| task.span)) {
        assert!(text.get(span.start..span.end).is_some(), "{span:?} is no place in the text");
    }
    let ids: HashSet<&str> = parsed.document.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids.len(), parsed.document.tasks.len(), "ids are unique");
    for task in &parsed.document.tasks {
        assert!(task.dependencies.iter().all(|id| ids.contains(id.as_str())), "dependencies are tasks");
        let Some(mark) = task.mark else { continue };
        let change = Change { mark, source: 0, to: taskmaster_core::document::Claim::Completed };
        // The author may have given `x` another meaning; then there is no mark to write.
        let Ok(out) = apply(text, parsed.document.metadata.dialect, &[change]) else { continue };
        assert!(out.starts_with(&text[..mark.span.start]) && out.ends_with(&text[mark.span.end..]));
    }
});
